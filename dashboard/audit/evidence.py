"""What a finding rests on: the class in three projections, its scores, and the same statistic for every other class."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dashboard import address, charts, lens
from dashboard.audit import shelf, state
from dashboard.audit.shelf import CaseView
from dashboard.audit.state import Shown
from dashboard.theme import palette
from dashboard.widgets import plot

IN_CLOUDS = {"items": "rows", "hidden": "of one class", "removed": "ringed"}
IN_SCORES = {
    "items": "rows", "hidden": "rows of the class", "clean": "other rows", "poison": "of the finding",
    "removed": "SPECTRE removes", "plain": True,
}  # fmt: skip
RINGS = ("the finding", "what SPECTRE removes")
STATISTICS = {
    "poison": ("separation", "separation of its first group (Ashman's D)"),
    "second-group": ("separation", "separation of its first group (Ashman's D)"),
    "label-error": ("misfits", "rows that lie with another class, % of the class"),
    "copy": ("copies", "copies, % of the class"),
    "broken": ("broken", "broken rows, % of the class"),
}


@st.cache_resource(max_entries=32, show_spinner=False)
def clouds_of(channel: str, stamp: int, budget: int, k: int, _shown: Shown) -> bytes:
    """The three projections of a class, packed once for all visitors."""
    pictures = _shown.pictures
    views = [
        ("raw", "Raw", "σ of the first", pictures.raw),
        ("naive", "Naively whitened", "σ of all rows", pictures.naive),
        ("robust", "Robustly whitened", "σ of the trusted rows", pictures.robust[budget, k].astype(np.float32)),
    ]
    name = f"{_shown.view.id}-class-{pictures.label}"
    return lens.pack_clouds(
        channel, pictures.rows, views, height=270, file=f"{name}-projections", lead=2, words=IN_CLOUDS
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def scores_of(channel: str, stamp: int, budget: int, k: int, _shown: Shown) -> bytes:
    """The scores of a class, packed once for all visitors."""
    title = f"QUE, {int(_shown.pictures.poisons[budget]):,} poisons assumed, k = {int(_shown.pictures.ks[k])}"
    return lens.pack_histogram(
        f"{channel}/scores", _shown.rows, _shown.scores.astype(np.float64), name=title, height=300, fixed=True, words=IN_SCORES,
        file=f"{_shown.view.id}-class-{_shown.pictures.label}-scores",
    )  # fmt: skip


def projections(shown: Shown) -> None:
    stamp = shown.view.stamp
    lens.clouds(
        clouds_of(shown.channel, stamp, shown.budget, shown.k, shown), state.CLOUDS,
        on_select=state.take_selection, on_look=lambda: state.take_focus(state.CLOUDS),
    )  # fmt: skip


def histogram(shown: Shown) -> None:
    lens.histogram(scores_of(shown.channel, shown.view.stamp, shown.budget, shown.k, shown), state.SCORES)


def what_is_ringed(kind: str) -> str:
    """Whether the rings in the pictures are the finding's rows, or what SPECTRE removes."""
    address.adopt("ring", list(RINGS), quiet=True)
    ring = st.segmented_control(
        "Ringed", list(RINGS), key="ring", required=True,
        help="The finding is told by a test of what stands apart together; SPECTRE removes the highest scores, half as many "
        "again as the poisons that are assumed.",
    )  # fmt: skip
    address.write("ring", None if ring == RINGS[0] else ring)
    return ring or RINGS[0]


def synchronise(shown: Shown, ring: str) -> None:
    """Tell the pictures what holds; they draw it without being sent again."""
    lens.sync(
        shown.channel, len(shown.rows), removed=shown.in_finding if ring == RINGS[0] else shown.removed,
        selected=shown.selected, focus=shown.focus,
    )  # fmt: skip
    lens.sync(
        f"{shown.channel}/scores", len(shown.rows), removed=shown.removed, truth=shown.in_finding, focus=shown.focus
    )


def control(view: CaseView, finding: dict[str, Any], number: int) -> None:
    """The same statistic for every other class."""
    column, title = STATISTICS[finding["kind"]]
    st.markdown(
        "**Every other class**",
        help="The control: what is ordinary here. A finding that many classes share is a property of the data, not of a class.",
    )
    theme = st.context.theme.type or "light"
    figure, known, left = _control(str(view.case.path), view.stamp, number, column, int(finding["label"]), theme, view)
    plot(figure, "audit-control", f"{title}, for each of {known} classes")
    if left:
        st.caption(f"{left:,} classes could not be looked at by themselves.")


@st.cache_resource(
    max_entries=64, show_spinner=False
)  # Plotly takes longer to build it than everything else of the page
def _control(
    path: str, stamp: int, number: int, column: str, label: int, theme: str, _view: CaseView
) -> tuple[go.Figure, int, int]:
    """The figure, how many classes it shows, and how many have no such value."""
    records = summary_of(_view, number)["classes"]
    known = [(record, value) for record in records if (value := _value(record, column)) is not None]
    names = [_view.told(record["label"]) for record, _ in known]
    here = next((i for i, (record, _) in enumerate(known) if record["label"] == label), -1)
    bar = float(_view.summary["parameters"]["separation"]) if column == "separation" else None
    title = next(title for name, title in STATISTICS.values() if name == column)
    figure = charts.control([value for _, value in known], names, here, palette(theme), title=title, bar=bar)
    return figure, len(known), len(records) - len(known)


def _value(record: dict[str, Any], column: str) -> float | None:
    value = record.get(column)
    if value is None or column == "separation":
        return None if value is None else float(value)
    return 100.0 * float(value) / max(1, int(record["n"]))


def summary_of(view: CaseView, number: int) -> dict[str, Any]:
    """What the scan of one look says."""
    if number == 0:
        return view.summary
    found: dict[str, Any] = view.case.read_json(f"{view.looks[number].folder}/summary.json")
    return found


def numbers_and_k(view: CaseView, finding: dict[str, Any], number: int) -> tuple[Any, int, int] | None:
    """Which number of poisons and which k; the pictures with both positions, None where the class has no pictures yet."""
    look = view.looks[number]
    if not shelf.pictured(view, look, finding["label"]):
        return None
    pictures = shelf.class_view(view, look, finding["label"])
    counts = [str(int(count)) for count in pictures.poisons]
    own = counts[pictures.assumed]
    budget = counts.index(
        _slider(
            "poisons",
            counts,
            own,
            "Poisons assumed",
            f"{own} at first. SPECTRE removes half as many again.",
        )
    )
    possible = [i for i in range(len(pictures.ks)) if np.isfinite(pictures.scores[budget, i]).all()]
    ks = [str(int(pictures.ks[i])) for i in possible]
    chosen = str(int(pictures.ks[pictures.chosen[budget]]))
    k = possible[
        ks.index(_slider("k", ks, chosen, "k, principal components", f"SPECTRE chose {chosen} by its objective."))
    ]
    return pictures, budget, k


def _slider(key: str, options: list[str], own: str, label: str, help: str) -> str:
    """A slider over a few numbers that starts at the audit's own, and is in the address where it was moved."""
    of = f"{key} options"
    if st.session_state.get(of) != (options, own):
        first = of not in st.session_state
        st.session_state[of] = (options, own)
        if not (first and st.query_params.get(key) in options):
            st.session_state[key] = own
    if len(options) == 1:
        st.caption(f"{label}: {own}")
        return own
    address.adopt(key, options, quiet=True)
    value = st.select_slider(
        label, options, key=key, help=help, format_func=lambda v: f"{v} (at first)" if v == own else v
    )
    address.write(key, None if value == own else value)
    return str(value)
