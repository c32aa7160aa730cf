"""The rows of a finding as somebody looks at them: pictures, pieces of text, or a table; with what they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.cases.reporting.source import Source
from core.foundation.labels import UNLABELLED
from core.foundation.pictures import viewable
from core.reports.content import Block, Gallery, Passage, Passages, Picture, Shown, Table

ALL_PICTURES = 600  # of a report
MOST, FEWEST = 40, 8  # of a finding
COMPARED = 4  # rows that are shown with others beside them
NEIGHBOURS = 4
LISTED = 20  # rows of a table
TEXT = 600  # characters of a piece of text


def room_for(findings: int) -> int:
    """Rows that each of so many findings may show."""
    return max(FEWEST, min(MOST, ALL_PICTURES // max(1, findings)))


def rows_shown(source: Source, finding: dict[str, Any], most: int) -> Block:
    """The most suspicious first."""
    own = source.of_finding(finding["finding"])
    if source.images is None and "text" not in source.rows:
        return _table(source, finding, own)
    beside, compared = _beside(source, finding, own.head(COMPARED))
    shown = own.head(most)
    if source.images is not None:
        items = [
            Shown(_picture(source, one.row, _note(source, finding, one)), [_picture(source, r) for r in beside.get(one.row, ())])
            for one in shown.itertuples()
        ]  # fmt: skip
        return Gallery(items, len(own), compared)
    passages = [
        _passage(source, one.row, _note(source, finding, one), [_passage(source, r) for r in beside.get(one.row, ())])
        for one in shown.itertuples()
    ]
    return Passages(passages, len(own), compared)


def _beside(source: Source, finding: dict[str, Any], first: pd.DataFrame) -> tuple[dict[int, list[int]], str]:
    """For the first rows those to compare them with, and what these are."""
    if finding["kind"] == "copy":
        kept = {one["row"]: one["copy_of"] for one in source.summary["set_aside"]["copies"]}
        return {row: [kept[row]] for row in first["row"].tolist() if row in kept}, "the one that is kept"
    found = {}
    for one in first.itertuples():
        label = int(one.nearest_label) if pd.notna(one.nearest_label) else UNLABELLED
        place = source.space.place(one.row, finding["label"])
        if label != UNLABELLED and place is not None:
            vector = np.asarray(source.space.vectors[place])
            found[one.row] = source.space.neighbours(vector, label, NEIGHBOURS)[0].tolist()
    return found, "nearest of the nearest other class"


def _note(source: Source, finding: dict[str, Any], one: Any) -> str:
    if finding["kind"] == "label-error" and pd.notna(one.nearest_label):
        return f"with {source.called(one.nearest_label)}"
    return f"{one.score:.3g} deviations out" if finding["kind"] in ("poison", "second-group") and one.score else ""


def _picture(source: Source, row: int, note: str | None = None) -> Picture:
    assert source.images is not None
    if note is None:
        note = source.called(source.rows["label"].iat[row])
    return Picture(viewable(np.asarray(source.images[row])), int(row), source.file(row), note)


def _passage(source: Source, row: int, note: str | None = None, beside: Sequence[Passage] = ()) -> Passage:
    if note is None:
        note = source.called(source.rows["label"].iat[row])
    text = source.text(row) or ""
    text = text if len(text) <= TEXT else f"{text[:TEXT]} ... ({len(text):,} characters)"
    return Passage(text, int(row), source.file(row), note, beside)


def _table(source: Source, finding: dict[str, Any], own: pd.DataFrame) -> Table:
    known = bool((source.rows["file"].to_numpy()[own["row"].to_numpy()] != "").any())
    columns = ["row", *["file"] * known, "deviations out", "nearest other class"]
    lines = [
        [f"{one.row:,}", *[source.file(one.row)] * known, f"{one.score:.3g}",
         source.called(one.nearest_label) if pd.notna(one.nearest_label) else ""]
        for one in own.head(LISTED).itertuples()
    ]  # fmt: skip
    more = f"; the other {len(own) - LISTED:,} are in findings.csv" if len(own) > LISTED else ""
    caption = f"The rows, most suspicious first{more}. There are no pictures: the audit was given features alone."
    return Table(columns, lines, caption, frozenset({0, 1 + known}))
