"""A study in the background: the button that starts it, and where it stands."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.foundation.errors import InputError
from core.runs import RunFolder, duration
from core.studies import store
from dashboard import access, data, lens
from dashboard.runs import live
from dashboard.widgets import as_sentence


def stored(folder: RunFolder, kind: str) -> dict[str, Any] | None:
    """The study of that kind in the folder; None where there is none, with a word where it is damaged."""
    try:
        return store.load(folder, kind)
    except InputError as problem:
        st.warning(f"{as_sentence(str(problem))} Start it again below.")
        return None


def offer(folder: RunFolder, kind: str, label: str, what: str, seconds: float, revealed: bool) -> None:
    """What stands in place of the figure: progress of a study at work, else a button, or why there is none.

    what: a sentence of what the study does. seconds: expected. revealed: whether the commands, which name
    the poison, may be said.
    """
    status = store.status(folder)
    if status and status.active:
        _watch(folder)
        return
    if reason := store.missing(folder, kind):
        st.info(
            f"{what} It has not been done for this run, and cannot be: {reason}.", icon=":material/hourglass_disabled:"
        )
        if not revealed:
            st.caption("The commands that make the run again, and then the study, appear with the truth.")
            return
        st.caption("These two commands make the run again and then the study:")
        lens.code(f"{folder.result['command']}\npython -m core study RUN --{kind}", "study-command", "the command line")
        return
    if status and status.state in ("failed", "cancelled", "interrupted"):
        st.warning(f"The last study was {status.state}: {as_sentence(status.message)}")
    if "study-problem" in st.session_state:
        st.error(as_sentence(st.session_state.pop("study-problem")))
    st.info(what, icon=":material/hourglass_empty:")
    st.button(
        label,
        type="primary",
        icon=":material/play_arrow:",
        on_click=_start,
        args=(folder, kind),
        key=f"start-{kind}",
        disabled=not access.may_change(folder),
    )
    if not access.may_change(folder):
        st.caption(f":material/lock: {live.NOT_YOURS}")
    st.caption(f"About {duration(seconds)}, in the background; what it finds is kept with the run.")


def _start(folder: RunFolder, kind: str) -> None:
    try:
        access.begin(lambda: store.start(folder, data.user_runs(), [kind]), of=folder, trains=False)
    except InputError as problem:
        st.session_state["study-problem"] = str(problem)


def _cancel(folder: RunFolder) -> None:
    if access.may_change(folder):
        store.request_cancel(folder)


def _watch(folder: RunFolder) -> None:
    """Live until the study has ended; then the page is drawn again, with the figure."""

    @st.fragment(run_every=1.0)
    def draw() -> None:
        status = store.status(folder)
        if status is None or not status.active:
            st.rerun()  # of the whole page, and never comes back
        st.progress(min(max(status.overall, 0.0), 1.0), as_sentence(status.message))
        asked = folder.file(store.CANCEL).exists()
        st.button(
            "Cancel", icon=":material/stop_circle:", on_click=_cancel, args=(folder,),
            disabled=asked or not access.may_change(folder),
            key="cancel-study",
        )  # fmt: skip
        st.caption("Stopping after the fit at hand." if asked else "The page may be closed; the study goes on.")

    draw()


def small_print(found: dict[str, Any], run: data.RunView) -> str:
    """Under a study; run: as the menu names it, for the file keeps the id of the run that a bundled one was made from."""
    return f"run {run.id} · {found['n']:,} images · seed {found['seed']} · {found['device']} · {found['seconds']:.0f} s"


def reproduce(run: data.RunView, kind: str) -> tuple[str, str]:
    """The command line and the Python lines of a study."""
    function = f"study_{kind}"
    python = (
        "from core.runs import Runs\n"
        f"from core.studies.{kind} import {function}\n\n"
        f'run = Runs("{data.as_typed(run.path.parent)}").open("{run.id}")\n'
        f"found = {function}(run, lambda text, share: print(f'{{share:.0%}} {{text}}'))"
    )
    return f"{run.result['command']}\npython -m core study {run.id} --{kind}", python
