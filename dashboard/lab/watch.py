"""The run that was started last, while it works and when it has ended."""

from __future__ import annotations

import streamlit as st

from core.errors import InputError
from core.runs import RunFolder
from dashboard import data
from dashboard.lab import origin
from dashboard.runs import live
from dashboard.runs.outcome import outcome
from dashboard.runs.states import icon
from dashboard.widgets import as_sentence


def remember(run: RunFolder) -> None:
    """From now on the page shows this run; the address too, so that it can be closed."""
    st.session_state["watch"] = run.id
    st.query_params["watch"] = run.id


def show_watched() -> None:
    """The run that was started last, or the one in the address."""
    live.show_problem()
    watched = st.query_params.get("watch") or st.session_state.get("watch")
    if watched:
        try:
            watch(data.user_runs().open(watched))
        except InputError:
            st.warning("The run in the address is not here any more.")
            st.query_params.pop("watch", None)
            st.session_state.pop("watch", None)


def watch(run: RunFolder) -> None:
    """Live: stage, bar, remaining time, curves, cancel. The page may be closed; the run goes on."""
    active = run.status.active

    @st.fragment(run_every=1.0 if active else None)  # a run that has ended is drawn once
    def draw() -> None:
        show(run)
        if active and not run.status.active:
            st.rerun()

    draw()


def show(run: RunFolder) -> None:
    status, runs = run.status, data.user_runs()
    with st.container(border=True, key="watched"):
        st.markdown(f"{icon(status.state)} **{run.id}** · {status.state}")
        if status.active:
            live.progress(run, runs)
            live.cancel(run)
        elif status.state == "finished":
            outcome(run.result)
        else:
            (st.error if status.state == "failed" else st.warning)(as_sentence(status.message))
        if not status.active:
            with st.container(horizontal=True, vertical_alignment="center"):
                _next_steps(run, status.state)
        live.curves(run)


def _next_steps(run: RunFolder, state: str) -> None:
    if state == "finished":
        st.page_link(
            "screens/inspect.py", label="Look inside", icon=":material/search_insights:", query_params={"run": run.id}
        )
    else:
        live.go_on(run, data.user_runs())
    st.button(
        "Duplicate with one change", icon=":material/content_copy:", key=f"like-{run.id}", on_click=origin.like,
        args=(run,), help="Fills the cards above with this run's settings; what you then change is listed.",
    )  # fmt: skip
