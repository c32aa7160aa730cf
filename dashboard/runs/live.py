"""A run, or an audit, while it waits or works: where it stands, and its curves so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core import jobs
from core.foundation.errors import InputError
from core.runs import JobFolder, Jobs, Status, duration
from dashboard import access, charts
from dashboard.widgets import as_sentence, colours, plot

NOT_YOURS = "Somebody else on this server has started it."
STOPS = "Stops within a few seconds. What is finished is kept: it can go on later."
PROBLEM = "run-problem"  # where a button leaves what went wrong, for the page to show


def progress(run: JobFolder, runs: Jobs[Any]) -> None:
    """Stage, bar and remaining time, or the place in the queue; and that nobody has to wait here."""
    bar(run, runs)
    st.caption(reassurance(run, runs.kind))


def reassurance(run: JobFolder, kind: str = "run") -> str:
    """kind: what a message calls it."""
    if run.cancel_requested:
        return "Stopping; what is finished is kept."
    return f"The page may be closed; the {kind} goes on by itself."


def watch(run: JobFolder, draw_it: Callable[[], None]) -> None:
    """Draw it again every second while it is active. The page may be closed; the work goes on."""
    active = run.status.active

    @st.fragment(run_every=1.0 if active else None)  # what has ended is drawn once
    def draw() -> None:
        draw_it()
        if active != run.status.active:  # it has ended; or "Go on", which stands within, was pressed
            st.rerun()

    draw()


def bar(run: JobFolder, runs: Jobs[Any]) -> None:
    """Stage, bar and remaining time; or the place in the queue."""
    status = run.status
    stopping = run.cancel_requested
    if place := jobs.place(run, runs):
        st.progress(0.0, "Stopping" if stopping else f"{as_sentence(place.in_words())}")
    else:
        told = "Stopping" if stopping else f"{status.message}{time_left(run, status)}"
        st.progress(status.overall, told)


def time_left(run: JobFolder, status: Status) -> str:
    """ " · about 40 s left"; empty where nothing is known."""
    seconds = jobs.seconds_left(run, status)
    return "" if seconds is None else f" · about {duration(seconds)} left"


def curves(run: JobFolder) -> None:
    """Accuracy, attack success and loss of each epoch so far; nothing before the first."""
    if metrics := charts.epochs_of(run.metrics()):
        plot(
            charts.training_curves(metrics, colours()),
            f"curves-{run.id}",
            "Curves over the epochs: accuracy, attack success and loss so far",
        )
        seen, shown = (charts.sample_of(metrics, name) for name in ("test_accuracy", "attack_success"))
        if seen and shown:
            st.caption(
                f"Test accuracy and attack success: after each epoch, on a fixed sample of {seen:,} clean test images and "
                f"of {shown:,} with the trigger. Attack success is the share of these that get the label the attacker wants: a model that has hardly begun to learn "
                "may give it to many, marked or not."
            )
        elif seen:
            st.caption(f"Test accuracy: after each epoch, on a fixed sample of {seen:,} clean test images.")


def cancel(run: JobFolder) -> None:
    st.button(
        "Cancel", icon=":material/stop_circle:", key=f"cancel-{run.id}", on_click=_cancel, args=(run,),
        disabled=run.cancel_requested or not access.may_change(run), help=STOPS if access.may_change(run) else NOT_YOURS,
    )  # fmt: skip


def _cancel(run: JobFolder) -> None:
    if access.may_change(run):
        run.request_cancel()


def go_on(run: JobFolder, runs: Jobs[Any], *, trains: bool = True) -> None:
    """trains: whether a model is still to be trained."""
    refused = (access.training_refused() if trains else "") or ("" if access.may_change(run) else NOT_YOURS)
    st.button(
        "Go on", icon=":material/play_arrow:", key=f"resume-{run.id}", on_click=_resume, args=(run, runs, trains),
        disabled=bool(refused),
        help=as_sentence(refused) if refused else "Starts again from the last finished stage, a training from its last epoch.",
    )  # fmt: skip


def _resume(run: JobFolder, runs: Jobs[Any], trains: bool) -> None:
    try:
        access.begin(lambda: jobs.resume(run, runs), of=run, trains=trains)
    except (InputError, OSError) as problem:
        st.session_state[PROBLEM] = str(problem)


def show_problem() -> None:
    if PROBLEM in st.session_state:
        st.error(as_sentence(st.session_state.pop(PROBLEM)))
