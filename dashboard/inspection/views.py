"""The pictures that are brushed together: three projections, the histogram, and the gallery."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.runs import detection
from core.runs import roc as roc_points
from dashboard import address, charts, data, lens, tiles
from dashboard.inspection import state
from dashboard.inspection.state import Shown
from dashboard.widgets import colours, plot

PAGE = 24  # tiles at a time
VIEWS = (
    ("raw", "Raw", "σ of the first"),
    ("naive", "Naively whitened", "σ of all rows"),
    ("robust", "Robustly whitened", "σ of the trusted rows"),
)


@st.cache_resource(max_entries=8, show_spinner=False)
def clouds_of(run_id: str, stamp: int, _run: data.RunView) -> bytes:
    """The three projections of a run, packed once for all visitors."""
    views = [(name, title, unit, _run.views[name]) for name, title, unit in VIEWS]
    return lens.pack_clouds(f"inspect/{run_id}", _run.ids, views, height=290, file=f"{run_id}-projections", lead=2)


@st.cache_resource(max_entries=32, show_spinner=False)
def scores_of(run_id: str, stamp: int, defense: str, variant: str, _shown: Shown) -> bytes:
    """The scores of one defense, packed once for all visitors."""
    channel = f"inspect/{run_id}"
    return lens.pack_histogram(channel, _shown.run.ids, _shown.scores, name=_shown.title, file=_shown.file)


def synchronise(shown: Shown) -> None:
    """Tell the pictures what holds; they draw it without being sent again."""
    lens.sync(
        f"inspect/{shown.run.id}", len(shown.run.frame),
        removed=shown.removed, truth=shown.truth, selected=shown.selected, focus=shown.focus,
        moved=st.session_state.get("moved", 0),
    )  # fmt: skip


def projections(shown: Shown) -> None:
    run = shown.run
    lens.clouds(
        clouds_of(run.id, run.stamp, run), state.CLOUDS,
        on_select=state.take_selection, on_look=lambda: state.take_focus(state.CLOUDS),
    )  # fmt: skip


def histogram(shown: Shown) -> None:
    run = shown.run
    packed = scores_of(run.id, run.stamp, shown.defense, shown.variant, shown)
    lens.histogram(packed, state.HISTOGRAM, on_cut=state.take_cut)


def roc(shown: Shown) -> None:
    """Poison found against clean removed at every cut, with the present one marked."""
    rates = detection(shown.removed, shown.run.truth)
    here = (rates["false_positive_rate"]["value"] or 0.0, rates["true_positive_rate"]["value"] or 0.0)
    false, true = roc_points(shown.scores, shown.run.truth)
    area = float(np.trapezoid(true, false))
    st.markdown(
        f"**ROC curve** · area under it {area:.3f}",
        help="Poison removed against clean removed as the cut moves. The area (AUC) is 1 where every poison scores higher "
        "than every clean image, and 0.5 for guesses.",
    )
    figure = charts.roc_curve(false, true, here, colours())
    plot(figure, "roc", "ROC curve with the present cut")


def browse(shown: Shown) -> None:
    """The gallery of what is removed, kept, selected or guessed, most suspicious first."""
    order = np.argsort(-shown.scores, kind="stable")
    masks = (shown.removed, ~shown.removed, shown.selected, shown.guessed)
    sets = {name: order[mask[order]] for name, mask in zip(state.SETS, masks, strict=True)}
    if st.session_state.get("which") not in sets:
        st.session_state["which"] = "removed"
    st.segmented_control(
        "Images", list(sets), required=True, key="which", format_func=lambda s: f"{s} ({len(sets[s]):,})",
        on_change=_first_page,
    )  # fmt: skip
    which = str(st.session_state["which"])
    rows = sets[which]
    if not len(rows):
        hints = {
            "removed": "Nothing is removed at this cut. Raise the number, or drag the line in the histogram to the left.",
            "kept": "Every image is removed at this cut. Lower the number, or drag the line in the histogram to the right.",
            "selected": "Choose *Lasso* or *Box* above the pictures and draw around points: they appear here.",
            "guessed": "Nothing yet. Add what is selected to your guess, or one image at a time on its card.",
        }
        st.info(hints[which], icon=":material/info:")
        return
    if which == "selected" and not address.ids_to_text(shown.run.ids[rows].tolist()):
        st.caption("Too many for the address bar: a link to this page will not bring this selection back.")
    start = _pager(len(rows), which)
    page = rows[start : start + PAGE]
    entries = [entry(shown, int(row)) for row in page]
    label = f"{which} images {start + 1} to {start + len(page)} of {len(rows)}"
    lens.tiles(
        f"inspect/{shown.run.id}", entries, state.GALLERY, label=label, on_look=lambda: state.take_focus(state.GALLERY)
    )


def _pager(total: int, which: str) -> int:
    """Previous, next and where one is; returns the first place of the page."""
    last = (total - 1) // PAGE + 1
    page = min(max(int(st.session_state.get("position", 1)), 1), last)
    st.session_state["position"] = page
    start = (page - 1) * PAGE
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="pager"):
        st.button(
            "Previous", icon=":material/chevron_left:", on_click=_turn, args=(-1,), shortcut="Left", disabled=page == 1
        )
        st.button(
            "Next",
            icon=":material/chevron_right:",
            icon_position="right",
            on_click=_turn,
            args=(1,),
            shortcut="Right",
            disabled=page == last,
        )
        if which == "selected":
            st.button("Clear the selection", icon=":material/close:", on_click=state.clear_selection)
        st.caption(f"showing {start + 1}–{min(start + PAGE, total)} of {total:,}, most suspicious first; under each: rank, score, id")  # fmt: skip
    return start


def _turn(by: int) -> None:
    st.session_state["position"] += by


def _first_page() -> None:
    st.session_state["position"] = 1


def entry(shown: Shown, row: int, caption: str = "") -> dict:
    """One image of the gallery: picture, rank, score and id; what it is, and its file, only where the truth is revealed."""
    run = shown.run
    lines = [caption or f"#{shown.rank(row):,} · {charts.number(shown.scores[row])}", f"id {run.ids[row]}"]
    if shown.guessed[row]:
        lines.append("✓ your guess")
    kind = title = ""
    if shown.revealed:
        kind = "poison" if run.truth[row] else "clean"
        lines.append(f"{kind}: {run.true_names[row]}")
        lines += [run.short_source(row)] * bool(run.short_source(row))
        title = run.full_source(row)
    return {
        "id": int(run.ids[row]),
        "row": row,
        "src": source(run.id, run.stamp, row, run),
        "caption": lines,
        "kind": kind,
        "title": title,
    }


@st.cache_resource(max_entries=4096, show_spinner=False)
def source(run_id: str, stamp: int, row: int, _run: data.RunView) -> str:
    """One image of a run as a data URL."""
    return tiles.source(_run.images[row])
