"""The folder of a job that works in the background: its status, its log, its files, and who holds it. No pickle anywhere."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import sys
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from filelock import FileLock, Timeout

from core.foundation.errors import InputError
from core.foundation.files import replacing, write_json

ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
STALE = 5.0  # seconds without a heartbeat after which a job that nobody holds counts as interrupted
STARTING = 30.0  # of these a process may need, on a busy machine, until it holds a job that it was started for
STATES = ("queued", "running", "finished", "failed", "cancelled", "interrupted")


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
    begun: float = 0.0  # of the whole, what earlier processes had finished when this one started
    ticket: float = 0.0  # when it joined the queue, seconds since the epoch; 0: it waits for nobody

    @property
    def active(self) -> bool:
        return self.state in ("queued", "running")


def is_abandoned(status: Status, lock: Path) -> bool:
    """Whether nobody works on an active job any more. lock: the file that whoever does holds.

    The lock tells, for it goes with the process however that ends. A process that has just been started does not hold it yet:
    then its number tells, or how long ago it was started. A clock that was set back makes a heartbeat one of the future.
    """
    silent = abs(time.time() - status.heartbeat)
    if silent <= STALE:
        return False
    held = _is_held(lock)
    if held is None:
        return silent > STARTING  # nothing but the clock is left
    return not held and (status.state == "running" or silent > STARTING or not _is_alive(status.pid))


def _is_held(lock: Path) -> bool | None:
    """None where that cannot be asked."""
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return _is_held_where_nothing_can_be_written(lock)


def _is_held_where_nothing_can_be_written(lock: Path) -> bool | None:
    """FileLock opens its file for writing; flock itself asks for no such right. None on Windows, and over NFS, where it does ask."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:
        return None


def given_up(status: Status) -> Status:
    """The status of a job whose process is gone."""
    return replace(status, state="interrupted", message="the process ended without a word")


def _is_alive(pid: int) -> bool:
    """Whether there is a process of that number on this machine; a child of ours that has ended is none, though its number lasts."""
    if pid <= 0:
        return False
    if os.name == "nt":  # where asking would end it
        return True
    with suppress(ChildProcessError):  # none of ours
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's
    return True


class HeldError(InputError):
    """Another process works on this job."""


class JobFolder:
    """One job on disk: a run, or an audit."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name
        self._lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=1)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep every other process from working on this run. Raises HeldError if one already does.

        The lock goes with the process however that ends, so it also tells whether a silent run is still alive; a
        process number would not, since numbers are used again.
        """
        try:
            self._lock.acquire()
        except Timeout:
            raise HeldError(f"{self.id} is already running") from None
        try:
            yield
        finally:
            self._lock.release()

    def file(self, name: str) -> Path:
        return self.path / name

    @property
    def config(self) -> dict[str, Any]:
        """What the run was made with, as plain values; what they mean is read by `core.experiment`. Raises InputError."""
        values = self.read_json("config.json")
        if not isinstance(values, dict):
            raise InputError(f"{self.id}: config.json is damaged (it is not a JSON object)")
        return values

    @property
    def status(self) -> Status:
        """The state on disk; a run whose process died without a word reads as interrupted."""
        try:
            status = Status(**self.read_json("status.json"))
            numbers = (
                status.progress,
                status.overall,
                status.heartbeat,
                status.started,
                status.pid,
                status.begun,
                status.ticket,
            )
            if status.state not in STATES or not all(isinstance(n, (int, float)) for n in numbers):
                raise TypeError
        except (InputError, TypeError):
            return Status("interrupted", message="the run has no readable status")
        return given_up(status) if status.active and is_abandoned(status, Path(self._lock.lock_file)) else status

    @property
    def finished_stages(self) -> tuple[str, ...]:
        """Those that result.json has the seconds of; none where there is no such file yet."""
        try:
            return tuple(self.read_json("result.json")["seconds"])
        except (InputError, KeyError, TypeError):
            return ()

    @property
    def estimate(self) -> dict[str, Any]:
        """What the run was expected to cost (see core.experiment.cost), as JSON values; empty where nobody asked."""
        return self.read_json("estimate.json") if self.file("estimate.json").exists() else {}

    @property
    def estimated_seconds(self) -> float | None:
        """The whole of the estimate; None where there is none that can be read."""
        try:
            total = self.estimate.get("total")
        except (InputError, AttributeError):
            return None
        return float(total) if isinstance(total, (int, float)) else None

    def write_status(self, status: Status) -> None:
        self.write_json("status.json", vars(status))

    def read_json(self, name: str) -> Any:
        try:
            return json.loads(self._plain(name).read_text(encoding="utf-8"))
        except OSError as problem:
            raise InputError(f"{self.id}: {name} cannot be read ({problem.strerror})") from None
        except (ValueError, RecursionError) as problem:
            raise InputError(f"{self.id}: {name} is damaged ({problem})") from None

    def _plain(self, name: str) -> Path:
        """The path of a file to be read. Raises InputError for a pipe, a device or a folder: somebody may have put one there."""
        path = self.file(name)
        if path.exists() and not path.is_file():
            raise InputError(f"{self.id}: {name} cannot be read (it is no plain file)")
        return path

    def write_json(self, name: str, value: Any) -> None:
        """Write aside and rename, so that no reader ever sees half a file."""
        write_json(self.file(name), value)

    def replacing(self, name: str) -> AbstractContextManager[Path]:
        """`with run.replacing("x.npy") as path:` writes path, then renames it to x.npy."""
        return replacing(self.file(name))

    def append_line(self, name: str, values: dict[str, Any]) -> None:
        """Add a line of JSON to a file of such lines; `lines` reads them."""
        with self.file(name).open("ab+") as lines:
            if lines.tell():  # a process may have died in the middle of a line
                lines.seek(-1, os.SEEK_END)
                lines.write(b"" if lines.read(1) == b"\n" else b"\n")
            lines.write(json.dumps(values).encode() + b"\n")

    def append_metrics(self, values: dict[str, Any]) -> None:
        self.append_line("metrics.jsonl", values)

    def forget_metrics(self, stage: str, after: int = 0) -> None:
        """Drop the lines of a stage that begins anew, or goes on after that epoch."""
        kept = [
            json.dumps(row) + "\n"
            for row in self.metrics()
            if row.get("stage") != stage or (isinstance(row.get("epoch"), int) and row["epoch"] <= after)
        ]
        with self.replacing("metrics.jsonl") as aside:
            aside.write_text("".join(kept), encoding="utf-8")

    def lines(self, name: str) -> list[dict[str, Any]]:
        """What `append_line` wrote; an unfinished last line is left out, and no file has no lines."""
        if not self.file(name).is_file():
            return []
        rows = []
        for line in self.file(name).read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                rows.append(json.loads(line))
            except (ValueError, RecursionError):
                continue
        return [row for row in rows if isinstance(row, dict)]

    def metrics(self) -> list[dict[str, Any]]:
        """One mapping an epoch."""
        return self.lines("metrics.jsonl")

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

    def new_folder(self, target: Path) -> Path:
        """The new folder `target`, for what is exported. Raises InputError where this is not finished, or one is there."""
        if self.status.state != "finished":
            raise InputError(f"{self.id} is {self.status.state}; only finished runs and audits can be exported")
        try:
            target.mkdir(parents=True)
        except FileExistsError:
            raise InputError(f"{target} is already there; choose another folder") from None
        except OSError as problem:
            raise InputError(f"cannot write to {target.parent} ({problem.strerror}); choose another folder") from None
        return target

    def delete(self) -> None:
        """Remove the folder. Raises InputError while the run is active."""
        if self.status.active:
            raise InputError(f"{self.id} is still running; cancel it first")
        shutil.rmtree(self.path)
        Path(self._lock.lock_file).unlink(missing_ok=True)

    def sizes(self) -> dict[str, int]:
        """Bytes of each of its files by name, the largest first; what is gone meanwhile or hidden is left out."""
        found = {}
        for path in self.path.iterdir() if self.path.is_dir() else ():
            with suppress(OSError):
                if path.is_file() and not path.name.startswith("."):
                    found[path.name] = path.stat().st_size
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def log_tail(self, lines: int = 40) -> str:
        """The last lines of log.txt; empty where there is none."""
        try:
            with self.file("log.txt").open("rb") as log:
                log.seek(0, os.SEEK_END)
                log.seek(max(0, log.tell() - 400 * lines))
                text = log.read().decode("utf-8", "replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def load_array(self, name: str, mapped: bool = False) -> np.ndarray:
        """An .npy of this run; mapped: left on disk until it is used. Raises InputError if it is missing or damaged."""
        try:
            array: np.ndarray = np.load(self._plain(name), allow_pickle=False, mmap_mode="r" if mapped else None)
        except (OSError, ValueError, EOFError) as problem:
            raise InputError(f"{self.id}: {name} cannot be read ({problem})") from None
        return array

    def load_arrays(self, name: str) -> dict[str, np.ndarray]:
        """An .npz of this run as a plain dict. Raises InputError if it is missing or damaged."""
        try:
            with np.load(self._plain(name), allow_pickle=False) as arrays:
                return {key: arrays[key] for key in arrays.files}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as problem:
            raise InputError(f"{self.id}: {name} cannot be read ({problem})") from None


Folder = TypeVar("Folder", bound=JobFolder)


class Jobs(Generic[Folder]):
    """All jobs of a kind under one folder."""

    kind: ClassVar[str]  # as a message calls one of them
    work: ClassVar[str]  # the command that does one in the background
    option: ClassVar[str]  # of the command line, that says where they are kept
    folder: ClassVar[type[JobFolder]]

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def make(self, name: str, config: Mapping[str, Any], estimate: Mapping[str, Any] | None = None) -> Folder:
        """A new folder, queued; its id is the name, the time and a few letters. config, estimate: JSON values."""
        name = f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
        if not ID.fullmatch(name):
            raise InputError(f"'{name}' cannot name the folder of {_a(self.kind)}; it must be of letters and figures")
        try:
            (self.root / name).mkdir(parents=True)
        except OSError as problem:
            raise InputError(
                f"cannot write {self.kind}s to {self.root} ({problem.strerror}); choose another {self.option}"
            ) from None
        job = self._at(self.root / name)
        if estimate:
            job.write_json("estimate.json", estimate)
        job.write_json("config.json", dict(config))
        job.write_status(Status("queued", message="waiting to start", heartbeat=time.time(), pid=os.getpid()))
        return job

    def open(self, job_id: str) -> Folder:
        """The job of that id. Raises InputError if there is none; ids are checked, so no path can be smuggled in."""
        if not ID.fullmatch(job_id) or not (self.root / job_id / "config.json").is_file():
            raise InputError(f"there is no {self.kind} '{job_id}' in {self.root}")
        return self._at(self.root / job_id)

    def __iter__(self) -> Iterator[Folder]:
        """All of them, the newest first."""
        if not self.root.is_dir():
            return iter(())
        found = [p for p in self.root.iterdir() if ID.fullmatch(p.name) and (p / "config.json").is_file()]
        return iter(self._at(p) for p in sorted(found, key=lambda p: -(p / "config.json").stat().st_mtime))

    def _at(self, path: Path) -> Folder:
        return self.folder(path)  # type: ignore[return-value]


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
