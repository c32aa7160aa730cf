"""docs/spectre.md does not rot: its code runs, its links lead somewhere, and GitHub can render its mathematics."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.attacks import ATTACKS
from tests.conftest import Cli
from tests.helpers import contaminated, gaussian

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "spectre.md"
TEXT = PAGE.read_text(encoding="utf-8")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROSE = FENCED.sub("", TEXT)
POISONED = 3  # the label
DATA = contaminated(600, 20, 50, strength=9.0, seed=0)


def blocks(language: str) -> list[str]:
    return [code for name, code in FENCED.findall(TEXT) if name == language]


@pytest.fixture
def at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the page loads, as the working directory."""
    clean = [gaussian(600, 20, seed=1 + i) for i in range(5)]
    np.save(tmp_path / "features.npy", DATA.rows)
    np.save(tmp_path / "all_features.npy", np.concatenate([*clean[:POISONED], DATA.rows, *clean[POISONED:]]))
    np.save(tmp_path / "all_labels.npy", np.repeat(np.arange(6), 600))
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
    assert not names["result"].removed[: 600 * POISONED].any()
    assert names["result"].removed[600 * POISONED : 600 * (POISONED + 1)][DATA.poison].all()


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
