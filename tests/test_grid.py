"""The committed grid is whole, covers the catalogue, and its picture is that of its figures."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from core.attacks import ATTACKS
from core.defenses import DEFENSES
from core.foundation.params import build

ROOT = Path(__file__).resolve().parents[1]
SPEC = importlib.util.spec_from_file_location("grid", ROOT / "benchmarks" / "grid.py")
assert SPEC
assert SPEC.loader
grid = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(grid)
CELLS = json.loads((ROOT / "docs" / "grid.json").read_text(encoding="utf-8"))


def test_every_attack_of_the_catalogue_is_in_it_at_every_budget() -> None:
    assert {attack for _, attack, _ in grid.ATTACKS} == set(ATTACKS)
    for _, attack, options in grid.ATTACKS:
        build(ATTACKS[attack], options)
    found = [(cell["name"], cell["attack"], cell["options"], cell["poisons"]) for cell in CELLS]
    assert found == [(*row, budget) for row in grid.ATTACKS for budget in grid.BUDGETS]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell['name']}, {cell['poisons']}")
def test_a_cell_says_what_was_counted(cell: dict) -> None:  # type: ignore[type-arg]
    assert list(cell["defenses"]) == list(DEFENSES)
    assert f"--attack {cell['attack']}" in cell["command"]
    assert f"--poisons {cell['poisons']}" in cell["command"]
    for share in (*cell["before"].values(), *(d["true_positive_rate"] for d in cell["defenses"].values())):
        assert 0 <= share["count"] <= share["total"]
    for defense in cell["defenses"].values():
        assert defense["true_positive_rate"]["total"] == cell["poisons_in_target"]


def test_the_picture_shows_the_committed_figures() -> None:
    assert grid.picture(CELLS) == (ROOT / "docs" / "grid.svg").read_text(encoding="utf-8")
