from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

import core.runs.job_folder
from benchmarks.serving import end_jobs
from core.defenses import Spectre
from core.experiment import execute, new_run
from core.foundation.errors import Cancelled, InputError
from core.jobs import background
from core.runs import RunFolder, Runs, Status
from tests.makers import tiny_config

PATIENCE = 200.0  # seconds; a process of its own loads torch first, and the machine may have other work


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    """What a test starts there ends with it."""
    yield Runs(tmp_path / "runs")
    end_jobs(tmp_path / "runs")


def wait_for(condition: Callable[[], bool], run: RunFolder) -> None:
    deadline = time.time() + PATIENCE
    while not condition():
        assert time.time() < deadline, f"{run.status} {run.file('log.txt').read_text()}"
        time.sleep(0.05)


def test_a_job_runs_in_a_process_of_its_own_to_the_end(runs: Runs, picture_folder: Path) -> None:
    started = time.time()
    run = background.start(tiny_config(picture_folder), runs)
    assert time.time() - started < 5, "start does not wait for the run"
    assert run.status.active
    assert run.status.pid not in (0, os.getpid())
    with pytest.raises(InputError, match="is already"):
        background.resume(run, runs)
    wait_for(lambda: not run.status.active, run)
    assert run.status.state == "finished", run.file("log.txt").read_text()
    assert run.result["seconds"].keys() == {"train", "features", "defend", "retrain"}
    assert [folder.id for folder in runs] == [run.id]


def test_a_job_whose_process_was_killed_reads_as_interrupted_and_can_be_deleted(
    runs: Runs, picture_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The killed child of a living dashboard is a zombie: its number still exists, but it does nothing any more."""
    monkeypatch.setattr(core.runs.job_folder, "STALE", 0.0)
    run = background.start(tiny_config(picture_folder, training={"epochs": 1000, "batch_size": 16}), runs)
    pid = run.status.pid
    try:
        wait_for(lambda: run.status.stage == "train", run)
    finally:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.5)
    assert run.status.state == "interrupted"
    run.delete()


def test_a_job_that_cannot_start_says_why(runs: Runs, tmp_path: Path, picture_folder: Path) -> None:
    run = new_run(tiny_config(picture_folder, poisons=41), runs)
    with pytest.raises(InputError, match="41 poisons asked for"):
        background.work(run, runs, execute)
    assert run.status.state == "failed"
    assert "41 poisons asked for" in run.status.message


@pytest.fixture
def busy(runs: Runs) -> FileLock:
    """Another run holds the machine."""
    runs.root.mkdir(parents=True)
    lock = FileLock(runs.root / ".lock")
    lock.acquire()
    return lock


def test_a_job_waits_for_its_turn_and_can_be_cancelled_while_it_waits(
    runs: Runs, busy: FileLock, picture_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tiny_config(picture_folder), runs)
    seen: list[Status] = []
    write = RunFolder.write_status

    def written(self: RunFolder, status: Status) -> None:
        write(self, status)
        seen.append(status)
        if len(seen) == 2:
            self.request_cancel()

    monkeypatch.setattr(RunFolder, "write_status", written)
    with pytest.raises(Cancelled):
        background.work(run, runs, execute)
    assert [status.state for status in seen] == ["queued", "queued", "cancelled"]
    assert seen[0].message == "waiting for its turn"
    assert seen[0].pid == os.getpid()
    assert run.status.state == "cancelled"
    assert run.result == {}
    assert busy.is_locked


def test_a_waiting_job_runs_when_the_other_is_done(
    runs: Runs, busy: FileLock, picture_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tiny_config(picture_folder, training={"epochs": 1, "batch_size": 16}, retrain=False), runs)
    write = RunFolder.write_status

    def written(self: RunFolder, status: Status) -> None:
        write(self, status)
        if status.state == "queued":
            busy.release()

    monkeypatch.setattr(RunFolder, "write_status", written)
    background.work(run, runs, execute)
    assert run.status.state == "finished"
    assert len(np.load(run.file("features.npy"))) == 46


def test_a_cancel_asked_for_before_the_process_is_up_counts(runs: Runs, picture_folder: Path) -> None:
    run = new_run(tiny_config(picture_folder), runs)
    run.request_cancel()
    with pytest.raises(Cancelled):
        background.work(run, runs, execute)
    assert run.status.state == "cancelled"
    assert run.result == {}


@pytest.mark.slow
def test_first_come_first_served(runs: Runs, busy: FileLock, picture_folder: Path) -> None:
    """Whoever asks in the right moment does not overtake."""
    tiny = tiny_config(picture_folder, training={"epochs": 1, "batch_size": 16}, retrain=False)
    first, second = background.start(tiny, runs), background.start(tiny, runs)
    wait_for(lambda: second.status.message == first.status.message == "waiting for its turn", second)
    os.kill(first.status.pid, signal.SIGSTOP)  # it does not ask while the machine becomes free
    try:
        busy.release()
        time.sleep(4 * background.POLL)
        assert second.status.state == "queued"
    finally:
        os.kill(first.status.pid, signal.SIGCONT)
    for run in (first, second):
        wait_for(lambda run=run: not run.status.active, run)  # type: ignore[misc]
        assert run.status.state == "finished", run.file("log.txt").read_text()
    ends = [run.status.heartbeat for run in (first, second)]
    assert ends == sorted(ends)


def deaf(run: RunFolder, seconds: float) -> None:
    """Work that never looks whether it shall stop, as the fit of a defense does."""
    end = time.time() + seconds
    while time.time() < end:
        sum(range(1000))
    raise AssertionError("it was not interrupted")


def test_a_cancel_is_heard_where_nobody_looks_for_it(
    runs: Runs, picture_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "PATIENCE", 0.2)
    run = new_run(tiny_config(picture_folder, retrain=False), runs)
    handler = signal.getsignal(signal.SIGINT)

    def fit(self: Spectre, features: np.ndarray, **_: object) -> None:
        run.request_cancel()
        deaf(run, 20)

    monkeypatch.setattr(Spectre, "fit", fit)
    started = time.time()
    with pytest.raises(Cancelled):
        background.work(run, runs, execute)
    assert time.time() - started < 10
    assert run.status.state == "cancelled"
    assert run.status.message == "cancelled; finished stages are kept"
    assert run.result["seconds"].keys() == {"train", "features"}
    assert signal.getsignal(signal.SIGINT) is handler
    monkeypatch.undo()
    run.clear_cancel()
    background.work(run, runs, execute)
    assert run.status.state == "finished"


def test_a_cancel_that_interrupts_its_own_farewell_still_ends_as_cancelled(runs: Runs, picture_folder: Path) -> None:
    run = new_run(tiny_config(picture_folder), runs)

    def farewell() -> None:
        with background.hearing(run):
            run.request_cancel()
            raise Cancelled

    with pytest.raises(Cancelled):
        farewell()
    assert run.status.state == "cancelled"


def test_ctrl_c_without_a_cancel_stays_what_it_is(runs: Runs, picture_folder: Path) -> None:
    run = new_run(tiny_config(picture_folder), runs)

    def interrupted() -> None:
        with background.hearing(run):
            signal.raise_signal(signal.SIGINT)
            time.sleep(1)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
    finally:
        signal.signal(signal.SIGINT, before)
