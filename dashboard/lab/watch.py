"""The run that was started last, while it works and when it has ended."""

from __future__ import annotations

import streamlit as st

from core import jobs
from core.foundation.errors import InputError
from core.runs import RunFolder
from dashboard import data
from dashboard.lab import origin
from dashboard.runs import live
from dashboard.runs.outcome import outcome
from dashboard.runs.states import icon, quoted
from dashboard.widgets import as_sentence

ANCHOR = "the-run"  # where the bar leads to


def remember(run: RunFolder) -> None:
    """From now on the page shows this run; the address too, so that it can be closed."""
    st.session_state["watch"] = run.id
    st.query_params["watch"] = run.id


def watched() -> RunFolder | None:
    """The run that was started last, or the one in the address; one that is gone is forgotten, and that is said."""
    run_id = st.query_params.get("watch") or st.session_state.get("watch")
    if not run_id:
        return None
    try:
        return data.user_runs().open(run_id)
    except InputError:
        st.toast(f"There is no run {quoted(run_id)} here any more.", icon=":material/link_off:", duration="long")
        st.query_params.pop("watch", None)
        st.session_state.pop("watch", None)
        return None


def show_watched() -> None:
    """What is watched, with its curves, in the flow of the page."""
    live.show_problem()
    if run := watched():
        live.watch(run, lambda: show(run))


def in_bar() -> None:
    """The same run in one line, for the bar that stays in sight."""
    if run := watched():
        live.watch(run, lambda: line(run))


def line(run: RunFolder) -> None:
    """State, stage or place in the queue, remaining time, the way down to the curves, and Cancel.

    Cancel is the last of the line and nothing takes its place: a second click must not start anything.
    """
    status = run.status
    with st.container(horizontal=True, vertical_alignment="center", key="watched-line"):
        if status.active:
            live.bar(run, data.user_runs())
        else:
            st.markdown(f"{icon(status.state)} **{status.state.capitalize()}**: {run.id}", width="stretch")
        has_curves = status.active and run.metrics() and not jobs.place(run, data.user_runs())
        where = "Curves" if has_curves else "Details"
        st.markdown(f"[{where} :material/arrow_downward:](#{ANCHOR})", width="content")
        if status.active:
            live.cancel(run)


def show(run: RunFolder) -> None:
    status = run.status
    with st.container(border=True, key="watched"):
        st.subheader(f"{icon(status.state)} {run.id} · {status.state}", anchor=ANCHOR)
        if status.active:
            st.caption(live.reassurance(run))
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
