"""The tables of benchmarks/evidence.py, and a cell that it makes again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import evidence
from core.studies.evidence import rows
from core.studies.evidence.making import make
from core.studies.evidence.plan import Experiment, Plan
from tests.dashboard.drawn_grid import draw_grid
from tests.makers import tiny_config


def test_the_table_has_a_line_for_each_cell_in_which_the_attack_works(tmp_path: Path) -> None:
    said = evidence.said(draw_grid(tmp_path))
    assert said[0] == "**Drawn figures** (23 of 27 trainings made, 1 failed; the attack works in 6 of 8 cells)"
    heads, rule, *lines = said[2:-1]
    assert [head.strip() for head in heads.strip("|").split("|")] == [
        "attack", "poisons", "seeds", "attack success", "SPECTRE", "Spectral signatures", "Activation clustering", "after SPECTRE",
    ]  # fmt: skip
    assert rule.count("---") == 8
    assert len(lines) == 6
    assert lines[0].startswith("| Patch | 15 | 3 | 90 [87, 92] |")
    assert lines[0].endswith("| none left |")


def test_other_ways_stand_beside_the_usual_one(tmp_path: Path) -> None:
    title, _, heads, rule, *lines = evidence.ways_table(draw_grid(tmp_path))
    assert title == "**Drawn figures**"
    assert heads.count("|") == rule.count("|") == lines[0].count("|")
    assert [line.split(" | ")[0] for line in lines[:-1]] == [
        "| SPECTRE at block2", "| SPECTRE told twice as many poisons", "| SPECTRE, mean rank over layers",
    ]  # fmt: skip
    assert lines[1].startswith("| SPECTRE told twice as many poisons | 18 | 100.0 |")


@pytest.mark.slow
def test_a_cell_is_made_again_and_a_wrong_figure_is_noticed(
    tmp_path: Path, picture_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = replace(tiny_config(picture_folder), device="auto")  # as the command line has it
    plan = Plan.of("again", [Experiment("Patch", config, (6,), (0,), ("block3",))])
    table = make(plan, tmp_path).table
    assert evidence.check(tmp_path, cells=1, seed=0)
    assert "the same" in capsys.readouterr().out
    rows.write(table.assign(clean=table["clean"] - 1), tmp_path)
    assert not evidence.check(tmp_path, cells=1, seed=0)
    assert "DIFFERENT" in capsys.readouterr().out
