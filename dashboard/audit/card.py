"""One row: its picture or text, where it comes from, its score and rank, its neighbours, and what is decided about it."""

from __future__ import annotations

import html

import numpy as np
import streamlit as st

from dashboard import charts, lens
from dashboard.audit import choice, gallery, shelf, state
from dashboard.audit.state import Shown
from dashboard.plain import as_is


def show(shown: Shown) -> None:
    view = shown.view
    with st.container(border=True):
        if shown.focus is None:
            st.markdown("**One row**")
            st.caption("Click a point or a picture: it is ringed in every picture, and its card appears here.")
            return
        row, i = int(shown.rows[shown.focus]), shown.focus
        picture, facts = st.columns([2, 3])
        with picture:
            if view.images is not None:
                src = gallery.source(view, row)
                st.html(f'<img class="sl-large" alt="row {row}" src="{html.escape(src, quote=True)}">')
            elif text := view.text(row):
                st.markdown(as_is(text[:1500]))
        with facts:
            rank = int((shown.scores > shown.scores[i]).sum()) + 1
            lines = [f"labelled *{as_is(view.told(shown.pictures.label))}*"]
            space = shelf.space(str(view.case.path), view.stamp, shown.look.number, view)
            at = space.place(row, shown.pictures.label)
            if at is not None and space.nearest[at] >= 0:
                margin = float(space.margin[at])
                lies = "beyond the middle, towards" if margin > 0 else "its nearest other class is"
                lines.append(f"{lies} *{as_is(view.told(int(space.nearest[at])))}* ({margin:+.1f} deviations)")
            lines.append(f"score {charts.number(float(shown.scores[i]))}, rank {rank:,} of {len(shown.rows):,}")
            if name := view.file(row):
                lines.append(as_is(name))
            st.markdown(f"**Row {row:,}**\n\n" + "\n".join(f"- {line}" for line in lines))
            st.button("", icon=":material/close:", key="audit-close", on_click=state.clear_focus, help="Close the card")
        choice.for_rows(view, [row], f"row {row:,}", "one")
        _neighbours(shown, row)


def _neighbours(shown: Shown, row: int) -> None:
    view = shown.view
    if view.images is None:
        return
    space = shelf.space(str(view.case.path), view.stamp, shown.look.number, view)
    found = gallery.near(view, space, row, shown.pictures.label)
    if not found:
        return
    own, other, label = found
    at = {int(r): int(np.searchsorted(shown.rows, r)) for r in own}
    entries = [gallery.entry(view, r) | {"row": at[r]} for r in own]
    st.markdown(f"**Nearest in {as_is(view.told(shown.pictures.label))}**")
    lens.tiles(
        shown.channel,
        entries,
        state.OWN,
        label="nearest rows of its class",
        side=60,
        on_look=lambda: state.take_focus(state.OWN),
    )
    if label is not None:
        st.markdown(f"**Nearest in {as_is(view.told(label))}**")
        lens.tiles(
            f"{shown.channel}/other",
            [gallery.entry(view, r) | {"row": -1} for r in other],
            state.OTHER,
            label="nearest rows of another class",
            side=60,
        )
