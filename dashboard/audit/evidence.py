"""What a finding rests on: the class in three projections, its scores, and the same statistic for every other class."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.cases.words import across_classes
from core.reports import thin
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
DRAWN = 50_000  # rows that a projection shows
RINGS = ("the finding", "what SPECTRE removes")
STATISTICS = {
    "poison": ("separation", "separation of its first group (Ashman's D)"),
    "second-group": ("separation", "separation of its first group (Ashman's D)"),
    "label-error": ("misfits", "rows that lie with another class, % of the class"),
    "copy": ("copies", "copies, % of the class"),
    "broken": ("broken", "broken rows, % of the class"),
}


@st.cache_resource(max_entries=32, show_spinner=False)
def clouds_of(channel: str, stamp: int, asked: tuple[int, int], _shown: Shown, _drawn: np.ndarray) -> bytes:
    """The three projections of a class, packed once for all visitors. asked: `Shown.asked`."""
    pictures = _shown.pictures
    views = [
        ("raw", "Raw", "σ of the first", pictures.raw[_drawn]),
        ("naive", "Naively whitened", "σ of all rows", pictures.naive[_drawn]),
        (
            "robust",
            "Robustly whitened",
            "σ of the trusted rows",
            pictures.robust[_shown.budget, _shown.k][_drawn].astype(np.float32),
        ),
    ]
    name = f"{_shown.view.id}-class-{pictures.label}"
    return lens.pack_clouds(
        channel, pictures.rows[_drawn], views, height=270, file=f"{name}-projections", lead=2, words=IN_CLOUDS
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def _drawn(channel: str, stamp: int, finding: int, asked: tuple[int, int], _shown: Shown) -> np.ndarray:
    """Positions of the rows that the projections show: all, or in a large class all that are flagged and some of the others."""
    return thin(_shown.scores, _shown.in_finding | _shown.removed, DRAWN)


def drawn_of(shown: Shown) -> tuple[np.ndarray, str]:
    """Positions of the rows that the projections show, and the channel over which these pictures agree."""
    if len(shown.rows) <= DRAWN:
        return np.arange(len(shown.rows)), shown.channel
    finding = int(shown.finding["finding"])
    rows = _drawn(shown.channel, shown.view.stamp, finding, shown.asked, shown)
    return rows, f"{shown.channel}/drawn-{finding}-{shown.asked[0]}-{shown.asked[1]}"  # other rows are another picture


def shown_words(shown: Shown) -> str:
    """Which rows of the class the projections show."""
    if len(shown.rows) <= DRAWN:
        return "Showing every row of the class that was not set aside."
    drawn, _ = drawn_of(shown)
    picked = int(shown.selected.sum())
    left = picked - int(shown.selected[drawn].sum())
    more = f" {left:,} of the {picked:,} selected are not drawn." if left else ""
    return (
        f"The projections show {len(drawn):,} of the {len(shown.rows):,} rows of the class that were not set aside: every row of "
        f"the finding and every one that SPECTRE removes, and of the others one from each stratum of equal size of the score. Lasso "
        f"and box select among these; the scores, the gallery and all counts are of all rows.{more}"
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def scores_of(channel: str, stamp: int, asked: tuple[int, int], _shown: Shown) -> bytes:
    """The scores of a class, packed once for all visitors. asked: `Shown.asked`."""
    title = f"QUE, {assumed_text(asked[0])}, k = {asked[1]}"
    return lens.pack_histogram(
        f"{channel}/scores", _shown.rows, _shown.scores.astype(np.float64), name=title, height=300, fixed=True, words=IN_SCORES,
        file=f"{_shown.view.id}-class-{_shown.pictures.label}-scores",
    )  # fmt: skip


def projections(shown: Shown) -> None:
    stamp, (drawn, channel) = shown.view.stamp, drawn_of(shown)
    lens.clouds(
        clouds_of(channel, stamp, shown.asked, shown, drawn), state.CLOUDS,
        on_select=state.take_selection, on_look=lambda: state.take_focus(state.CLOUDS),
    )  # fmt: skip


def assumed_text(poisons: int) -> str:
    """ "1 poison assumed", "40 poisons assumed"."""
    return f"{poisons:,} poison{'s' * (poisons != 1)} assumed"


def histogram(shown: Shown) -> None:
    lens.histogram(scores_of(shown.channel, shown.view.stamp, shown.asked, shown), state.SCORES)


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
    ringed = shown.in_finding if ring == RINGS[0] else shown.removed
    drawn, channel = drawn_of(shown)
    if channel != shown.channel:
        at = None if shown.focus is None else np.flatnonzero(drawn == shown.focus)
        lens.sync(
            channel, len(drawn), removed=ringed[drawn], selected=shown.selected[drawn],
            focus=None if at is None or not len(at) else int(at[0]),
        )  # fmt: skip
    lens.sync(shown.channel, len(shown.rows), removed=ringed, selected=shown.selected, focus=shown.focus)
    lens.sync(
        f"{shown.channel}/scores", len(shown.rows), removed=shown.removed, truth=shown.in_finding, focus=shown.focus
    )


def control(view: CaseView, finding: dict[str, Any], number: int) -> None:
    """The same statistic for every other class."""
    record = record_of(view, 0, int(finding["label"]))
    column, title = STATISTICS["label-error" if record and across_classes(finding, record) else finding["kind"]]
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


def record_of(view: CaseView, number: int, label: int) -> dict[str, Any] | None:
    """What the scan of one look says of a class; None where it is not in its table."""
    return next((one for one in summary_of(view, number)["classes"] if one["label"] == label), None)


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
    address.adopt(key, options, quiet=True, default=own)
    value = st.select_slider(
        label, options, key=key, help=help, format_func=lambda v: f"{v} (at first)" if v == own else v
    )
    address.write(key, None if value == own else value)
    return str(value)
