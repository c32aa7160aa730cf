"""What the Audit page shows: one audit, one finding, one layer, one number of poisons, one selection; all in the address.

Rows are named by their number in the table that was audited, which no sorting changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from core.cases.class_view import ClassView
from core.cases.space import Look
from dashboard import address
from dashboard.audit.shelf import CaseView

CLOUDS, SCORES, GALLERY, OWN, OTHER = "audit-clouds", "audit-scores", "audit-gallery", "audit-own", "audit-other"
PICKED, ROW = "audit picked", "audit row"
SETS = ("finding", "removed", "selected", "others")


@dataclass(frozen=True)
class Shown:
    """All that the pictures of a finding need to agree on. Arrays follow `rows`."""

    view: CaseView
    finding: dict[str, Any]
    look: Look
    pictures: ClassView
    budget: int  # position among pictures.poisons
    k: int  # position among pictures.ks
    in_finding: np.ndarray  # (n,) bool
    removed: np.ndarray  # (n,) bool, what SPECTRE removes at this number and k
    selected: np.ndarray  # (n,) bool
    focus: int | None  # position of the row that is looked at

    @property
    def rows(self) -> np.ndarray:
        """(n,) numbers in the table."""
        return self.pictures.rows

    @property
    def scores(self) -> np.ndarray:
        """(n,) QUE scores at this number and k."""
        found: np.ndarray = self.pictures.scores[self.budget, self.k]
        return found

    @property
    def asked(self) -> tuple[int, int]:
        """The number of poisons and k; their positions mean other ones once more are looked at."""
        return int(self.pictures.poisons[self.budget]), int(self.pictures.ks[self.k])

    @property
    def channel(self) -> str:
        """Pictures of one class at one layer agree with each other."""
        return f"audit/{self.view.id}/{self.look.number}/{self.pictures.label}"


def open_case(view: CaseView) -> None:
    """Rows of one audit mean nothing in another."""
    if st.session_state.get("audit opened") != view.id:
        st.session_state.update({"audit opened": view.id, PICKED: [], ROW: None, "audit-page": 1})
    n = len(view.rows)
    for key, where in (("rows", PICKED), ("row", ROW)):
        asked = address.asked_ids(key, where, None if where == ROW else [])
        if asked is None:
            continue
        found = [row for row in asked if row < n]
        if not found or (where == ROW and len(found) > 1):
            address.refuse(key)
        else:
            st.session_state[where] = found[0] if where == ROW else found


def publish() -> None:
    """What a link needs beside the widgets."""
    address.write("rows", address.ids_to_text(st.session_state[PICKED]), PICKED)
    row = st.session_state[ROW]
    address.write("row", None if row is None else address.ids_to_text([row]), ROW)


def event(key: str, name: str) -> Any:
    """What a component has just sent."""
    return (st.session_state.get(key) or {}).get(name)


def take_selection() -> None:
    """A lasso or box in one picture becomes the selection of the page."""
    rows = event(CLOUDS, "selected")
    if rows is not None:
        picked = [int(row) for row in rows]
        st.session_state.update({PICKED: picked, "audit-page": 1, "audit-set": "selected" if picked else "finding"})


def take_focus(key: str) -> None:
    """A point or a picture that was clicked is looked at everywhere."""
    row = event(key, "focus")
    if row is not None:
        st.session_state[ROW] = int(row)


def clear_selection() -> None:
    st.session_state.update({PICKED: [], "audit-set": "finding", "audit-page": 1})


def clear_focus() -> None:
    st.session_state[ROW] = None


def first_page() -> None:
    st.session_state["audit-page"] = 1
