"""Who is next, and how long that takes."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from core.experiment import RunConfig, new_run
from core.jobs import Place, place
from core.jobs.queueing import is_first, seconds_left
from core.runs import RunFolder, Runs, Status

NOW = time.time()


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "runs")


def stand(runs: Runs, state: str, ticket: float, total: float | None = None, **more: float) -> RunFolder:
    run = new_run(RunConfig(), runs, {"total": total} if total is not None else None)
    run.write_status(Status(state, heartbeat=time.time(), started=ticket, ticket=ticket, **more))  # type: ignore[arg-type]
    return run


def test_the_queue_goes_by_when_a_run_came_not_by_who_asks_first(runs: Runs) -> None:
    late, early, middle = (stand(runs, "queued", NOW + t, 60) for t in (3, 1, 2))
    places = [place(run, runs) for run in (early, middle, late)]
    assert [p.ahead for p in places if p] == [0, 1, 2]
    assert [is_first(run, runs) for run in (early, middle, late)] == [True, False, False]


def test_a_run_at_work_comes_first_whenever_it_came(runs: Runs) -> None:
    """One that was gone on with keeps no place, but a run at work is before all who wait."""
    waiting = stand(runs, "queued", NOW, 60)
    stand(runs, "running", NOW + 5, 60)
    found = place(waiting, runs)
    assert found is not None
    assert found.ahead == 1
    assert is_first(waiting, runs), "nobody who waits came before it; the lock says the rest"


def test_runs_that_wait_for_nobody_or_have_ended_do_not_count(runs: Runs) -> None:
    stand(runs, "running", 0.0, 60)  # in a terminal
    for state in ("finished", "failed", "cancelled", "interrupted"):
        stand(runs, state, NOW - 9, 60)
    new_run(RunConfig(), runs)  # about to run in a terminal
    last = stand(runs, "queued", NOW, 60)
    assert place(last, runs) == Place(0, 0.0, 0)


def test_the_time_is_the_rest_of_the_one_at_work_and_the_estimates_of_the_others(runs: Runs) -> None:
    now = time.time()
    stand(runs, "running", now - 30, 1000, overall=0.75)  # a quarter left after 30 s: 10 s
    stand(runs, "queued", now - 20, 60)
    last = stand(runs, "queued", now, 60)
    found = place(last, runs)
    assert found is not None
    assert found.seconds == pytest.approx(70, abs=1)
    assert found.unknown == 0
    assert found.in_words().startswith("3rd in the queue, 2 runs before it; about 70 s")


def test_the_pace_counts_the_more_the_further_a_run_is(runs: Runs) -> None:
    started = time.time() - 40
    for overall, left in ((0.04, 0.96 * 100), (0.1, 0.9 * (0.4 * 400 + 0.6 * 100)), (0.5, 40)):
        run = stand(runs, "running", started, 100, overall=overall)
        assert seconds_left(run, run.status) == pytest.approx(left, rel=0.05)
        alone = stand(runs, "running", started, overall=overall)
        own = seconds_left(alone, alone.status)
        assert own == (None if overall < 0.05 else pytest.approx(40 / overall * (1 - overall), rel=0.05))


def test_what_nobody_has_estimated_is_said(runs: Runs) -> None:
    stand(runs, "running", NOW - 1, overall=0.01)
    last = stand(runs, "queued", NOW, 60)
    found = place(last, runs)
    assert found is not None
    assert found.in_words() == "2nd in the queue, 1 run before it, of unknown length"
    assert Place(3, 180, 1).in_words() == "4th in the queue, 3 runs before it; at least 3 min until it starts"
    assert Place(0, 0, 0).in_words() == "next in the queue; it starts in a moment"
    assert [Place(n, 1, 0).in_words().split()[0] for n in (10, 11, 12, 20, 21)] == [
        "11th", "12th", "13th", "21st", "22nd",
    ]  # fmt: skip


def test_a_run_that_does_not_wait_has_no_place(runs: Runs) -> None:
    assert place(stand(runs, "running", NOW), runs) is None
    assert place(new_run(RunConfig(), runs), runs) is None


def test_a_damaged_estimate_is_no_estimate(runs: Runs) -> None:
    first = stand(runs, "running", NOW - 1)
    first.file("estimate.json").write_text("[")
    last = stand(runs, "queued", NOW)
    found = place(last, runs)
    assert found is not None
    assert found.unknown == 1


def test_what_an_earlier_process_had_finished_says_nothing_of_the_pace(runs: Runs) -> None:
    run = stand(runs, "running", time.time() - 40, overall=0.65)
    assert seconds_left(run, replace(run.status, begun=0.62)) is None  # it has hardly begun
    assert seconds_left(run, replace(run.status, begun=0.45)) == pytest.approx(40 / 0.2 * 0.35, rel=0.05)
    told = stand(runs, "running", time.time() - 40, 100, overall=0.1)
    assert seconds_left(told, replace(told.status, begun=0.6)) == pytest.approx(40)  # not back at where it was
