"""Who is next: the runs, or the audits, of a folder that wait for the machine, in the order in which they came. No torch here."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from core.runs import JobFolder, Jobs, Status, duration


@dataclass(frozen=True)
class Place:
    """Where a waiting run stands."""

    ahead: int  # runs before it, the one at work included
    seconds: float  # until it starts, as far as it is known
    unknown: int  # of those before it, how many nobody has estimated
    kind: str = "run"  # what a message calls one of them

    def in_words(self) -> str:
        """ "2nd in the queue, 1 run before it; about 3 min until it starts"."""
        if not self.ahead:
            return "next in the queue; it starts in a moment"
        runs = f"{self.ahead} {self.kind}{'s' * (self.ahead > 1)}"
        told = f"{_ordinal(self.ahead + 1)} in the queue, {runs} before it"
        if self.unknown == self.ahead:
            return f"{told}, of unknown length"
        return f"{told}; {'at least' if self.unknown else 'about'} {duration(self.seconds)} until it starts"


def place(run: JobFolder, runs: Jobs[Any]) -> Place | None:
    """Where a run stands in the queue of its folder; None where it does not wait."""
    status = run.status
    if status.state != "queued" or not status.ticket:
        return None
    lengths = [seconds_left(other, theirs) for other, theirs in _ahead(run, status, runs)]
    known = [seconds for seconds in lengths if seconds is not None]
    return Place(len(lengths), sum(known), len(lengths) - len(known), runs.kind)


def is_first(run: JobFolder, runs: Jobs[Any]) -> bool:
    """Whether nobody who waits has come before it."""
    return all(theirs.state == "running" for _, theirs in _ahead(run, run.status, runs))


def _ahead(run: JobFolder, status: Status, runs: Jobs[Any]) -> list[tuple[JobFolder, Status]]:
    """The active runs of the queue before this one. Those started in a terminal wait for nobody and nobody for them."""
    found = []
    for other in runs:
        theirs = other.status
        if other.id == run.id or not theirs.active or not theirs.ticket:
            continue
        if theirs.state == "running" or (theirs.ticket, other.id) < (status.ticket, run.id):
            found.append((other, theirs))
    return found


def seconds_left(run: JobFolder, status: Status) -> float | None:
    """Until an active run ends; None where nothing is known.

    By its estimate at first and by its own pace from a quarter of the way on: before, the pace is mostly that of starting. What
    an earlier process had finished tells nothing of the pace of this one.
    """
    share, total = status.overall, run.estimated_seconds
    own = share - status.begun  # what this process has done itself
    if status.state != "running" or own <= 0.05:
        return None if total is None else total * (1 - max(share, status.begun))
    pace = (time.time() - status.started) / own
    trust = 1.0 if total is None else min(4 * own, 1.0)
    return (trust * pace + (1 - trust) * (total or 0.0)) * (1 - share)


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
