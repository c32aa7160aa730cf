"""Door: the arguments of the command line, and whatever is printed of what they name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cases import snapshot
from tests.conftest import Cli
from tests.hostile.cases import BROKEN, ESCAPE, FORMULA, MARKUP, ROWS, TURNED, check_line
from tests.makers import check_refused, coloured, write_folder

FILTER = ("filter", "x.npy", "--out", "out")
REFUSED: dict[str, tuple[Any, ...]] = {
    "poisons of no figure": (*FILTER, "--poisons", "many"),
    "poisons of 5,000 figures": (*FILTER, "--poisons", "9" * 5000),
    "poisons beyond the rows": (*FILTER, "--poisons", "41"),
    "poisons below 0": (*FILTER, "--poisons=-3"),
    "a share of NaN": (*FILTER, "--poisons", "nan%"),
    "a share of infinity": (*FILTER, "--poisons", "inf%"),
    "a share below 0": (*FILTER, "--poisons=-1%"),
    "poisons of markup": (*FILTER, "--poisons", MARKUP),
    "poisons of an escape": (*FILTER, "--poisons", ESCAPE),
    "k of infinity": (*FILTER, "--poisons", "3", "--k", "inf"),
    "k of 5,000 figures": (*FILTER, "--poisons", "3", "--k", "9" * 5000),
    "alpha of NaN": (*FILTER, "--poisons", "3", "--alpha", "nan"),
    "alpha of infinity": (*FILTER, "--poisons", "3", "--alpha", "inf"),
    "a method that climbs": (*FILTER, "--poisons", "3", "--method", "../x"),
    "a device of an escape": (*FILTER, "--poisons", "3", "--device", ESCAPE),
    "a column that is not there": (*FILTER, "--poisons", "3", "--column", BROKEN),
    "a mask that climbs": (*FILTER, "--poisons", "3", "--compare", "../../nothing"),
    "an option of nobody": (*FILTER, "--poisons", "3", "--nothing"),
    "a file of 5,000 letters": ("filter", "n" * 5000, "--poisons", "3", "--out", "out"),
    "a file of two lines": ("filter", BROKEN, "--poisons", "3", "--out", "out"),
    "a folder below a file": ("filter", "x.npy", "--poisons", "3", "--out", "x.npy/out"),
    "data at the home of nobody": ("data", "~nobody-of-that-name/x"),
    "data of 5,000 letters": ("data", "n" * 5000),
    "data of an escape": ("data", ESCAPE),
    "data of an unknown kind": ("data", ".", "--as", MARKUP),
    "an audit of nothing": ("audit", "gone", "--out", "out"),
    "a level of NaN": ("audit", "x.npy", "x.npy", "--level", "nan", "--out", "out"),
    "a model that is a pickle": ("audit", "pictures", "--model", "x.pt", "--out", "out"),
    "a model of markup": ("layers", MARKUP),
    "weights that are a pickle": ("layers", "torchvision:resnet18", "--weights", "x.pkl"),
    "a run that climbs": ("resume", "../x", "--runs-dir", "runs"),
    "a run of an escape": ("cancel", ESCAPE, "--runs-dir", "runs"),
    "a report that climbs": ("report", "../../etc", "--runs-dir", "runs", "--audits-dir", "audits"),
    "a report at the home of nobody": ("report", "~nobody-of-that-name/x", "--runs-dir", "runs", "--audits-dir", "audits"),
    "an option of no group": ("run", "--set", "nothing", "--runs-dir", "runs"),
    "an option of an unknown group": ("run", "--set", "../x.y=1", "--runs-dir", "runs"),
    "an option of infinity": ("run", "--set", "training.epochs=1e999", "--runs-dir", "runs"),
    "an option of NaN": ("run", "--set", "poisoning.strength=nan", "--runs-dir", "runs"),
    "an option of 5,000 figures": ("run", "--set", f"training.batch_size={'9' * 5000}", "--runs-dir", "runs"),
    "a colour of markup": ("run", "--set", f"attack.colour={MARKUP}", "--runs-dir", "runs"),
    "a seed of 5,000 figures": ("run", "--seed", "9" * 5000, "--runs-dir", "runs"),
    "a class of nobody": ("run", "--dataset", "digits", "--source", MARKUP, "--runs-dir", "runs"),
    "a picture at the home of nobody": ("run", "--attack", "blended", "--set", "attack.picture=image", "--set", "attack.path=~nobody-of-that-name/x", "--runs-dir", "runs"),
    "others that are a folder": ("agree", ".", "x.npy"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table and a set of pictures, beside the watched one."""
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    np.save("x.npy", ROWS)
    write_folder(tmp_path / "there" / "pictures", coloured(6, classes=2, size=8))
    return tmp_path


@pytest.mark.timeout(60)
@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED.keys())
def test_an_argument_is_refused_and_nothing_is_written(words: tuple[Any, ...], place: Path, cli: Cli) -> None:
    before = snapshot(place)
    outcome = cli(*words)
    check_refused(outcome)
    check_line(outcome.err.removesuffix("\n"))
    assert snapshot(place) == before


@pytest.mark.parametrize("name", [ESCAPE, TURNED, FORMULA, BROKEN, "[red]x[red]", "[bold]"])
def test_a_name_is_printed_so_that_no_terminal_obeys_it(name: str, place: Path, cli: Cli) -> None:
    pictures = place / "there" / "pictures"
    (pictures / "class a").rename(pictures / name)
    (pictures / f"x{name.replace('/', '')}.pkl").touch()
    outcome = cli("data", pictures)
    assert outcome.status == 0, outcome.err
    assert all(line.isprintable() for line in outcome.out.split("\n")), outcome.out
    assert not name.isprintable() or name in outcome.out
