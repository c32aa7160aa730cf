"""What becomes of a job that something happens to: state told, after how many seconds, and whether going on ends at the same result.

    python benchmarks/kills.py [--jobs run audit-features ...] [--faults kill memory ...] [--json OUT]

Each job runs once to its end; then, for each of its stages and each fault, anew until that stage, where the fault happens. Faults:
kill (SIGKILL), cancel (of a job; Ctrl-C of a scan), memory (the process gets no more address space), disk (the file system is full), read-only (it is mounted so), twice (the same
command again, in another terminal). disk and read-only need the right to mount, and are left out without it. Afterwards the fault
is mended, and the job is gone on with. A few minutes for each job.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from benchmarks.made_audits import draw
from core.cases import CaseFolder
from core.runs import JobFolder, Runs

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 900.0  # seconds for anything
LATER = 0.3  # seconds after a stage was entered
FAULTS = ("kill", "cancel", "memory", "disk", "read-only", "twice")


@dataclass(frozen=True)
class Job:
    """Something that takes long. start, resume: arguments of `python -m core`, {out} for its folder and {id} for that of a run."""

    start: tuple[str, ...]
    resume: tuple[str, ...]
    stages: tuple[str, ...]
    results: tuple[str, ...]  # files that must be the same, as patterns below its folder
    find: Callable[[Path], JobFolder | None]  # its folder, once there is one
    within: Callable[[Path], str] | None = None  # the stage, where no status tells it


def _run(out: Path) -> JobFolder | None:
    return next(iter(Runs(out)), None)


def _case(out: Path) -> JobFolder | None:
    case = CaseFolder(out / "a")
    return case if case.file("status.json").is_file() else None


def _cell(out: Path) -> JobFolder | None:
    """The run of a sweep that is at work, else the last one."""
    found = list(Runs(out / "w"))
    return next((run for run in found if run.status.active), found[0] if found else None)


def _classes(out: Path) -> str:
    """Of a scan: whether it has finished a class yet."""
    lines = out / "s" / "progress.jsonl"
    if not lines.is_file():
        return "first look"
    return "classes" if len(lines.read_text(encoding="utf-8").splitlines()) > 2 else "first class"


def jobs(data: Path) -> dict[str, Job]:
    """All of them, with small data in a folder."""
    table, labels, _ = draw(data / "features", 1_500)
    digits = load_digits()
    np.savez(data / "digits.npz", x_train=(digits.images[:600] * 15).astype(np.uint8), y_train=digits.target[:600])
    small = ("--dataset", "digits", "--threads", "1", "--epochs", "4")
    features, images = (str(table), str(labels)), (str(data / "digits.npz"),)
    found = (
        "look-*/findings.csv",
        "findings.csv",
        "classes.csv",
        "removed.npy",
        "look-*/space.npy",
        "look-*/class-*.npz",
    )
    one = ("--threads", "1", "--workers", "1")
    return {
        "run": Job(
            ("run", *small, "--poisons", "20", "--runs-dir", "{out}"), ("resume", "{id}", "--runs-dir", "{out}"),
            ("train", "features", "defend", "retrain"),
            ("model.safetensors", "retrained.safetensors", "features.npy", "scores.parquet", "grid.npy"), _run,
        ),
        "sweep": Job(
            ("sweep", *small, "--poisons", "10,20", "--seeds", "0", "--out", "{out}/w"), (), ("train", "defend"),
            ("*/scores.parquet",), _cell,
        ),
        "audit-features": Job(
            ("audit", *features, *one, "--out", "{out}/a"), (), ("read", "look", "pictures", "report"), found, _case
        ),
        "audit-images": Job(
            ("audit", *images, *one, "--epochs", "4", "--out", "{out}/a"), (), ("train", "features", "look"),
            (*found, "model.safetensors"), _case,
        ),
        "scan": Job(
            ("scan", *features, *one, "--poisons", "20", "--out", "{out}/s"), (), ("first look", "classes"),
            ("findings.csv", "classes.csv", "removed.npy"), lambda out: None, _classes,
        ),
    }  # fmt: skip


def command(words: tuple[str, ...], out: Path, found: JobFolder | None = None) -> list[str]:
    told = {"out": out, "id": found.id if found else ""}
    return [sys.executable, "-m", "core", *(word.format(**told) for word in words)]


def begin(words: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def digest(job: Job, out: Path) -> dict[str, str]:
    """Of every file of the result."""
    folder = {"s": out / "s", "w": out / "w", "a": out / "a"}
    found = job.find(out)
    root = next((place for place in folder.values() if place.is_dir()), found.path if found else out)
    files = sorted(file for pattern in job.results for file in root.glob(pattern))
    sums = {str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    if job.find is not _cell:
        return sums
    return {"-".join(name.split("-")[:3]): value for name, value in sums.items()}  # ids end in a time and chance


def wait_for_stage(job: Job, out: Path, stage: str, process: subprocess.Popen[str]) -> bool:
    """Whether it came to that stage before it ended."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        found = job.find(out)
        if (job.within(out) if job.within else found.status.stage if found else "") == stage:
            time.sleep(LATER)
            return process.poll() is None
        time.sleep(0.02)
    return False


def state_told(job: Job, out: Path) -> tuple[str, float]:
    """The first state that is not an active one, and after how many seconds; for a scan, whose files tell it, at once."""
    started = time.monotonic()
    while (found := job.find(out)) and found.status.active and time.monotonic() - started < 60:
        time.sleep(0.05)
    return (found.status.state if found else "no status"), time.monotonic() - started


def told_while_it_ends(job: Job, out: Path, process: subprocess.Popen[str], since: float) -> float | None:
    """Seconds from `since` until the status, which the job writes itself, is no active one; None if it is gone before."""
    while process.poll() is None and time.monotonic() - since < PATIENCE:
        if (found := job.find(out)) and not found.status.active:
            return round(time.monotonic() - since, 1)
        time.sleep(0.05)
    return None


@contextmanager
def mounted(folder: Path) -> Iterator[Path]:
    """A file system of its own in memory. Raises CalledProcessError without the right to mount."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(folder)], check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, *options: str) -> None:
    subprocess.run(["mount", "-o", ",".join(("remount", *options)), str(folder)], check=True, capture_output=True)


def strike(fault: str, process: subprocess.Popen[str], job: Job, out: Path) -> None:
    """Let it happen."""
    if fault == "kill":
        os.kill(process.pid, signal.SIGKILL)
    elif fault == "cancel":
        found = job.find(out)
        found.request_cancel() if found else os.kill(process.pid, signal.SIGINT)
    elif fault == "memory":
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[0])
        limit = pages * resource.getpagesize()
        with suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_AS, (limit, limit))
    elif fault == "disk":
        used = sum(file.stat().st_blocks * 512 for file in out.rglob("*") if file.is_file())
        remount(out, f"size={used // 1024 + 8}k")
    elif fault == "read-only":
        # The file system itself cannot turn read-only while a file is open for writing; a second mount of it on top can.
        subprocess.run(["mount", "--bind", str(out), str(out)], check=True, capture_output=True)
        remount(out, "ro", "bind")


def mend(fault: str, out: Path) -> None:
    if fault == "disk":
        remount(out, "rw", "size=400m")
    elif fault == "read-only":
        subprocess.run(["umount", "-l", str(out)], check=True)


def one(job: Job, stage: str, fault: str, out: Path, expected: dict[str, str]) -> dict[str, object]:
    process = begin(command(job.start, out))
    if not wait_for_stage(job, out, stage, process):
        return {"told": "ended before"}
    if fault == "twice":
        second = begin(command(job.resume or job.start, out, job.find(out)))
        said = second.communicate(timeout=PATIENCE)[1].strip().splitlines()
        process.wait(PATIENCE)
        return {"told": said[-1] if said else "", "code": second.returncode, "same": digest(job, out) == expected}
    strike(fault, process, job, out)
    struck = time.monotonic()
    told_after = told_while_it_ends(job, out, process, struck)
    process.wait(PATIENCE)
    ended = time.monotonic() - struck
    errors = (process.stderr.read() if process.stderr else "").strip().splitlines()
    state, seconds = state_told(job, out)
    mend(fault, out)
    found = job.find(out)
    before = sorted(found.finished_stages) if found else []
    again = begin(command(job.resume or job.start, out, found))
    said = again.communicate(timeout=PATIENCE)[1].strip().splitlines()
    return {
        "ended": round(ended, 1), "told after": told_after, "told": state, "seconds": round(seconds, 1), "code": process.returncode, "last_line": errors[-1] if errors else "", "kept": before,
        "resumed": again.returncode, "complaint": said[-1] if again.returncode and said else "", "same": digest(job, out) == expected,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", nargs="*")
    parser.add_argument("--faults", nargs="*", default=FAULTS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, job in jobs(root / "data").items():
            if arguments.jobs and name not in arguments.jobs:
                continue
            whole = root / name / "whole"
            whole.mkdir(parents=True)
            subprocess.run(command(job.start, whole), cwd=ROOT, check=True, capture_output=True)
            expected = digest(job, whole)
            for fault in arguments.faults:
                for stage in job.stages:
                    out = root / name / f"{fault}-{stage.replace(' ', '-')}"
                    try:
                        if fault in ("disk", "read-only"):
                            with mounted(out):
                                row = one(job, stage, fault, out, expected)
                        else:
                            out.mkdir(parents=True)
                            row = one(job, stage, fault, out, expected)
                    except subprocess.CalledProcessError as problem:
                        row = {"told": f"left out: {(problem.stderr or b'').decode().strip()[:80]}"}
                    rows.append({"job": name, "files": len(expected), "stage": stage, "fault": fault, **row})
                    print(json.dumps(rows[-1]), flush=True)
                    if arguments.json:
                        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
