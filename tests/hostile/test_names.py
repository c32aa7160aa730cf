"""Door: names of strangers, in what is handed on: CSV files, lists, the report, messages."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.audit.csv_files import write_csv
from core.cases.agreement import own_decisions
from core.cases.reporting import write_report
from core.cases.takeaway import write_lists
from core.foundation.csv_cells import guarded_table, unguarded
from core.foundation.errors import LONGEST, InputError
from core.foundation.sources import short_source
from dashboard.plain import as_is, in_figure
from tests.core.cases.audits import make_audit
from tests.hostile.cases import BROKEN, ESCAPE, FORMULA, MARKUP, NAMES, TURNED, check_line

FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+cmd",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "'=1",
    "=HYPERLINK(0)",
    "-x",
    "=" * 9000,
)
NUMBERS = ("-1", "+1", "-1.5e-3", "1")


@pytest.mark.parametrize("word", FORMULAS)
def test_no_cell_is_a_formula_and_each_is_read_back(word: str, tmp_path: Path) -> None:
    write_csv(tmp_path / "x.csv", ("row", "file"), [{"row": 1, "file": word}])
    (_, cell) = list(csv.reader(io.StringIO((tmp_path / "x.csv").read_bytes().decode(), newline="")))[1]
    assert cell[0] == "'"
    assert unguarded(cell) == word.replace("\r", "\n")
    assert guarded_table(pd.DataFrame({word: [word]})).iloc[0, 0] == cell
    lines = list(csv.reader(io.StringIO(guarded_table(pd.DataFrame({word: [word]})).to_csv(index=False), newline="")))
    assert lines == [[cell], [cell]]


@pytest.mark.parametrize("word", NUMBERS)
def test_a_number_stays_one(word: str, tmp_path: Path) -> None:
    write_csv(tmp_path / "x.csv", ("file",), [{"file": word}])
    assert (tmp_path / "x.csv").read_text() == f"file\n{word}\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_message_is_one_line_whatever_it_names(name: str) -> None:
    said = str(InputError(f"there is no column '{name}'; it has others"))
    check_line(said, "there is no column", "it has others")
    assert len(said) <= LONGEST


class Tags(HTMLParser):
    """The tags and the links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.found |= {name for name, _ in attrs if name.startswith("on")}
        self.found |= {f"{name}={value}" for name, value in attrs if name in ("src", "href") and not str(value).startswith(("data:", "#"))}  # fmt: skip


def test_names_of_an_audit_do_nothing_in_its_report_and_lists(tmp_path: Path) -> None:
    names = (MARKUP, FORMULA, TURNED, ESCAPE, BROKEN)
    case = make_audit(tmp_path / "audit", names=names, per_class=60, side=4)
    (page,) = write_report(case)
    tags = Tags()
    tags.feed(text := page.read_text())
    assert not tags.found & {"img src=x", "onerror", "iframe", "object", "form", "src=x"}
    assert "\x1b" not in text
    assert "\u202e" not in text
    np.save(case.file("removed.npy"), np.zeros(len(case.load_rows()), bool))
    write_lists(case, own_decisions(case)[0], tmp_path / "lists")
    cells = [
        cell
        for file in (tmp_path / "lists").glob("*.csv")
        for line in csv.reader(io.StringIO(file.read_bytes().decode(), newline=""))
        for cell in line
    ]
    assert not [cell for cell in cells if re.match(r"[=+@\t\r]", cell)]


def test_a_list_of_files_to_delete_names_no_other_file(tmp_path: Path) -> None:
    """A name of two lines would be two names for whoever deletes by that list."""
    case = make_audit(
        tmp_path / "audit", names=("a\n/home/me", "b\r/home/me", "c"), kinds=("poison",), marked=8, side=4
    )
    np.save(case.file("removed.npy"), np.zeros(len(case.load_rows()), bool))
    counts = write_lists(case, own_decisions(case)[0], tmp_path / "lists")
    lines = (tmp_path / "lists" / "delete.txt").read_bytes().decode().splitlines()
    assert len(lines) == counts["remove"] == 8
    assert not [line for line in lines if line.startswith("/home")]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_on_a_page_is_text(name: str) -> None:
    assert "\n" not in as_is(name)
    assert not re.search(r"(?<!\\)[<\[*]", as_is(name))
    assert "<" not in in_figure(name)
    assert short_source(f"x/{name}").isprintable()
