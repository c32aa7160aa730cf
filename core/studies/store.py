"""What a study leaves in the folder of its run, and where a study in the background stands. No torch here.

study-budgets.json   what each defense removes at wrong numbers of assumed poisons
study-layers.json    SPECTRE at every layer of the model and at every k
study-status.json    where a study at work stands, as the status.json of a run
study-cancel         is there when somebody asked it to stop
study-log.txt        what its process said
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.foundation.errors import Cancelled, InputError
from core.foundation.shortage import cause
from core.runs import STATES, RunFolder, Runs, Status, given_up, is_abandoned

KINDS = ("budgets", "layers")
VERSION = 1
STATUS, CANCEL, LOG, LOCK = "study-status.json", "study-cancel", "study-log.txt", "study.lock"
Progress = Callable[[str, float], None]  # what is done in words, and the share of the whole; may raise Cancelled


def file_of(kind: str) -> str:
    return f"study-{kind}.json"


def missing(run: RunFolder, kind: str) -> str:
    """Why a study of that kind cannot be made of this run, in words; empty where it can."""
    needed = {"budgets": "features.npy", "layers": "model.safetensors"}[kind]
    if run.file(needed).exists():
        return ""
    what = {"budgets": "features", "layers": "model"}[kind]
    return f"{run.id} has no {what} (bundled and exported runs come without); make the run again first"


def load(run: RunFolder, kind: str) -> dict[str, Any] | None:
    """A stored study of the run's present result; None where there is none. Raises InputError where it is damaged."""
    if not run.file(file_of(kind)).exists():
        return None
    found = run.read_json(file_of(kind))
    try:
        if found["version"] != VERSION or not isinstance(found["rows"], list) or not found["rows"]:
            raise ValueError("unknown version, or no rows")
        for row in found["rows"]:
            _CHECKS[kind](row)
        for text in ("device", "run"):
            if not isinstance(found[text], str):
                raise TypeError(text)
        float(found["seconds"])
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise InputError(f"{run.id}: {file_of(kind)} is no study ({problem}); make it anew") from None
    return dict(found)


def _check_budget(row: dict[str, Any]) -> None:
    if type(row["assumed"]) is not int or row["assumed"] < 0:
        raise TypeError("assumed is not a count")
    for found in row["defenses"].values():
        int(found["removed"])
        _check_rates(found)


def _check_layer(row: dict[str, Any]) -> None:
    str(row["layer"]), int(row["columns"]), int(row["chosen"]["k"])
    for found in [*row["by_k"], row["chosen"]]:
        if type(found["k"]) is not int or found["k"] < 1:
            raise TypeError("k is not a count")
        if found["objective"] is not None:
            float(found["objective"])
        _check_rates(found)


def _check_rates(found: dict[str, Any]) -> None:
    for name in ("true_positive_rate", "false_positive_rate"):
        share = found[name]
        if not 0 <= int(share["count"]) <= int(share["total"]):
            raise ValueError(f"{share['count']} of {share['total']}")


_CHECKS = {"budgets": _check_budget, "layers": _check_layer}


def status(run: RunFolder) -> Status | None:
    """Where the study of a run stands, None where none was started; one whose process died reads as interrupted."""
    if not run.file(STATUS).exists():
        return None
    try:
        found = Status(**run.read_json(STATUS))
        numbers = (found.progress, found.overall, found.heartbeat, found.started, found.pid)
        if found.state not in STATES or not all(isinstance(n, (int, float)) for n in numbers):
            raise TypeError
    except (InputError, TypeError):
        return Status("interrupted", message="the study has no readable status")
    return given_up(found) if found.active and is_abandoned(found, run.file(LOCK)) else found


def start(run: RunFolder, runs: Runs, kinds: Sequence[str]) -> None:
    """Begin studies in a process of its own, which outlives the caller. Raises InputError if one is at work there."""
    now = status(run)
    if now and now.active:
        raise InputError(f"a study of {run.id} is already {now.state}")
    for kind in kinds:
        if reason := missing(run, kind):
            raise InputError(reason)
    run.file(CANCEL).unlink(missing_ok=True)
    command = [sys.executable, "-m", "core", "study-work", run.id, "--runs-dir", str(runs.root.resolve())]
    command += [f"--{kind}" for kind in kinds]
    with run.file(LOG).open("ab") as log:
        process = subprocess.Popen(
            command, cwd=Path(__file__).resolve().parents[2], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,  # a closed browser, or a restarted dashboard, does not end it
        )  # fmt: skip
    began = time.time()
    run.write_json(STATUS, vars(Status("queued", message="starting", heartbeat=began, started=began, pid=process.pid)))


def request_cancel(run: RunFolder) -> None:
    run.file(CANCEL).touch()


@contextmanager
def reporting(run: RunFolder, runs: Runs) -> Iterator[Progress]:
    """Wait for the turn of this study among the runs of its folder, and keep its status until it has ended.

    Gives what the work is to call with each step; that raises Cancelled soon after a cancel was asked for. An end of
    any kind is written into the status. Raises InputError if another process is at the same.
    """
    began = time.time()

    def write(state: str, message: str, share: float = 0.0) -> None:
        now = Status(state, overall=share, message=message, heartbeat=time.time(), started=began, pid=os.getpid())
        run.write_json(STATUS, vars(now))

    def progress(message: str, share: float) -> None:
        if run.file(CANCEL).exists():
            raise Cancelled
        write("running", message, share)

    own = FileLock(run.file(LOCK), timeout=1)
    try:
        own.acquire()
    except Timeout:
        raise InputError(f"a study of {run.id} is already running") from None
    try:
        with _turn(run, runs, write):
            yield progress
        write("finished", "finished", 1.0)
    except (Cancelled, KeyboardInterrupt):
        write("cancelled", "cancelled; studies that were finished are kept")
        raise Cancelled from None
    except BaseException as problem:
        write("failed", cause(problem))
        raise
    finally:
        own.release()


@contextmanager
def _turn(run: RunFolder, runs: Runs, write: Callable[[str, str], None]) -> Iterator[None]:
    """Studies wait for runs in the background, and for each other, by the lock that core.jobs takes."""
    lock = FileLock(runs.root / ".lock")
    while True:
        if run.file(CANCEL).exists():
            raise Cancelled
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            write("queued", "waiting for another run to finish")
    try:
        yield
    finally:
        lock.release()
