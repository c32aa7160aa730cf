"""What a visitor may start and change. Asked where the work begins, not only where a page draws a button."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from core.foundation.errors import InputError
from core.runs import JobFolder, RunFolder, belongs_to, note_visitor
from core.studies import store
from dashboard.access.places import all_jobs, alone, extent, size_text
from dashboard.access.visitors import Visitor, is_same, known_visitor, settings, visitor

Made = TypeVar("Made")
NO_TRAINING = "training is switched off on this server; its owner can train on the command line"
NOT_YOURS = "this belongs to somebody else on this server"


def training_refused() -> str:
    """Why no model can be trained from a page; empty where one can."""
    return "" if settings().training else NO_TRAINING


def may_change(job: JobFolder) -> bool:
    """Whether the one who is there may cancel it, go on with it, decide on it or delete it."""
    who = visitor()
    return who.is_owner or is_same(belongs_to(job), who.key)


def begin(start: Callable[[], Made], *, of: JobFolder | None = None, trains: bool) -> Made:
    """Start a job for the one who is there, and note whose it is; returns what `start` does.

    start: creates the job and starts it; of: the one that it goes on with, or works on; trains: whether a model is trained.
    Raises InputError where that is not allowed, or what `start` raises.
    """
    if trains and (reason := training_refused()):
        raise InputError(reason)
    if of is not None and not may_change(of):
        raise InputError(NOT_YOURS)
    who = known_visitor()
    if who.is_owner:
        return start()
    with alone():
        _check_jobs(who)
        _check_disk(who)
        made = start()
        if isinstance(made, JobFolder):
            note_visitor(made, who.key)
    return made


def _check_jobs(who: Visitor) -> None:
    active = sum(_is_active(job) for job in _jobs_of(who))
    if active >= (limit := settings().jobs):
        those = "1 job of yours waits or works" if active == 1 else f"{active} jobs of yours wait or work"
        raise InputError(f"{those}, and {limit} at once are yours; wait for one, or cancel it")


def _check_disk(who: Visitor) -> None:
    taken = sum(extent(job.path)[1] for job in _jobs_of(who))
    if taken >= (limit := settings().disk):
        raise InputError(f"your runs and audits take {size_text(taken)}, and {size_text(limit)} are yours; delete some")


def _is_active(job: JobFolder) -> bool:
    study = store.status(job) if isinstance(job, RunFolder) else None
    return job.status.active or bool(study and study.active)


def _jobs_of(who: Visitor) -> Iterator[JobFolder]:
    for jobs in all_jobs():
        yield from (job for job in jobs if is_same(belongs_to(job), who.key))
