"""docs/spectre.md and the README do not rot: their code and commands run, links lead somewhere, mathematics is rendered."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.attacks import ATTACKS
from core.experiment import execute, new_run
from core.foundation.errors import Cancelled
from core.runs import Runs
from core.studies import store
from tests.conftest import Cli, Parse
from tests.helpers import contaminated, gaussian
from tests.makers import coloured, tiny_config, write_image_parquet
from tests.networks import write_weights

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "spectre.md"
TEXT = PAGE.read_text(encoding="utf-8")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROSE = FENCED.sub("", TEXT)
POISONED = 3  # the label
DATA = contaminated(600, 20, 50, strength=9.0, seed=0)
CLEAN = 150  # rows of each other class


def blocks(language: str, text: str = TEXT) -> list[str]:
    return [code for name, code in FENCED.findall(text) if name == language]


@pytest.fixture
def at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the page loads, as the working directory."""
    clean = [gaussian(CLEAN, 20, seed=1 + i) for i in range(5)]
    np.save(tmp_path / "features.npy", DATA.rows)
    np.save(tmp_path / "all_features.npy", np.concatenate([*clean[:POISONED], DATA.rows, *clean[POISONED:]]))
    np.save(tmp_path / "all_labels.npy", np.repeat(np.arange(6), [*[CLEAN] * POISONED, len(DATA.rows), *[CLEAN] * 2]))
    words = np.array(["class a", "class b", "class c", "stop", "turn left", "yield"])[
        np.load(tmp_path / "all_labels.npy")
    ]
    table = pd.DataFrame({"features": list(np.load(tmp_path / "all_features.npy")), "label": words})
    table.to_parquet(tmp_path / "table.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_of_the_page_runs_and_does_what_it_says(at_hand: Path) -> None:
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(compile(block, str(PAGE), "exec"), names)
    removed = names["spectre"].removed_
    assert removed.sum() == 75
    assert removed[DATA.poison].all()
    assert len(np.load(at_hand / "clean.npy")) == 525
    np.testing.assert_array_equal(names["verdict"] == -1, removed)
    np.testing.assert_allclose(names["suspicion"], names["spectre"].scores_[:10])
    assert DATA.poison[names["first"]].all()
    assert max(names["by_k"].values()) == names["by_k"][names["spectre"].fit_.k]
    assert names["found"].low <= 50 <= names["found"].high
    assert names["result"].suspect == POISONED
    assert names["suspects"] == ["3 (stop)"]
    assert not names["result"].removed[: CLEAN * POISONED].any()
    assert names["result"].removed[CLEAN * POISONED :][: len(DATA.rows)][DATA.poison].all()


def test_the_commands_of_the_page_run(at_hand: Path, cli: Cli) -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert lines
    for line in lines:
        words = shlex.split(line)
        assert words[:3] == ["python", "-m", "core"]
        outcome = cli(*words[3:])
        assert (outcome.status, outcome.err) == (0, ""), line
        assert (at_hand / words[-1] / "removed.npy").exists()


def test_every_link_leads_somewhere_and_names_what_is_there() -> None:
    """A link [`name`](../file.py) must find that name defined in the file; [`file`](../file) and anchors must exist."""
    anchors = {
        re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in re.findall(r"^#+ (.+)$", PROSE, re.M)
    }
    for label, target in re.findall(r"\[([^\]]+)\]\(([^)\s]+)\)", PROSE):
        if target.startswith("https://"):
            continue
        if target.startswith("#"):
            assert target[1:] in anchors, target
            continue
        file = (PAGE.parent / target).resolve()
        assert file.is_file(), target
        name = label.strip("`")
        if "/" not in name:
            assert re.search(rf"^(def|class) {name}\b", file.read_text(encoding="utf-8"), re.M), f"{name} in {target}"


def test_tests_that_are_named_exist() -> None:
    everything = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    for name in set(re.findall(r"`(test_\w+)`", PROSE)):
        assert f"def {name}(" in everything, name


def test_mathematics_is_written_as_github_renders_it() -> None:
    """Markdown goes first there: it eats a backslash before punctuation and takes _ or * after punctuation for italics,
    inside of $ too. Some macros are forbidden. A dollar opens after a blank or a bracket and closes before none of a word.
    """
    plain = re.sub(r"`[^`]*`", "", PROSE)
    display = re.findall(r"^\$\$\n(.*?)\n\$\$$", plain, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^\$\$\n.*?\n\$\$$", "", plain, flags=re.MULTILINE | re.DOTALL)
    assert "$$" not in rest, "display mathematics stands on lines of its own, $$ too"
    inline = re.findall(r"(?<![^\s(])\$(\S(?:[^$\n]*\S)?)\$(?![\w$-])", rest)
    assert len(display) > 10
    assert 2 * len(inline) == rest.count("$"), "a dollar that neither opens nor closes"
    for formula in display + inline:
        assert not re.search(r"\\[^A-Za-z]", formula), formula
        assert not re.search(r"[^A-Za-z0-9]_", formula), formula
        assert not re.search(r"[*<>|`]|\\(operatorname|mbox|phantom|def|newcommand)\b", formula), formula
        assert formula.count("{") == formula.count("}"), formula


def test_the_page_of_the_attacks_lists_them_all_with_what_their_papers_do() -> None:
    """Keys, labels and covers in the table of docs/attacks.md are those of the catalogue, and its files are there."""
    page = (ROOT / "docs" / "attacks.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \|[^|]*\| ([^|]*) \|[^|]*\|$", page, re.MULTILINE))
    assert set(rows) == set(ATTACKS)
    for key, attack in ATTACKS.items():
        suggested = attack.poisoning
        labels = str(suggested.get("labels", "dirty"))
        assert rows[key].startswith(labels), key
        assert (labels == "dirty") == ("source" in rows[key])
        assert ("any source" in rows[key]) == (attack.any_source and labels == "dirty")
        covers = re.search(r"(\d+) covers? a poison", rows[key])
        assert (float(covers[1]) if covers else 0.0) == suggested.get("cover_rate", 0.0), key
    for target in re.findall(r"\]\((\.\./[^)#]+|[\w.]+\.(?:json|svg))", page):
        assert (ROOT / "docs" / target).resolve().is_file(), target


# --- the README

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_of_the_readme_runs_and_does_what_it_says() -> None:
    others = [gaussian(200, 20, seed=1 + i) for i in range(5)]
    names: dict[str, Any] = {
        "features": DATA.rows,
        "features_of_all_classes": np.concatenate([*others, DATA.rows]),
        "labels": np.repeat(np.arange(6), [*[200] * 5, 600]),
    }
    for block in blocks("python", README):
        exec(compile(block, "README.md", "exec"), names)
    assert names["spectre"].removed_[DATA.poison].all()
    assert list(names["scan"].suspects_) == [5]


def commands_of_the_readme() -> list[list[str]]:
    """Every line that starts with `python -m core`, without its comment, continued lines joined."""
    (block,) = (code for code in blocks("", README) if "python -m core run" in code)
    return [shlex.split(line, comments=True)[3:] for line in block.replace("\\\n", " ").splitlines()]


def test_the_readme_has_a_command_of_every_kind() -> None:
    assert {words[0] for words in commands_of_the_readme()} == {
        "run", "data", "preview", "filter", "scan", "features", "layers", "sweep", "study", "runs", "audit", "clean",
        "agree", "report",
    }  # fmt: skip


@pytest.fixture
def brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture_folder: Path) -> Path:
    """A folder with the data that the README's commands name, as the working directory."""
    monkeypatch.setenv("SPECTRE_LENS_CACHE", str(tmp_path / "cache"))
    trucks = replace(coloured(12, classes=5), class_names=("a", "b", "c", "truck", "deer"))
    write_image_parquet(tmp_path / "path" / "to" / "cifar10" / "train.parquet", trucks)
    (tmp_path / "path" / "to" / "images").symlink_to(picture_folder)
    mine = coloured(12, classes=5)
    np.savez(tmp_path / "mine.npz", images=mine.images, labels=mine.labels)
    np.save(tmp_path / "features.npy", DATA.rows)
    words = np.array(["stop", "yield"])[np.arange(len(DATA.rows)) % 2]
    pd.DataFrame({"embedding": list(DATA.rows), "label": words}).to_parquet(tmp_path / "embeddings.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("words", [w for w in commands_of_the_readme() if w[0] == "run"], ids=" ".join)
def test_a_run_of_the_readme_is_a_config(words: list[str], brought: Path, parse: Parse) -> None:
    config = parse(shlex.join(["python", "-m", "core", *words]))
    for name, value in zip(words[1::2], words[2::2], strict=True):
        if name in ("--dataset", "--attack", "--model"):
            assert getattr(config, name[2:]) == value
        elif name == "--poisons":
            assert config.poisons == int(value)


@pytest.mark.slow
def test_the_other_commands_of_the_readme_run(
    brought: Path, picture_folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In their order, for `scan` reads what `features` writes; RUN is a run of our own, and a sweep is only planned."""
    from torchvision.models import resnet18

    run = new_run(tiny_config(picture_folder, retrain=False), Runs("runs"))
    execute(run)
    write_weights(brought / "mine.safetensors", resnet18(num_classes=3))
    first = sorted(file.relative_to(picture_folder).as_posix() for file in picture_folder.rglob("*.png"))[0]
    (brought / "somebodys-list.txt").write_text(f"{first}\n")
    (brought / "benchmarks").symlink_to(ROOT / "benchmarks")
    monkeypatch.setattr("core.studies.sweep.sweep", planned := Planned())
    monkeypatch.setattr("core.studies.evidence.making.make", grid := Planned())
    order = (
        "data",
        "preview",
        "filter",
        "features",
        "layers",
        "scan",
        "study",
        "runs",
        "audit",
        "clean",
        "agree",
        "report",
        "sweep",
    )
    for words in sorted((w for w in commands_of_the_readme() if w[0] != "run"), key=lambda w: order.index(w[0])):
        outcome = cli(*("4" if word == "50" and words[0] == "scan" else word.replace("RUN", run.id) for word in words))
        assert outcome.status == (130 if words[0] == "sweep" else 0), (words, outcome.err)
    assert (brought / "attacks.png").exists()
    assert (brought / "verdict" / "classes.csv").exists()
    assert (brought / "take-away" / "cleaned").is_dir()
    assert (brought / "audit" / "report.pdf").exists()
    assert store.load(run, "budgets") is not None
    assert store.load(run, "layers") is not None
    assert len(grid.configs.trainings) == 144
    assert [(c.poisons, c.seed) for c in planned.configs] == [(p, s) for p in (5, 15, 50, 150) for s in (0, 1, 2)]


class Planned:
    """In place of a sweep: keeps its configs and ends."""

    configs: Any = ()  # those of a sweep, or the plan of a grid

    def __call__(self, configs: Any, *_: object, **__: object) -> None:
        self.configs = configs
        raise Cancelled


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)\s#]+)", FENCED.sub("", README)):
        assert target.startswith("https://") or (ROOT / target).is_file(), target
