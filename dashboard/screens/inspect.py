"""Look inside a finished run: three projections, the scores with a movable cut, the images, and one card for each."""

from __future__ import annotations

import streamlit as st

from core.outcomes import detection, roc
from dashboard import charts, data
from dashboard.inspection import card, controls, decision, more, state, views
from dashboard.widgets import again, choose_run, colours, legend, plot

MORE = {
    "decision": ("How SPECTRE decided", decision.show),
    "map": ("Map of neighbours (UMAP)", more.neighbourhood),
    "table": ("Scores as a table", more.table),
}

narrow, wide = st.columns([1, 4], gap="medium")
with narrow:
    run = choose_run(data.finished())
    if run is None:
        st.stop()
    state.open_run(run)
    shown = controls.choose(run)
    controls.outcome(shown)
with wide, st.container(key="inspect"):
    with st.container(key="inspect-planes"):
        legend(shown.revealed)
        views.synchronise(shown)
        views.projections(shown)
    with st.container(key="inspect-lower"):
        left, right = st.columns([2, 3], gap="medium")
        with left:
            with st.container(key="inspect-scores"):
                views.histogram(shown)
            card.show(shown)
            if shown.revealed and run.truth.any():
                rates = detection(shown.removed, run.truth)
                here = (rates["false_positive_rate"]["value"] or 0.0, rates["true_positive_rate"]["value"] or 0.0)
                plot(
                    charts.roc_curve(*roc(shown.scores, run.truth), here, colours()),
                    "roc",
                    "ROC curve with the present cut",
                )
        with right:
            views.browse(shown)
    for key, (label, draw) in MORE.items():  # drawn only where they are open; the address says which
        with st.expander(label, key=key, bind="query-params") as fold:
            if fold.open:
                draw(shown)
    again(run.result["command"], data.python_lines(run))
st.caption(run.small_print)
