"""The rows of a finding one by one: as pictures, as text, or as lines of a table; most suspicious first."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.cases.space import Space
from core.foundation.sources import short_source
from dashboard import charts, lens, tiles
from dashboard.audit import shelf, state
from dashboard.audit.shelf import CaseView
from dashboard.audit.state import Shown
from dashboard.plain import as_is

PAGE = 24
FITS = 26  # characters of a name
HELD = 4096  # pictures of an audit that are held ready for all visitors
BESIDE = 6  # rows at a time with their neighbours beside them
NEAR = 4  # neighbours of each kind


def short(name: str) -> str:
    """A file's own name, as it fits under a picture of this page."""
    return short_source(name, FITS)


def source(view: CaseView, row: int) -> str:
    """One picture as a data URL."""
    assert view.images is not None
    held = view.sources
    if row not in held:
        if len(held) >= HELD:
            held.clear()
        held[row] = tiles.source(np.asarray(view.images[row]))
    return held[row]


def entry(view: CaseView, row: int, *lines: str, kind: str = "") -> dict[str, Any]:
    """One tile: the picture, the lines, the file's name and the number of the row."""
    caption = [*lines, short(view.file(row)) or f"row {row:,}"]
    return {"id": row, "row": row, "src": source(view, row), "caption": caption, "kind": kind}


def place(
    view: CaseView,
    rows: np.ndarray,
    lines: Sequence[str],
    key: str,
    channel: str,
    label: str,
    at: dict[int, int] | None = None,
    side: int = 88,
) -> None:
    """Rows as tiles where there are pictures, as text or names where there are none. at: position in the channel of each row."""
    if view.images is not None:
        made = [entry(view, int(row), line) for row, line in zip(rows, lines, strict=True)]
        for one in made:
            one["row"] = (at or {}).get(one["id"], -1)
        lens.tiles(channel, made, key, label=label, side=side, on_look=lambda: state.take_focus(key))
        return
    table(view, rows, lines, chosen=at is not None)


def table(view: CaseView, rows: np.ndarray, lines: Sequence[str], *, chosen: bool = True) -> None:
    """Rows without pictures: their text where there is some, and where each came from. chosen: a line can be, to be looked at."""
    frame = pd.DataFrame({"row": rows, "what": list(lines)})
    if "text" in view.rows:
        frame["text"] = [view.text(int(row)) for row in rows]
    files = [view.file(int(row)) for row in rows]
    if any(files):
        frame["file"] = files
    height = min(38 + 35 * len(frame), 420)
    if not chosen:
        st.dataframe(frame, hide_index=True, height=height)
        return
    key = f"audit-table-{hash(tuple(rows.tolist())) & 0xFFFFFF}"

    def take() -> None:  # when it is clicked, and not again: the line stays marked while another row is looked at
        if chosen := st.session_state[key]["selection"]["rows"]:
            st.session_state[state.ROW] = int(rows[chosen[0]])

    st.dataframe(
        frame, hide_index=True, height=height, on_select=take, selection_mode="single-row", key=key,
    )  # fmt: skip


def browse(shown: Shown) -> None:
    """The gallery of a class: of the finding, of what SPECTRE removes, of what is selected, of all others."""
    order = np.argsort(-shown.scores, kind="stable")
    masks = (shown.in_finding, shown.removed, shown.selected, ~(shown.in_finding | shown.removed))
    sets = {name: order[mask[order]] for name, mask in zip(state.SETS, masks, strict=True)}
    if (
        shown.finding["kind"] == "label-error"
    ):  # the surest first: its own score is how far each lies with the other class
        sure = shown.view.of_finding[int(shown.finding["finding"])]["row"].to_numpy()
        places = np.searchsorted(shown.rows, sure)
        sets["finding"] = places[
            (places < len(shown.rows)) & (shown.rows[np.minimum(places, len(shown.rows) - 1)] == sure)
        ]
    if st.session_state.get("audit-set") not in sets:
        st.session_state["audit-set"] = "finding"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = st.segmented_control(
            "Rows", list(sets), key="audit-set", required=True, on_change=state.first_page,
            format_func=lambda s: f"{'removed by SPECTRE' if s == 'removed' else s} ({len(sets[s]):,})",
        )  # fmt: skip
        beside = st.toggle(
            "Neighbours beside each", key="audit-beside",
            help="Beside each row the rows nearest to it, of its own class and of the nearest other one: which does it look like?",
        )  # fmt: skip
    rows = sets[which or "finding"]
    if not len(rows):
        st.info(_hint(which or "finding"), icon=":material/info:")
        return
    start = pager(len(rows), BESIDE if beside else PAGE, which == "selected")
    part = rows[start : start + (BESIDE if beside else PAGE)]
    if beside:
        _lines(shown, part)
        return
    ranks = np.empty(len(order), int)
    ranks[order] = np.arange(1, len(order) + 1)
    lines = _captions(shown, part, ranks, which or "finding")
    at = {int(shown.rows[i]): int(i) for i in part}
    place(
        shown.view,
        shown.rows[part],
        lines,
        state.GALLERY,
        shown.channel,
        f"rows {start + 1} to {start + len(part)}",
        at,
    )


def _captions(shown: Shown, part: np.ndarray, ranks: np.ndarray, which: str) -> list[str]:
    """Under each row: of label errors the class it lies with, else rank and score."""
    if which == "finding" and shown.finding["kind"] == "label-error":
        table = shown.view.of_finding[int(shown.finding["finding"])].set_index("row")["nearest_label"]
        return [f"→ {shown.view.told(table[int(shown.rows[i])])}" for i in part]
    return [f"#{ranks[i]:,} · {charts.number(float(shown.scores[i]))}" for i in part]


def _hint(which: str) -> str:
    return {
        "finding": "None of its rows lie in this picture: they were set aside before anything was estimated.",
        "removed": "SPECTRE removes nothing at this number.",
        "selected": "Choose *Lasso* or *Box* above the pictures and draw around points: they appear here.",
        "others": "No other rows.",
    }[which]


def pager(total: int, size: int, selection: bool = False, order: str = ", most suspicious first") -> int:
    """Previous, next and where one is; returns the first place of the page. order: what is said of it."""
    last = (total - 1) // size + 1
    page = min(max(int(st.session_state.get("audit-page", 1)), 1), last)
    st.session_state["audit-page"] = page
    start = (page - 1) * size
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="audit-pager"):
        st.button(
            "Previous",
            icon=":material/chevron_left:",
            on_click=_turn,
            args=(-1,),
            shortcut="Left",
            disabled=page == 1,
            key="audit-previous",
        )
        st.button(
            "Next", icon=":material/chevron_right:", icon_position="right", on_click=_turn, args=(1,), shortcut="Right",
            disabled=page == last, key="audit-following",
        )  # fmt: skip
        if selection:
            st.button("Clear the selection", icon=":material/close:", on_click=state.clear_selection, key="audit-clear")
        st.caption(f"showing {start + 1:,}–{min(start + size, total):,} of {total:,}{order}")
    return start


def _turn(by: int) -> None:
    st.session_state["audit-page"] += by


def _lines(shown: Shown, part: np.ndarray) -> None:
    """Each row in a line with its neighbours: of its own class, and of the nearest other one."""
    view = shown.view
    space = shelf.space(str(view.case.path), view.stamp, shown.look.number, view)
    blocks = []
    for i in part:
        row = int(shown.rows[i])
        found = near(view, space, row, shown.pictures.label)
        cells = [("this row", f"labelled {view.told(shown.pictures.label)}", [row])]
        if found:
            own, other, label = found
            cells += [("nearest of its class", view.told(shown.pictures.label), own)]
            cells += [("nearest of another class", view.told(label), other)] if label is not None else []
        blocks.append("".join(_cell(view, *cell) for cell in cells))
    st.html(f"<div class='sl-beside'>{''.join(f'<section>{block}</section>' for block in blocks)}</div>{STYLE}")


STYLE = """<style>
.sl-beside section { display: flex; flex-wrap: wrap; gap: 6px 22px; padding: 8px 0; border-bottom: 1px solid rgba(128, 140, 150, .3); }
.sl-beside h5 { margin: 0 0 4px 0; font-size: .8rem; font-weight: 600; padding: 0; }
.sl-beside p { margin: 0; max-width: 34rem; font-size: .9rem; overflow-wrap: anywhere; }
.sl-beside .sl-grid { gap: 6px 8px; }
</style>"""


def _cell(view: CaseView, what: str, name: str, rows: Sequence[int]) -> str:
    head = f"<h5>{html.escape(what)}: {html.escape(name)}</h5>"
    if view.images is not None:
        sources = [source(view, int(row)) for row in rows]
        names = [short(view.file(int(row))) or f"row {int(row):,}" for row in rows]
        return f"<div>{head}{tiles.grid(sources, names, side=72)}</div>"
    texts = [view.text(int(row)) or view.file(int(row)) or f"row {int(row):,}" for row in rows]
    return f"<div>{head}{''.join(f'<p>{html.escape(text[:300])}</p>' for text in texts)}</div>"


def near(view: CaseView, space: Space, row: int, label: int) -> tuple[list[int], list[int], int | None] | None:
    """The rows nearest to one, of its own class and of the nearest other; None for a row that was set aside."""
    at = space.place(row, label)
    if at is None or not space.vectors.shape[1]:
        return None
    vector = np.asarray(space.vectors[at])
    own = [int(r) for r in space.neighbours(vector, label, NEAR + 1)[0] if int(r) != row][:NEAR]
    other = int(space.nearest[at])
    if other < 0:
        return own, [], None
    return own, [int(r) for r in space.neighbours(vector, other, NEAR)[0]], other


def rows_of(view: CaseView, finding: dict[str, Any]) -> None:
    """The rows of a finding of a class without pictures, the surest first."""
    table = view.of_finding[int(finding["finding"])]
    start = pager(len(table), PAGE)
    part = table.iloc[start : start + PAGE]
    lines = [f"→ {view.told(near)}" if near == near else "" for near in part["nearest_label"]]
    place(view, part["row"].to_numpy(), lines, state.GALLERY, f"audit/{view.id}/rows", as_is(finding["title"]))


def set_aside(view: CaseView, finding: dict[str, Any]) -> None:
    """Copies beside the row that is kept, and broken rows with what is wrong with them."""
    aside = view.summary["set_aside"]
    mine = set(view.of_finding[int(finding["finding"])]["row"].tolist())
    kept = {one["copy_of"] for one in aside["copies"] if one["row"] in mine}
    if finding["kind"] == "broken":
        told = {one["row"]: one["reason"] for one in aside["broken"] if one["row"] in mine}
    else:
        told = {one["row"]: f"copy of row {one['copy_of']:,}" for one in aside["copies"] if one["row"] in mine}
        told = dict.fromkeys(sorted(kept), "kept") | told
    rows = np.array(list(told), np.int64)
    start = pager(len(rows), PAGE, order="" if finding["kind"] == "broken" else f", {len(kept):,} kept among them")
    part = rows[start : start + PAGE]
    place(
        view, part, [told[int(row)] for row in part], state.GALLERY, f"audit/{view.id}/aside", as_is(finding["title"])
    )
