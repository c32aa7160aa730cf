from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from core.experiment import RunConfig, config_of, new_run
from core.foundation.errors import InputError
from core.runs import STALE, STARTING, RunFolder, Runs, Status


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "runs")


@pytest.fixture
def run(runs: Runs) -> RunFolder:
    return new_run(RunConfig(seed=4), runs)


@pytest.fixture(scope="module")
def dead() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# --- folders and ids


def test_a_new_run_is_queued_and_holds_a_resolved_config(runs: Runs, run: RunFolder) -> None:
    assert run.status.state == "queued"
    assert run.config == RunConfig(seed=4).resolved().as_json()
    assert config_of(run) == RunConfig(seed=4).resolved()
    assert run.result == {}
    assert run.metrics() == []
    assert runs.open(run.id).path == run.path
    assert run.id.startswith("digits-patch-10-")


def test_two_runs_at_once_get_two_folders(runs: Runs) -> None:
    assert len({new_run(RunConfig(), runs).id for _ in range(20)}) == 20


def test_a_config_that_does_not_fit_leaves_no_folder(runs: Runs) -> None:
    with pytest.raises(InputError):
        new_run(RunConfig(attack="laser"), runs)
    assert not runs.root.exists()


def test_a_root_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"cannot write runs to .*file .*; choose another --runs-dir"):
        new_run(RunConfig(), Runs(tmp_path / "file"))


def test_a_root_may_be_given_as_text(runs: Runs, run: RunFolder) -> None:
    assert Runs(str(runs.root)).open(run.id).config == run.config


@pytest.mark.parametrize("name", ["../out", "a/b", "", "UPPER", "a b", "x" * 101])
def test_no_path_is_smuggled_in_by_what_names_a_folder(name: str, runs: Runs) -> None:
    with pytest.raises(InputError, match="cannot name the folder of a run"):
        runs.create({"dataset": name, "attack": "patch", "poisons": 1})
    assert not runs.root.exists()
    assert not (runs.root.parent / "out").exists()


@pytest.mark.parametrize(
    "run_id", ["../x", "..", ".", "", "a/b", "/etc", "a\\b", "a\n", "a\0", "A", "-a", ".hidden", "a" * 101, "x"]
)
def test_no_path_is_smuggled_in_as_an_id(run_id: str, runs: Runs, run: RunFolder) -> None:
    for place in (runs.root / "x", runs.root.parent / "x", runs.root / "a" / "b", runs.root / ".hidden"):
        place.mkdir(parents=True, exist_ok=True)
        if run_id != "x":  # "x" is a good id of a folder without a config
            (place / "config.json").write_text("{}")
    (runs.root / "config.json").write_text("{}")
    with pytest.raises(InputError, match="there is no run"):
        runs.open(run_id)


def test_listing_is_newest_first_and_passes_over_what_is_no_run(runs: Runs) -> None:
    assert list(Runs(runs.root / "nowhere")) == []
    made = [new_run(RunConfig(seed=seed), runs) for seed in range(3)]
    for age, folder in zip((50, 10, 90), made, strict=True):
        os.utime(folder.file("config.json"), (time.time() - age,) * 2)
    (runs.root / "empty").mkdir()
    (runs.root / ".lock").touch()
    (runs.root / "file").touch()
    assert [folder.config["seed"] for folder in runs] == [1, 0, 2]


# --- writing


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, OSError])
def test_a_failing_writer_leaves_the_old_file_and_nothing_else(kind: type[BaseException], run: RunFolder) -> None:
    run.write_json("x.json", {"old": 1})
    before = names(run.path)

    def write_half() -> None:
        with run.replacing("x.json") as aside:
            aside.write_text('{"ne')
            assert run.read_json("x.json") == {"old": 1}
            raise kind

    with pytest.raises(kind):
        write_half()
    assert run.read_json("x.json") == {"old": 1}
    assert names(run.path) == before


def test_what_is_no_json_leaves_the_old_file(run: RunFolder) -> None:
    run.write_json("x.json", {"old": 1})
    for value in (float("nan"), {"a": object()}):
        with pytest.raises((ValueError, TypeError)):
            run.write_json("x.json", value)
    assert run.read_json("x.json") == {"old": 1}
    assert not [name for name in names(run.path) if name.startswith(".")]


def test_a_writer_that_ends_well_replaces_the_file(run: RunFolder) -> None:
    run.write_json("x.json", {"old": 1})
    with run.replacing("x.json") as aside:
        aside.write_text('{"new": 2}')
    assert run.read_json("x.json") == {"new": 2}
    assert not [name for name in names(run.path) if name.startswith(".")]


# --- status


def status_on_disk(run: RunFolder, **changes: Any) -> str:
    values: dict[str, Any] = {"state": "running", "stage": "train", "heartbeat": time.time(), "pid": os.getpid()}
    run.write_status(Status(**{**values, **changes}))
    return run.status.state


SILENT = -STALE - 1


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_silent_run_whose_process_is_gone_reads_as_interrupted(state: str, run: RunFolder, dead: int) -> None:
    assert STALE < 10, "so soon is it told"
    assert status_on_disk(run, state=state, pid=dead, heartbeat=time.time() + SILENT) == "interrupted"
    assert status_on_disk(run, state=state, pid=0, heartbeat=time.time() + SILENT) == "interrupted"
    assert run.status.stage == "train"


def test_a_run_is_not_given_up_while_it_may_live(run: RunFolder, dead: int) -> None:
    assert status_on_disk(run, pid=dead) == "running", "a heartbeat a moment ago"
    with RunFolder(run.path).hold():
        assert status_on_disk(run, heartbeat=time.time() - 3600) == "running", "a slow step of a living process"


def test_a_process_number_that_is_used_again_does_not_revive_a_run(run: RunFolder) -> None:
    assert status_on_disk(run, pid=os.getpid(), heartbeat=time.time() + SILENT) == "interrupted"


def test_a_process_that_is_starting_has_time_to_say_a_word(run: RunFolder) -> None:
    assert status_on_disk(run, state="queued", pid=os.getpid(), heartbeat=time.time() + SILENT) == "queued"
    assert status_on_disk(run, state="queued", pid=os.getpid(), heartbeat=time.time() - STARTING - 1) == "interrupted"


def test_a_child_that_has_ended_and_was_not_waited_for_is_gone(run: RunFolder) -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.read()  # until it ends; its number stays
        time.sleep(0.2)
        assert status_on_disk(run, state="queued", pid=child.pid, heartbeat=time.time() + SILENT) == "interrupted"


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_was_set_back_or_forth_changes_nothing(hours: int, run: RunFolder, dead: int) -> None:
    assert status_on_disk(run, pid=dead, heartbeat=time.time() + 3600 * hours) == "interrupted"
    with RunFolder(run.path).hold():
        assert status_on_disk(run, pid=os.getpid(), heartbeat=time.time() + 3600 * hours) == "running"


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called, no lock can be opened for writing."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    return lambda: monkeypatch.setattr(FileLock, "_acquire", refuse)


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot ask for a lock without the right to write")
def test_in_a_folder_that_can_only_be_read_the_lock_still_tells(
    run: RunFolder, dead: int, read_only: Callable[[], None]
) -> None:
    with RunFolder(run.path).hold():
        read_only()
        assert status_on_disk(run, pid=dead, heartbeat=time.time() - 3600) == "running"
    assert status_on_disk(run, pid=dead, heartbeat=time.time() + SILENT) == "interrupted"


def test_without_a_lock_to_ask_for_the_clock_alone_tells(
    run: RunFolder, dead: int, read_only: Callable[[], None]
) -> None:
    read_only()
    assert status_on_disk(run, pid=dead, heartbeat=time.time() + SILENT) == "running", "it may be written elsewhere"
    assert status_on_disk(run, pid=dead, heartbeat=time.time() - STARTING - 1) == "interrupted"


def test_only_one_process_works_on_a_run(run: RunFolder) -> None:
    with run.hold(), pytest.raises(InputError, match="already running"), RunFolder(run.path).hold():
        pass
    with RunFolder(run.path).hold():
        pass


@pytest.mark.parametrize("state", ["finished", "failed", "cancelled"])
def test_an_ended_run_keeps_its_state(state: str, run: RunFolder, dead: int) -> None:
    assert status_on_disk(run, state=state, pid=dead, heartbeat=1.0) == state
    assert not run.status.active


DAMAGED = {
    "cut short": b'{"state": "run',
    "empty": b"",
    "a list": b"[1, 2]",
    "unknown entries": b'{"state": "running", "colour": 3}',
    "no state": b'{"stage": "train"}',
    "not text": b"\xff\xfe\x00\x81",
    "heartbeat null": b'{"state": "running", "heartbeat": null}',
    "pid in words": b'{"state": "running", "pid": "seven"}',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_status_reads_as_interrupted(content: bytes, run: RunFolder) -> None:
    run.file("status.json").write_bytes(content)
    assert run.status.state == "interrupted"


def test_a_missing_status_reads_as_interrupted(run: RunFolder) -> None:
    run.file("status.json").unlink()
    assert run.status.state == "interrupted"


# --- reading


@pytest.mark.parametrize("name", ["config.json", "result.json"])
@pytest.mark.parametrize("content", [b'{"seed": 1', b"", b"\xff\xfe\x00\x81"], ids=["cut short", "empty", "not text"])
def test_damaged_json_is_refused_in_one_line(name: str, content: bytes, run: RunFolder) -> None:
    run.file(name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        _ = run.config if name == "config.json" else run.result
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["[]", '"patch"', "7", "null"])
def test_a_config_that_is_no_object_is_refused(content: str, run: RunFolder) -> None:
    run.file("config.json").write_text(content)
    with pytest.raises(InputError, match=rf"{run.id}: config\.json is damaged"):
        _ = run.config


def test_damaged_json_says_which_file_of_which_run(run: RunFolder) -> None:
    run.file("result.json").write_text('{"seconds": ')
    with pytest.raises(InputError, match=rf"{run.id}.*result\.json"):
        _ = run.result


def test_a_missing_file_is_named(run: RunFolder) -> None:
    with pytest.raises(InputError, match=rf"{run.id}: other\.json cannot be read"):
        run.read_json("other.json")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def save_objects(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.array([{}], object), allow_pickle=True)


ARRAY_DAMAGE: dict[str, Callable[[Path], Any]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("hello"),
    "cut short": truncate,
    "objects": save_objects,
}


@pytest.mark.parametrize("damage", ARRAY_DAMAGE.values(), ids=ARRAY_DAMAGE.keys())
def test_a_damaged_array_is_refused_in_one_line(damage: Callable[[Path], Any], run: RunFolder) -> None:
    np.save(run.file("features.npy"), np.zeros((50, 3)))
    damage(run.file("features.npy"))
    with pytest.raises(InputError, match=rf"{run.id}: features\.npy cannot be read") as caught:
        run.load_array("features.npy")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ARRAY_DAMAGE.values(), ids=ARRAY_DAMAGE.keys())
def test_a_damaged_archive_is_refused_in_one_line(damage: Callable[[Path], Any], run: RunFolder) -> None:
    np.savez_compressed(run.file("views.npz"), raw=np.random.default_rng(0).random((50, 2)))
    damage(run.file("views.npz"))
    with pytest.raises(InputError, match=rf"{run.id}: views\.npz cannot be read") as caught:
        run.load_arrays("views.npz")
    assert "\n" not in str(caught.value)


def test_arrays_come_back_as_they_were(run: RunFolder) -> None:
    rows = np.random.default_rng(0).random((5, 3))
    np.save(run.file("features.npy"), rows)
    np.savez(run.file("views.npz"), raw=rows, robust=rows + 1)
    np.testing.assert_array_equal(run.load_array("features.npy"), rows)
    views = run.load_arrays("views.npz")
    assert sorted(views) == ["raw", "robust"]
    np.testing.assert_array_equal(views["robust"], rows + 1)


def test_an_unfinished_last_line_of_the_metrics_is_left_out(run: RunFolder) -> None:
    for epoch in (1, 2):
        run.append_metrics({"stage": "train", "epoch": epoch})
    with run.file("metrics.jsonl").open("a") as lines:
        lines.write('{"stage": "train", "epo')
    assert [row["epoch"] for row in run.metrics()] == [1, 2]


def test_metrics_written_after_an_unfinished_line_are_not_lost(run: RunFolder) -> None:
    """A process dies in the middle of a line; the run is resumed and goes on writing."""
    run.append_metrics({"epoch": 1})
    with run.file("metrics.jsonl").open("a") as lines:
        lines.write('{"epo')
    run.append_metrics({"epoch": 2})
    run.append_metrics({"epoch": 3})
    assert [row["epoch"] for row in run.metrics()] == [1, 2, 3]


def test_the_log_keeps_what_was_said(run: RunFolder) -> None:
    run.log("first")
    run.log("zweitens: größer")
    lines = run.file("log.txt").read_text(encoding="utf-8").splitlines()
    assert [line.split("  ", 1)[1] for line in lines] == ["first", "zweitens: größer"]


# --- cancelling and deleting


def test_a_cancel_is_asked_for_and_taken_back(run: RunFolder) -> None:
    assert not run.cancel_requested
    run.request_cancel()
    assert run.cancel_requested
    run.clear_cancel()
    run.clear_cancel()
    assert not run.cancel_requested


@pytest.mark.parametrize("state", ["queued", "running"])
def test_an_active_run_is_not_deleted(state: str, run: RunFolder) -> None:
    status_on_disk(run, state=state)
    with pytest.raises(InputError, match="cancel it first"):
        run.delete()
    assert run.file("config.json").exists()


@pytest.mark.parametrize("state", ["finished", "failed", "cancelled", "interrupted"])
def test_an_ended_run_is_deleted_and_only_that(state: str, runs: Runs, run: RunFolder) -> None:
    other = new_run(RunConfig(), runs)
    status_on_disk(run, state=state)
    run.delete()
    assert [folder.id for folder in runs] == [other.id]
    assert not run.path.exists()


def test_a_run_is_deleted_though_its_status_is_damaged(run: RunFolder) -> None:
    run.file("status.json").write_text(json.dumps([]))
    run.delete()
    assert not run.path.exists()


# --- exporting


def test_an_export_holds_what_is_needed_to_look_at_the_run_and_no_model(run: RunFolder, tmp_path: Path) -> None:
    run.write_status(Status("finished"))
    run.write_json("result.json", {"seed": 4})
    for name in ("scores.parquet", "views.npz", "images.npy", "examples.npz", "metrics.jsonl"):
        run.file(name).write_bytes(name.encode())
    for name in ("model.safetensors", "retrained.safetensors", "features.npy", "log.txt"):
        run.file(name).write_bytes(b"heavy, or nobody else's business")
    target = run.export(tmp_path / "gift")
    assert names(target) == {
        "config.json", "status.json", "metrics.jsonl", "scores.parquet", "views.npz", "images.npy", "examples.npz",
        "result.json",
    }  # fmt: skip
    (copy,) = Runs(tmp_path / "gift")
    assert (copy.id, copy.status.state, copy.result, copy.config) == (run.id, "finished", {"seed": 4}, run.config)
    with pytest.raises(InputError, match="is already there; choose another folder"):
        run.export(tmp_path / "gift")


def test_an_export_lists_the_rows_with_their_files_for_a_spreadsheet(run: RunFolder, tmp_path: Path) -> None:
    run.write_status(Status("finished"))
    frame = pd.DataFrame({"id": [4, 7], "score_spectre": [-1.5, 2.0], "source": ["cat/=1.png", "=1+1.png"]})
    frame.to_parquet(run.file("scores.parquet"), index=False)
    listed = (run.export(tmp_path / "gift") / "scores.csv").read_text()
    assert listed == "id,source,score_spectre\n4,cat/=1.png,-1.5\n7,'=1+1.png,2.0\n"
    frame.drop(columns="source").to_parquet(run.file("scores.parquet"), index=False)
    assert "source" not in (run.export(tmp_path / "other") / "scores.csv").read_text()


@pytest.mark.parametrize("state", ["queued", "running", "failed", "cancelled", "interrupted"])
def test_only_finished_runs_are_exported(state: str, run: RunFolder, tmp_path: Path) -> None:
    status_on_disk(run, state=state)
    with pytest.raises(InputError, match=f"is {state}; only finished runs and audits can be exported"):
        run.export(tmp_path / "gift")
    assert not (tmp_path / "gift").exists()


# --- what lies in the folder


def test_the_sizes_of_the_files_the_largest_first(run: RunFolder) -> None:
    run.file("model.safetensors").write_bytes(b"x" * 5000)
    run.file(".aside").write_bytes(b"x")
    assert next(iter(run.sizes().items())) == ("model.safetensors", 5000)
    assert set(run.sizes()) == {"config.json", "status.json", "model.safetensors"}


def test_the_end_of_the_log(run: RunFolder) -> None:
    assert run.log_tail() == ""
    run.file("log.txt").write_bytes(b"\xff" + b"".join(b"line %d\n" % i for i in range(5000)))
    assert run.log_tail(2) == "line 4998\nline 4999"


@pytest.mark.parametrize(
    ("text", "seconds"), [('{"total": 3}', 3.0), ("[]", None), ("[1", None), ('{"total": "x"}', None)]
)
def test_the_estimate_in_one_number(text: str, seconds: float | None, run: RunFolder) -> None:
    run.file("estimate.json").write_text(text)
    assert run.estimated_seconds == seconds


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("name", ["result.json", "features.npy", "views.npz", "scores.parquet", "metrics.jsonl"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(name: str, run: RunFolder) -> None:
    os.mkfifo(run.file(name))
    if name == "metrics.jsonl":
        assert run.metrics() == []
        return
    read = {"result.json": run.read_json, "features.npy": run.load_array, "views.npz": run.load_arrays}
    with pytest.raises(InputError, match="is no plain file"):
        read[name](name) if name in read else run.load_scores()


def test_brackets_in_brackets_without_end_are_damage(run: RunFolder) -> None:
    run.file("data.json").write_text("[" * 200_000)
    with pytest.raises(InputError, match=r"data\.json is damaged"):
        run.read_json("data.json")
    run.file("metrics.jsonl").write_text('{"epoch": 1}\n' + "[" * 200_000 + '\n{"epoch": 2}\n')
    assert [row["epoch"] for row in run.metrics()] == [1, 2]
