"""How far a job is, as its status tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.audit.scanning import State
from core.cases import pipeline
from core.runs import Reporter, RunFolder, Status

WEIGHTS = {"read": 0.1, "train": 0.5, "look": 0.3, "report": 0.1}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    (tmp_path / "a").mkdir()
    return RunFolder(tmp_path / "a")


def test_what_was_finished_before_is_told_apart_from_what_this_process_did(run: RunFolder) -> None:
    run.write_json("result.json", {"seconds": {"read": 1.0, "train": 60.0}})
    reporter = Reporter(run, None, WEIGHTS)
    reporter.enter("look", "looking", 0.5)
    assert (run.status.begun, run.status.overall) == (pytest.approx(0.6), pytest.approx(0.75))


def test_stages_that_are_not_needed_take_no_part_of_the_bar(run: RunFolder) -> None:
    run.write_json("result.json", {"seconds": {"read": 1.0}})
    seen: list[Status] = []
    reporter = Reporter(run, seen.append, WEIGHTS)
    reporter.leave_out("train")
    reporter.enter("look", "looking", 0.5)
    assert seen[-1].begun == pytest.approx(0.2)
    assert seen[-1].overall == pytest.approx(0.2 + 0.5 * 0.6)
    reporter.leave_out("train")  # told twice
    reporter.enter("report", "writing")
    assert seen[-1].overall == pytest.approx(0.8)


@pytest.mark.parametrize("damage", ["", "[]", "{", '{"seconds": 3}'])
def test_a_result_that_cannot_be_read_has_no_finished_stages(run: RunFolder, damage: str) -> None:
    run.file("result.json").write_text(damage)
    assert run.finished_stages == ()


def test_a_scan_is_as_far_as_its_classes_say_whatever_the_first_look_took(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(pipeline.time, "perf_counter", lambda: clock[0])
    pace = pipeline._Pace()

    def at(second: float, classes: int, rows: int, *, reading: bool = False) -> float:
        clock[0] = 100.0 + second
        return pace.share(State(classes, 1000, rows, 1000, 0, started_anew=False, reading=reading))

    assert at(0, 0, 0, reading=True) == 0
    assert at(30, 0, 1000, reading=True) == pytest.approx(0.05)
    assert at(30, 200, 200) == pytest.approx(0.05)  # an earlier call had finished two hundred
    assert at(38, 280, 280) == pytest.approx(38 / (30 + 80))  # 80 rows in 8 s, 800 in all
    assert at(110, 1000, 1000) == pytest.approx(1.0)
