"""Work that takes long and goes on beside the pages, so that no change of a widget stops it. One of each for all visitors."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.foundation.errors import Cancelled

Work = Callable[[Callable[[str, float | None], None]], Any]  # told how far it is, as core.datasets.Report


class Errand:
    """One piece of work in a thread of its own."""

    def __init__(self, work: Work) -> None:
        self.message, self.share = "", 0.0
        self._done, self._stopped = Event(), False
        self._made: Any = None
        self._problem: BaseException | None = None
        self._work: Work = work
        Thread(target=self._carry_out, daemon=True).start()

    def is_done(self, wait: float = 0.0) -> bool:
        """Whether it has come to an end, within so many seconds from now."""
        return self._done.wait(wait)

    def outcome(self) -> Any:
        """What was made. Raises what the work raised."""
        if self._problem is not None:
            raise self._problem
        return self._made

    def stop(self) -> None:
        """End it the next time it says how far it is; its outcome is then Cancelled."""
        self._stopped = True

    def _report(self, message: str, share: float | None) -> None:
        if self._stopped:
            raise Cancelled
        self.message, self.share = message, min(max(share or 0.0, 0.0), 1.0)

    def _carry_out(self) -> None:
        try:
            self._made = self._work(self._report)
        except BaseException as problem:  # noqa: BLE001 - it is raised again where the outcome is asked for
            self._problem = problem
        finally:
            self._done.set()


@st.cache_resource(show_spinner=False)
def _under_way() -> tuple[dict[str, Errand], Lock]:
    return {}, Lock()


def errand(key: str, work: Work) -> Errand:
    """The errand of that key that is under way, else a new one."""
    there, lock = _under_way()
    with lock:
        for done in [k for k, found in there.items() if found.is_done()]:
            del there[done]
        if key not in there:
            there[key] = Errand(work)
        return there[key]


def stop(key: str) -> None:
    """Stop the errand of that key, if it is under way."""
    there, lock = _under_way()
    with lock:
        if key in there:
            there[key].stop()


def awaited(task: Errand, slot: DeltaGenerator, words: str) -> Any:
    """The outcome of an errand, with a bar until it is there. words: what is said before it says something itself.

    Where a change of any widget runs the page again meanwhile, the errand goes on.
    """
    try:
        while not task.is_done(0.1):
            slot.progress(task.share, task.message or words)
    finally:
        slot.empty()
    return task.outcome()
