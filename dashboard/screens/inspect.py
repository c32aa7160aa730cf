"""Look inside a finished run: three projections, the scores with a movable cut, the images, and one card for each."""

from __future__ import annotations

import streamlit as st

from dashboard import data
from dashboard.inspection import card, controls, decision, guess, more, state, views
from dashboard.widgets import adopt_truth, again_once, choose_run, legend

MORE = {
    "decision": ("How SPECTRE decided", decision.show),
    "map": ("Map of neighbours (UMAP)", more.neighbourhood),
    "table": ("Scores as a table", more.table),
}

state.forget_another(runs := data.finished())
with st.container(key="inspect"):
    narrow, wide = st.columns([1, 4], gap="medium")
with narrow, st.container(key="inspect-run"):
    run = choose_run(runs, sealed=not adopt_truth())
if run is None:
    st.stop()
state.open_run(run)
with narrow:
    shown = controls.choose(run)
    with st.container(key="inspect-guess"):
        guess.show(shown)
with wide:
    with st.container(key="inspect-planes"):
        legend(shown.revealed)
        views.synchronise(shown)
        views.projections(shown)
    with st.container(key="inspect-lower"):
        left, right = st.columns([2, 3], gap="medium")
    with left:
        with st.container(key="inspect-scores"):
            views.histogram(shown)
        with st.container(key="inspect-card" if shown.focus is None else "inspect-card-open"):
            card.show(shown)
    with right:
        with st.container(key="inspect-images"):
            views.browse(shown)
        if shown.revealed and run.truth.any():
            with st.container(key="inspect-roc"):
                views.roc(shown)
    with st.container(key="inspect-more"):
        for key, (label, draw) in MORE.items():  # drawn only where they are open; the address says which
            with st.expander(label, key=key, bind="query-params") as fold:
                if fold.open:
                    draw(shown)
        again_once(shown.revealed, run.result["command"], data.python_lines(run))
        st.caption(run.small_print)
