"""What a test or a benchmark starts on a server of its own ends with it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from benchmarks.serving import end_jobs
from core.experiment import new_run
from core.jobs import start
from core.runs import RunFolder, Runs
from tests.makers import tiny_config


@pytest.fixture
def long(tmp_path: Path, picture_folder: Path) -> RunFolder:
    """A run in the background that would take minutes, at its training."""
    run = start(
        tiny_config(picture_folder, training={"epochs": 1000, "batch_size": 16}, retrain=False), Runs(tmp_path / "runs")
    )
    deadline = time.time() + 200
    while run.status.stage != "train":
        assert time.time() < deadline, run.file("log.txt").read_text()
        time.sleep(0.05)
    return run


def is_alive(pid: int) -> bool:
    """Whether a process still does anything; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(pid: int) -> None:
    deadline = time.time() + 30
    while is_alive(pid):
        assert time.time() < deadline
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_a_run_at_work_is_cancelled_and_its_process_gone(long: RunFolder) -> None:
    pid = long.status.pid
    end_jobs(long.path.parent)
    assert long.status.state == "cancelled"
    wait_until_gone(pid)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_a_run_that_hears_nothing_is_killed(long: RunFolder) -> None:
    pid = long.status.pid
    os.kill(pid, signal.SIGSTOP)
    end_jobs(long.path.parent, patience=0.3)
    wait_until_gone(pid)


def test_a_run_of_this_very_process_is_left_alone(tmp_path: Path, picture_folder: Path) -> None:
    run = new_run(tiny_config(picture_folder), Runs(tmp_path))
    began = time.time()
    end_jobs(tmp_path)
    assert time.time() - began < 5
    assert run.status.state == "queued"
    assert not run.cancel_requested
