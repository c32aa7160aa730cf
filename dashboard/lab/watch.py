"""A run while it works, and what came of it."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from core import jobs
from core.errors import InputError
from core.outcomes import share_text
from core.runs import STATES, RunFolder
from dashboard import charts, data
from dashboard.lab import cost
from dashboard.widgets import as_sentence, colours, plot

ICONS = dict(
    zip(STATES, ("hourglass_empty", "play_circle", "check_circle", "error", "cancel", "link_off"), strict=True)
)


def remember(run: RunFolder) -> None:
    """From now on the page shows this run; the address too, so that it can be closed."""
    st.session_state["watch"] = run.id
    st.query_params["watch"] = run.id


def show_watched() -> None:
    """The run that was started last, or the one in the address."""
    if "lab-problem" in st.session_state:
        st.error(st.session_state.pop("lab-problem"))
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
    def live() -> None:
        show(run)
        if active and not run.status.active:
            st.rerun()

    live()


def show(run: RunFolder) -> None:
    status = run.status
    with st.container(border=True):
        st.markdown(f":material/{ICONS[status.state]}: **{run.id}** · {status.state}")
        if status.active:
            _progress(run)
        elif status.state == "finished":
            outcome(run.result)
            st.page_link(
                "screens/inspect.py",
                label="Look inside",
                icon=":material/search_insights:",
                query_params={"run": run.id},
            )
        else:
            st.warning(as_sentence(status.message))
            st.button("Go on", icon=":material/play_arrow:", on_click=go_on, args=(run,))
        metrics = run.metrics()
        if metrics:
            plot(
                charts.training_curves(metrics, colours()),
                f"curves-{run.id}",
                "Accuracy and loss for each epoch so far",
            )


def _progress(run: RunFolder) -> None:
    status = run.status
    elapsed = time.time() - status.started if status.started else 0.0
    left = f" · about {elapsed / status.overall * (1 - status.overall):.0f} s left" if status.overall > 0.05 else ""
    st.progress(status.overall, f"{status.message}{left}")
    st.button("Cancel", icon=":material/stop_circle:", on_click=run.request_cancel, disabled=run.cancel_requested)
    st.caption(
        "Stopping; what is finished is kept." if run.cancel_requested else "The page may be closed; the run goes on."
    )


def outcome(result: dict[str, Any]) -> None:
    """What a finished run came to, in words, and what it cost."""
    found = dict(result["defenses"])
    first = found.pop((result.get("after") or {}).get("defense", "spectre"))  # the one that was retrained on
    st.success(f"{removed_text(first)} {attack_text(result)}", icon=":material/check_circle:")
    if rest := " ".join(map(removed_text, found.values())):
        st.caption(f"For comparison: {rest}")
    cost.compare(result)


def removed_text(defense: dict[str, Any]) -> str:
    hit, missed = defense["true_positive_rate"], defense["false_positive_rate"]
    if not hit["total"]:
        return f"{defense['title']} removed {defense['removed']:,} images; there was no poison among them to find."
    return (
        f"{defense['title']} removed {hit['count']:,} of {hit['total']:,} poisons and {missed['count']:,} clean images."
    )


def attack_text(result: dict[str, Any]) -> str:
    """How well the attack worked, and whether it still does."""
    if not result.get("poisons") or not result.get("before"):
        return ""
    before, after = result["before"], result.get("after")
    told = f"The trigger turned {share_text(before['attack_combined'])} of the test images of {result['victims']} into "
    told += "the label that the attacker wants"
    return f"{told}; after retraining {share_text(after['attack_combined'])}." if after else f"{told}."


def go_on(run: RunFolder) -> None:
    try:
        jobs.resume(run, data.user_runs())
    except InputError as problem:
        st.session_state["lab-problem"] = str(problem)
