from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from core.cli import option_tables, run_tables
from core.cli.fitting import Column, FittingTable
from core.experiment import RunConfig, new_run
from core.runs import Runs

ASSETS = Path(__file__).resolve().parents[3] / "assets"
EXAMPLE = FittingTable(
    [
        Column("run", ["digits-patch-10", "signs-wanet-1500"], "left"),
        Column("state", ["finished", "interrupted"], "left"),
        Column("attack success", ["92 % -> 0 %", "-"], spare=True),
        Column("SPECTRE", ["50/50", "7/1,500"], spare=True),
        Column("what it is", ["a sentence of several words", "another, somewhat longer sentence"], "left", prose=True),
    ],
    "two runs",
    caption="made by hand",
)


def printed(table: FittingTable, width: int) -> list[str]:
    page = io.StringIO()
    Console(width=width, file=page).print(table)
    return page.getvalue().splitlines()


def hidden(lines: list[str]) -> list[str]:
    """The columns that the last lines say are not shown."""
    _, found, names = " ".join(line.strip() for line in lines).partition("not shown, as the terminal is narrow: ")
    return names.split(", ") if found else []


def body(lines: list[str]) -> list[list[str]]:
    """Cells of the rows under the headings."""
    return [[cell.strip() for cell in line.split("│")] for line in lines if "│" in line]


@pytest.mark.parametrize("width", [60, 62, 70, 80, 100, 200])
def test_no_line_is_too_long_and_no_word_is_broken(width: int) -> None:
    lines = printed(EXAMPLE, width)
    assert max(map(len, lines)) <= width
    told = {word for line in lines for word in re.split(r"[│┃\s]+", line)}
    for column in EXAMPLE.columns:
        if column.heading not in hidden(lines):
            assert {word for cell in (column.heading, *column.cells) for word in cell.split()} <= told


def test_a_wide_terminal_shows_all_and_a_narrow_one_leaves_out_the_last_first() -> None:
    assert [hidden(printed(EXAMPLE, width)) for width in (200, 72, 60)] == [
        [],
        ["SPECTRE"],
        ["attack success", "SPECTRE"],
    ]
    assert body(printed(EXAMPLE, 60))[0][:2] == ["digits-patch-10", "finished"]


def test_title_and_caption_stand_above_and_below() -> None:
    lines = printed(EXAMPLE, 200)
    assert lines[0].strip() == "two runs"
    assert lines[-1].strip() == "made by hand"


def test_what_cannot_fit_is_folded_and_complete() -> None:
    table = FittingTable([Column("run", ["x" * 50], "left"), Column("state", ["finished"], "left")])
    lines = printed(table, 40)
    assert max(map(len, lines)) <= 40
    assert sum(line.count("x") for line in lines) == 50
    assert any("finished" in line for line in lines)


def test_names_are_shown_as_they_are_and_not_read_as_markup() -> None:
    names = ["[bold]cat[/bold]", "[red]", "a*b_c", ":smile:"]
    table = FittingTable([Column("[i]class[/i]", names, "left")], "[b]title[/b]", caption="[/nonsense]")
    text = "\n".join(printed(table, 80))
    for name in (*names, "[i]class[/i]", "[b]title[/b]", "[/nonsense]"):
        assert name in text


def test_an_empty_table_has_its_headings() -> None:
    (heading, *_) = [
        line for line in printed(FittingTable([Column("run", []), Column("state", [])]), 80) if line.strip()
    ]
    assert heading.split("┃")[0].strip() == "run"


# --- the tables of the commands, in 80 columns


def test_every_option_has_its_name_in_one_piece() -> None:
    for table in option_tables.option_tables(None):
        lines = printed(table, 80)
        assert max(map(len, lines)) <= 80
        cells = {cell for row in body(lines) for cell in row[:1]}
        assert set(table.columns[0].cells) <= cells
        assert hidden(lines) == []


def test_runs_fit_with_their_state_and_what_spectre_found(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    run = new_run(RunConfig(dataset="signs", poisons=50), runs)
    run.write_json("result.json", json.loads((ASSETS / "runs" / "signs-patch-50" / "result.json").read_text()))
    lines = printed(run_tables.runs_table(list(runs)), 80)
    assert max(map(len, lines)) <= 80
    assert body(lines) == [[run.id, "queued", "92 % -> 0 % of 200", "50/50"]]
    assert hidden(lines) == ["Spectral signatures", "Activation clustering", "Mahalanobis distance"]


@pytest.mark.parametrize("run_id", ["digits-patch-10", "signs-patch-50"])
def test_the_closing_tables_fit(run_id: str) -> None:
    result = json.loads((ASSETS / "runs" / run_id / "result.json").read_text())
    for table in run_tables.closing_table(run_id, result):
        lines = printed(table, 80)
        assert max(map(len, lines)) <= 80
        told = {word for line in lines for word in re.split(r"[│┃\s]+", line)}
        for column in table.columns:
            if column.heading not in hidden(lines):
                assert {word for cell in (column.heading, *column.cells) for word in cell.split()} <= told
