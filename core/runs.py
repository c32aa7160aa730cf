"""Run folders: everything a run leaves behind, in plain files. No pickle anywhere.

config.json      everything needed to repeat the run
status.json      state, stage, progress, heartbeat; written aside and renamed
metrics.jsonl    one line an epoch
log.txt          what happened, for people
model.safetensors, retrained.safetensors
features.npy     (n, d) float32, the training rows that carry the target label
scores.parquet   one row for each of them: id, label, true_label, is_poison, score_<defense>, removed_<defense>
views.npz        pictures of the same rows: raw, naive and robust projections (see core.views)
images.npy       (n, h, w, c) uint8, the same rows as the model saw them
examples.npz     test images of the source class with and without the trigger, and what the models say of them
result.json      the figures
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import InputError

if TYPE_CHECKING:
    from core.config import RunConfig  # brings torch, which a page that only reads results need not load

ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
STALE = 30.0  # seconds without a heartbeat after which a running job whose process is gone counts as interrupted
STATES = ("queued", "running", "finished", "failed", "cancelled", "interrupted")

TO_LOOK_AT = (
    "config.json",
    "status.json",
    "metrics.jsonl",
    "scores.parquet",
    "views.npz",
    "images.npy",
    "examples.npz",
    "result.json",
)


@dataclass(frozen=True)
class Status:
    """Where a run stands."""

    state: str  # one of STATES
    stage: str = ""
    progress: float = 0.0  # of the stage, 0..1
    overall: float = 0.0  # of the whole run, 0..1
    message: str = ""
    heartbeat: float = 0.0  # seconds since the epoch
    started: float = 0.0
    pid: int = 0

    @property
    def active(self) -> bool:
        return self.state in ("queued", "running")


class RunFolder:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name

    def file(self, name: str) -> Path:
        return self.path / name

    @property
    def config(self) -> RunConfig:
        from core.config import RunConfig

        return RunConfig.from_json(self.read_json("config.json"))

    @property
    def status(self) -> Status:
        """The state on disk; a run whose process died without a word reads as interrupted."""
        try:
            status = Status(**self.read_json("status.json"))
        except (InputError, TypeError):
            return Status("interrupted", message="the run has no readable status")
        silent = time.time() - status.heartbeat > STALE
        if status.active and silent and not _alive(status.pid):
            return Status(**{**vars(status), "state": "interrupted", "message": "the process ended without a word"})
        return status

    @property
    def result(self) -> dict[str, Any]:
        """The figures so far; empty before the first stage is finished."""
        return self.read_json("result.json") if self.file("result.json").exists() else {}

    def write_status(self, status: Status) -> None:
        self.write_json("status.json", vars(status))

    def read_json(self, name: str) -> Any:
        try:
            return read_json(self.file(name).read_text(encoding="utf-8"))
        except OSError as problem:
            raise InputError(f"{self.id}: {name} cannot be read ({problem.strerror})") from None

    def write_json(self, name: str, value: Any) -> None:
        """Write aside and rename, so that no reader ever sees half a file."""
        with self.replacing(name) as aside:
            aside.write_text(json.dumps(value, indent=1, allow_nan=False), encoding="utf-8")

    def replacing(self, name: str) -> _Aside:
        """`with run.replacing("x.npy") as path:` writes path, then renames it to x.npy."""
        return _Aside(self.file(name))

    def append_metrics(self, values: dict[str, Any]) -> None:
        with self.file("metrics.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(values) + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """One mapping an epoch; an unfinished last line is left out."""
        if not self.file("metrics.jsonl").exists():
            return []
        rows = []
        for line in self.file("metrics.jsonl").read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                continue
        return rows

    def log(self, text: str) -> None:
        with self.file("log.txt").open("a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {text}\n")

    def request_cancel(self) -> None:
        self.file("cancel").touch()

    @property
    def cancel_requested(self) -> bool:
        return self.file("cancel").exists()

    def clear_cancel(self) -> None:
        self.file("cancel").unlink(missing_ok=True)

    def delete(self) -> None:
        """Remove the folder. Raises InputError while the run is active."""
        if self.status.active:
            raise InputError(f"{self.id} is still running; cancel it first")
        shutil.rmtree(self.path)

    def export(self, destination: Path) -> Path:
        """Copy what is needed to look at the run, without models and features, into a folder below `destination`.

        Raises InputError if the run is not finished or the folder is already there.
        """
        if self.status.state != "finished":
            raise InputError(f"{self.id} is {self.status.state}; only finished runs can be exported")
        target = destination / self.id
        if target.exists():
            raise InputError(f"{target} is already there; choose another folder")
        target.mkdir(parents=True)
        for name in TO_LOOK_AT:
            if self.file(name).exists():
                shutil.copy2(self.file(name), target / name)
        return target

    def load_array(self, name: str) -> np.ndarray:
        """An .npy of this run. Raises InputError if it is missing or damaged."""
        try:
            array: np.ndarray = np.load(self.file(name), allow_pickle=False)
        except (OSError, ValueError, EOFError) as problem:
            raise InputError(f"{self.id}: {name} cannot be read ({problem})") from None
        return array

    def load_arrays(self, name: str) -> dict[str, np.ndarray]:
        """An .npz of this run as a plain dict. Raises InputError if it is missing or damaged."""
        try:
            with np.load(self.file(name), allow_pickle=False) as arrays:
                return {key: arrays[key] for key in arrays.files}
        except (OSError, ValueError, EOFError, KeyError) as problem:
            raise InputError(f"{self.id}: {name} cannot be read ({problem})") from None


class _Aside:
    def __init__(self, final: Path) -> None:
        self.final = final
        self.aside = final.with_name(f".{secrets.token_hex(4)}.{final.name}")

    def __enter__(self) -> Path:
        return self.aside

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            os.replace(self.aside, self.final)
        else:
            self.aside.unlink(missing_ok=True)


class Runs:
    """All runs under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(self, config: RunConfig) -> RunFolder:
        """A new folder with a resolved config, queued."""
        config = config.resolved()
        stamp = time.strftime("%Y%m%d-%H%M%S")
        name = f"{config.dataset}-{config.attack}-{config.poisons}-{stamp}-{secrets.token_hex(2)}"
        try:
            (self.root / name).mkdir(parents=True)
        except OSError as problem:
            raise InputError(
                f"cannot write runs to {self.root} ({problem.strerror}); choose another --runs-dir"
            ) from None
        run = RunFolder(self.root / name)
        run.write_json("config.json", config.as_json())
        run.write_status(Status("queued", message="waiting to start", heartbeat=time.time(), pid=os.getpid()))
        return run

    def open(self, run_id: str) -> RunFolder:
        """The run of that id. Raises InputError if there is none; ids are checked, so no path can be smuggled in."""
        if not ID.fullmatch(run_id) or not (self.root / run_id / "config.json").is_file():
            raise InputError(f"there is no run '{run_id}' in {self.root}")
        return RunFolder(self.root / run_id)

    def __iter__(self) -> Iterator[RunFolder]:
        """All runs, the newest first."""
        if not self.root.is_dir():
            return iter(())
        found = [p for p in self.root.iterdir() if ID.fullmatch(p.name) and (p / "config.json").is_file()]
        return iter(RunFolder(p) for p in sorted(found, key=lambda p: -(p / "config.json").stat().st_mtime))


def read_json(text: str) -> Any:
    """Parse JSON, or raise InputError in one line."""
    try:
        return json.loads(text)
    except ValueError as problem:
        raise InputError(f"not valid JSON ({problem})") from None


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
