"""Runs in the background: one process each, a run folder to talk through, one at a time on a machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.config import RunConfig
from core.errors import Cancelled, InputError
from core.pipeline import Observer, execute
from core.runs import RunFolder, Runs, Status


def start(config: RunConfig, runs: Runs, estimate: Mapping[str, Any] | None = None) -> RunFolder:
    """Create a run and start it in a process of its own, which outlives the caller. Returns at once.

    estimate: what it is expected to cost, as JSON values (see core.cost).
    """
    return resume(runs.create(config, estimate), runs)


def resume(run: RunFolder, runs: Runs) -> RunFolder:
    """Start, or go on with, an existing run in a process of its own. Raises InputError if it is already active."""
    status = run.status
    if status.active and status.pid != os.getpid():
        raise InputError(f"{run.id} is already {status.state}")
    run.clear_cancel()
    command = [sys.executable, "-m", "core", "work", run.id, "--runs-dir", str(runs.root.resolve())]
    with run.file("log.txt").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=Path(__file__).resolve().parents[1],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a closed browser, or a restarted dashboard, does not end the run
        )
    now = time.time()
    run.write_status(Status("queued", message="starting", heartbeat=now, started=now, pid=process.pid))
    return run


def work(run: RunFolder, runs: Runs, observer: Observer | None = None) -> None:
    """What the process does: wait for its turn, then run to the end. Raises Cancelled, InputError."""
    with run.hold(), _turn(run, runs):
        execute(run, observer=observer)


@contextmanager
def _turn(run: RunFolder, runs: Runs) -> Iterator[None]:
    """One background run at a time in a folder of runs; while it waits, the status says so and a cancel is heard."""
    started = time.time()
    lock = FileLock(runs.root / ".lock")
    while True:
        if run.cancel_requested:
            run.write_status(Status("cancelled", message="cancelled while waiting", heartbeat=time.time()))
            raise Cancelled
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            waiting = Status("queued", message="waiting for another run to finish", pid=os.getpid())
            run.write_status(replace(waiting, heartbeat=time.time(), started=started))
    try:
        yield
    finally:
        lock.release()
