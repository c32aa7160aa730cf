"""The audits that can be opened, and one of them as the page reads it. No torch here: a finished audit opens at once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.cases.class_view import ClassView, has_view, read_view
from core.cases.folder import CaseFolder, Cases
from core.cases.space import Look, Space, looks_of, space_of
from core.foundation.errors import InputError
from core.runs import duration
from dashboard import data
from dashboard.audit.upload import is_upload

BUNDLED = Cases(data.ROOT / "assets" / "audits")


def user_audits() -> Cases:
    """The audits of whoever started the dashboard."""
    return Cases(Path(os.environ.get("SPECTRE_LENS_AUDITS", data.ROOT / "audits")))


def everything() -> dict[str, CaseFolder]:
    """All audits by id: the visitor's own, newest first, then those that come with the program."""
    own = {case.id: case for case in user_audits()}
    return {**own, **{case.id: case for case in sorted(BUNDLED, key=lambda case: case.id) if case.id not in own}}


def is_bundled(case: CaseFolder) -> bool:
    return case.path.parent == BUNDLED.root


def title(case: CaseFolder) -> str:
    """As a menu shows it: what was audited, then its id."""
    if is_bundled(case):
        return f"{case.id} · comes along"
    return _title(case.path, data.changed_at(case.file("config.json")))


@lru_cache(4096)  # a menu asks all of them at every move of a slider; each answer holds until the file changes
def _title(path: Path, stamp: int) -> str:
    case = CaseFolder(path)
    try:
        of = Path(str(case.config.get("path", "")))
        name = "" if is_upload(of) else of.name
    except InputError:
        return case.id
    return f"{name} · {case.id}" if name else case.id


@dataclass(frozen=True)
class CaseView:
    """A finished audit in memory. Row i of every array is row i of the table that was audited."""

    case: CaseFolder
    summary: dict[str, Any]
    read: dict[str, Any]  # data.json
    rows: pd.DataFrame
    images: np.ndarray | None  # (n, h, w, c) uint8, on disk until they are asked for
    looks: list[Look]
    stamp: int

    @property
    def id(self) -> str:
        return self.case.id

    @property
    def findings(self) -> list[dict[str, Any]]:
        """Worst first."""
        return list(self.summary["findings"])

    @cached_property
    def found(self) -> pd.DataFrame:
        """findings.csv."""
        return self.case.load_findings()

    @cached_property
    def of_finding(self) -> dict[int, pd.DataFrame]:
        """The rows of each finding, by its number: row, score, nearest_label; the surest first."""
        order = {"by": "score", "ascending": False, "kind": "stable"}
        return {int(n): part.sort_values(**order) for n, part in self.found.groupby("finding")}

    @cached_property
    def _near(self) -> set[int]:
        """Rows of which a finding names the nearest other class."""
        return set(self.found.loc[self.found["nearest_label"].notna(), "row"].astype(int))

    def has_nearest(self, rows: Iterable[int]) -> bool:
        """Whether all of some rows have another class that a finding names, so that they can be relabelled as that."""
        return all(int(row) in self._near for row in rows)

    @cached_property
    def sources(self) -> dict[int, str]:
        """Pictures as data URLs, by row; `gallery.source` fills it."""
        return {}

    @cached_property
    def names(self) -> dict[int, str]:
        return {int(label): str(name) for label, name in self.read.get("names", {}).items()}

    def told(self, label: int | float) -> str:
        """A class as people call it: its name, else its number."""
        return self.names.get(int(label), str(int(label)))

    def file(self, row: int) -> str:
        return str(self.rows["file"].iat[row])

    def text(self, row: int) -> str:
        return str(self.rows["text"].iat[row]) if "text" in self.rows else ""

    @property
    def small_print(self) -> str:
        """What was audited, by what, where, and how long it took."""
        s, result = self.summary, self.case.result
        seconds = sum(result.get("seconds", {}).values())
        return f"audit {self.id} · {s['n']:,} rows of {s['d']:,} features · level {s['level']:g} · {s['device']}, {duration(seconds)}"


def open_case(case: CaseFolder) -> CaseView:
    """Raises InputError for a damaged one."""
    return _open(str(case.path), data.changed_at(case.file("summary.json")))


@st.cache_resource(max_entries=6, show_spinner=False)
def _open(path: str, stamp: int) -> CaseView:
    case = CaseFolder(Path(path))
    return CaseView(
        case, case.summary, case.read_object("data.json"), case.load_rows(), case.images(), looks_of(case), stamp
    )


@st.cache_resource(max_entries=12, show_spinner=False)
def space(path: str, stamp: int, number: int, _view: CaseView) -> Space:
    """Where the rows of a look lie."""
    return space_of(_view.case, _view.looks[number])


def pictured(view: CaseView, look: Look, label: int) -> bool:
    return has_view(view.case, look, label)


def class_view(view: CaseView, look: Look, label: int) -> ClassView:
    """The pictures of a class that has some."""
    name = view.case.file(f"{look.folder}/class-{label}.npz")
    return _class_view(str(view.case.path), data.changed_at(name), look.number, label, view)


@st.cache_resource(max_entries=32, show_spinner=False)
def _class_view(path: str, stamp: int, number: int, label: int, _view: CaseView) -> ClassView:
    return read_view(_view.case, _view.looks[number], label)


def python_lines(view: CaseView) -> str:
    """Python that reads this audit."""
    return (
        "from pathlib import Path\n\n"
        "from core.cases import CaseFolder\n\n"
        f'audit = CaseFolder(Path("{data.as_typed(view.case.path)}"))\n'
        'print(audit.summary["verdict"])\n'
        "findings = audit.load_findings()  # one row for each row of a finding: row, file, kind, score, nearest_label\n"
    )
