"""The tables of benchmarks/evidence.py, and a cell that it makes again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import evidence
from core.attacks import ATTACKS
from core.studies.evidence import rows, summary
from core.studies.evidence.making import make
from core.studies.evidence.plan import Experiment, Plan
from tests.dashboard.drawn_grid import draw_grid
from tests.makers import tiny_config

SVG = "{http://www.w3.org/2000/svg}"


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


def test_the_picture_has_a_box_for_every_cell_and_column(tmp_path: Path) -> None:
    folder = draw_grid(tmp_path)
    plan = rows.read_plan(folder)
    drawn = ElementTree.fromstring("\n".join(evidence.drawn(folder)))
    titles = [group.findtext(f"{SVG}title") or "" for group in drawn.iter(f"{SVG}g")]
    cells = sum(len(one.poisons) for one in plan.experiments)
    columns = 5  # attack success, what SPECTRE leaves of it, and three defenses
    assert len(titles) == cells * columns
    assert titles[0] == "Patch, 15 poisons: at first 90 % (87 to 92), 3 seeds"
    assert titles[3] == "Patch, 15 poisons: after SPECTRE none"
    dashed = [box for box in drawn.iter(f"{SVG}rect") if box.get("stroke-dasharray")]
    assert len(dashed) == sum(title.endswith("nothing to tell") for title in titles) > 0
    framed = [box for box in drawn.iter(f"{SVG}rect") if box.get("stroke") == "#000"]
    assert len(framed) == len(evidence.table(summary.cells(rows.read(folder), plan.names))) - 2


@pytest.mark.parametrize("name", ["digits", "signs"])
def test_the_committed_picture_shows_the_bundled_figures(name: str) -> None:
    drawn = "\n".join(evidence.drawn(evidence.BUNDLED / name)) + "\n"
    assert drawn == (evidence.ROOT / "docs" / f"grid-{name}.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["digits", "signs"])
def test_the_bundled_grids_hold_attacks_of_the_catalogue(name: str) -> None:
    """Not all: one that was added later need not have been run."""
    held = {one.attack for one in rows.read_plan(evidence.BUNDLED / name).experiments}
    assert held <= set(ATTACKS)
    assert len(held) >= 11


def test_costs_are_medians_and_shares_of_the_training(tmp_path: Path) -> None:
    folder = draw_grid(tmp_path)
    grid = rows.read(folder)
    made = grid["state"] == "finished"
    grid.loc[made, "train_seconds"], grid.loc[made, "fit_seconds"] = 50.0, 0.25
    rows.write(grid, folder)
    heads, rule, *lines = evidence.costs_table(folder)[2:-1]
    assert heads.count("|") == rule.count("|") == lines[0].count("|")
    told = {line.split(" | ")[0][2:]: line.split(" | ")[1:] for line in lines}
    assert told["training"] == ["23", "50", "50", "50", "1.000 |"]
    assert told["SPECTRE with its choice of k at the usual layer"] == ["23", "0.25", "0.25", "0.25", "0.005 |"]
    # block2, block3, and block3 once more for all classes: half a second each
    assert told["features of all layers, and of all classes at one"] == ["23", "1.5", "1.5", "1.5", "0.030 |"]


def test_a_picture_is_of_one_grid(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="a picture is of one grid"):
        evidence.main(["picture"])


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
