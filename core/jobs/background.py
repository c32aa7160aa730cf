"""Jobs in the background: one process each, a folder to talk through, one at a time on a machine. Runs, and audits.

Starting and stopping them needs no torch; only the process that does the work loads it.
"""

from __future__ import annotations

import _thread
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from filelock import FileLock, Timeout

from core.foundation.errors import Cancelled, InputError
from core.jobs import queueing
from core.runs import JobFolder, Jobs, RunFolder, Runs, Status

if TYPE_CHECKING:
    from core.experiment import RunConfig

PATIENCE = 1.0  # seconds in which a run may notice a cancel by itself, before it is interrupted
POLL = 0.25  # seconds
Folder = TypeVar("Folder", bound=JobFolder)


def start(config: RunConfig, runs: Runs, estimate: Mapping[str, Any] | None = None) -> RunFolder:
    """Create a run and start it in a process of its own, which outlives the caller. Returns at once.

    estimate: what it is expected to cost, as JSON values (see core.experiment.cost).
    """
    from core.experiment import new_run  # brings torch, which is here already where there is a config

    return resume(new_run(config, runs, estimate), runs)


def resume(run: Folder, runs: Jobs[Folder]) -> Folder:
    """Start, or go on with, an existing job in a process of its own. Raises InputError if it is already active."""
    status = run.status
    if status.active and status.pid != os.getpid():
        raise InputError(f"{run.id} is already {status.state}")
    run.clear_cancel()
    now = time.time()
    waiting = Status("queued", message="starting", heartbeat=now, started=now, pid=os.getpid(), ticket=now)
    run.write_status(waiting)  # before the process is there, which reads its ticket from it
    command = [sys.executable, "-m", "core", runs.work, run.id, runs.option, str(runs.root.resolve())]
    with run.file("log.txt").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a closed browser, or a restarted dashboard, does not end the run
        )
    if run.status.pid == os.getpid():  # it has not said a word yet
        run.write_status(Status(**{**vars(waiting), "pid": process.pid}))
    return run


def work(run: Folder, runs: Jobs[Folder], execute: Callable[[Folder], Any]) -> None:
    """What the process does: wait for its turn, then run to the end. Raises Cancelled, InputError.

    execute: what is to be done, `core.experiment.execute` for a run.
    """
    with run.hold(), _turn(run, runs), hearing(run):
        execute(run)


@contextmanager
def _turn(run: Folder, runs: Jobs[Folder]) -> Iterator[None]:
    """One background job at a time in a folder of jobs, first come, first served.

    While it waits, the status says so and a cancel is heard.
    """
    ticket = run.status.ticket or time.time()
    lock = FileLock(runs.root / ".lock")
    while True:
        now = time.time()
        if run.cancel_requested:
            run.write_status(Status("cancelled", message="cancelled while waiting", heartbeat=now))
            raise Cancelled
        waiting = Status("queued", heartbeat=now, started=ticket, pid=os.getpid(), ticket=ticket)
        run.write_status(Status(**{**vars(waiting), "message": "waiting for its turn"}))
        if not queueing.is_first(run, runs):
            time.sleep(POLL)
            continue
        try:
            lock.acquire(timeout=POLL)
            break
        except Timeout:
            continue
    try:
        yield
    finally:
        lock.release()


def _interrupt() -> None:
    """What Ctrl-C does: it wakes the main thread too where that waits for other processes."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


@contextmanager
def hearing(run: JobFolder) -> Iterator[None]:
    """Within it a cancel ends whatever the main thread does, within two seconds after it was asked for, but for what cannot be interrupted.

    Training looks for it at every step, the fit of a defense does not. So a thread looks too, and where the run has not
    stopped by itself it sends what Ctrl-C would send; the answer, between two lines of Python, is Cancelled. A single
    operation of torch is finished first. Files are written aside and renamed, so none is left half written.
    """
    if threading.current_thread() is not threading.main_thread():  # signals are for the main thread alone
        yield
        return
    over = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: Any) -> None:
        if run.cancel_requested and not over.is_set():
            raise Cancelled
        if callable(before):
            before(number, frame)

    def listen() -> None:
        while not over.wait(POLL):
            if run.cancel_requested and not over.wait(PATIENCE):
                _interrupt()

    signal.signal(signal.SIGINT, stop)
    threading.Thread(target=listen, daemon=True).start()
    try:
        yield
    except Cancelled:
        over.set()
        if run.status.active:  # interrupted a second time, while it was saying so
            run.write_status(Status("cancelled", message="cancelled; finished stages are kept", heartbeat=time.time()))
        raise
    finally:
        over.set()
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
