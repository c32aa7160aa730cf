"""Valid files, damaged in every way, given to their readers: `python -m tests.hostile.fuzz --minutes 10 --door features`.

Each answer has to be a value or an InputError of one line, within seconds and a bound of memory. Batches run in processes of
their own, since a library that reads a damaged file may take its process with it; the file that was read last is then kept.
Not collected by pytest. `fuzz_atheris` does the same along the branches of core.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from core.foundation.errors import InputError
from tests.hostile.doors import DOORS

BATCH = 200  # examples a process
SECONDS = 20  # one example may take
MEMORY = 3 * 2**30  # bytes that one process may take beside what it has at the start
BYTES = (b"\0", b"\xff", b"\x7f", b"\x80", b"\0" * 4, b"\xff" * 4, b"\xff" * 8, (2**31 - 1).to_bytes(4, "little"), (2**40).to_bytes(8, "little"))  # fmt: skip
WORDS = (b"nan", b"inf", b"-1", b"1e999", b"9" * 5000, b"=1+1", b"../..", b"\n", b"\r\n", b",", b'"', b"{", b"[" * 50, b"\xe2\x80\xae", b"<b>", b"null", b"\x1b[31m")  # fmt: skip


@dataclass
class Tally:
    """What came of the examples of a door."""

    read: int = 0
    refused: int = 0
    findings: Counter[str] = field(default_factory=Counter)


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """A valid file with one to four things changed."""
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(st.integers(0, len(data))), draw(st.integers(0, 64))
        kind = draw(st.sampled_from(("set", "set", "flip", "cut", "drop", "double", "word", "end")))
        if kind == "set":
            piece = draw(st.sampled_from(BYTES) | st.binary(min_size=1, max_size=8))
            data = data[:at] + piece + data[at + len(piece) :]
        elif kind == "flip" and at < len(data):
            data = data[:at] + bytes([data[at] ^ (1 << draw(st.integers(0, 7)))]) + data[at + 1 :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "drop":
            data = data[:at] + data[at + length :]
        elif kind == "double":
            data = data[:at] + data[at : at + length] * 2 + data[at + length :]
        elif kind == "word":
            data = data[:at] + draw(st.sampled_from(WORDS)) + data[at:]
        elif kind == "end":
            data += draw(st.sampled_from(BYTES) | st.binary(max_size=64))
    return data


def check(door: str, name: str, data: bytes, scratch: Path) -> str:
    """ "read", "refused", or what went wrong in one line."""
    shutil.rmtree(scratch / "in", ignore_errors=True)
    (folder := scratch / "in" / "own").mkdir(parents=True)
    path = scratch / "in" / name
    path.write_bytes(data)
    try:
        DOORS[door].read(path, folder)
    except InputError as problem:
        said = str(problem)
        return "refused" if said and "\n" not in said and len(said) < 2000 else f"not one line: {said[:80]!r}"
    except Exception as problem:  # noqa: BLE001 - which kinds there are is what is looked for
        at = [frame for frame in traceback.extract_tb(problem.__traceback__) if "/core/" in frame.filename or "/dashboard/" in frame.filename]  # fmt: skip
        place = f"{Path(at[-1].filename).name}:{at[-1].lineno}" if at else "?"
        return f"{type(problem).__name__} at {place}: {str(problem).splitlines()[0][:80] if str(problem) else ''}"
    left = sorted(one.name for one in (scratch / "in").iterdir() if one.name not in ("own", name))
    return f"written beside: {left}" if left else "read"


def batch(door: str, number: int, scratch: Path, results: Path) -> None:
    """BATCH examples, a line each into `results`."""
    bound_memory()
    signal.signal(signal.SIGALRM, _too_long)
    found = dict(DOORS[door].seeds())

    @seed(number)
    @settings(max_examples=BATCH, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.data())
    def examples(draw: st.DataObject) -> None:
        name = draw.draw(st.sampled_from(sorted(found)))
        data = draw.draw(damaged(found[name]))
        signal.alarm(SECONDS)
        said = check(door, name, data, scratch)
        signal.alarm(0)
        if said not in ("read", "refused"):
            keep(data, name, said, scratch.parent / "kept")
        with results.open("a") as lines:
            lines.write(f"{said}\n".replace("\r", " "))

    examples()


def bound_memory() -> None:
    """Memory beyond the bound raises MemoryError in this process."""
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, held + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class TooLong(BaseException):
    """One example took more than SECONDS."""


def _too_long(*_: Any) -> None:
    raise TooLong


def keep(data: bytes, name: str, said: str, folder: Path) -> None:
    """The first three files of each finding."""
    folder.mkdir(exist_ok=True)
    word = "".join(c if c.isalnum() else "-" for c in said)[:60]
    number = len(list(folder.glob(f"{word}.*")))
    if number < 3:
        (folder / f"{word}.{number}.{name}").write_bytes(data)


def run(door: str, seconds: float, first: int, work: Path) -> Tally:
    """Batches until the time is over."""
    tally, end, number = Tally(), time.monotonic() + seconds, first
    while time.monotonic() < end:
        scratch, results = work / "scratch", work / "results"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        results.write_text("")
        child = os.fork()
        if child == 0:
            status = 0
            try:
                sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - until the end of the process
                batch(door, number, scratch, results)
            except BaseException as problem:  # noqa: BLE001 - told by the status
                with results.open("a") as lines:
                    lines.write(f"{type(problem).__name__} ended a batch\n")
                status = 1
            finally:
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        lines = results.read_text().splitlines()
        if os.WIFSIGNALED(ended) or os.WEXITSTATUS(ended):
            lines += [f"process ended by signal {os.WTERMSIG(ended)}"] if os.WIFSIGNALED(ended) else []
            for file in (scratch / "in").glob("*.*"):
                keep(file.read_bytes(), file.name, lines[-1], work / "kept")
        for line in lines:
            tally.read += line == "read"
            tally.refused += line == "refused"
            tally.findings.update([line] if line not in ("read", "refused") else [])
        number += 1
    return tally


def main(words: Sequence[str] | None = None) -> int:
    """Exit status 1 where anything was found."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--minutes", type=float, default=5.0, help="of all doors together")
    options.add_argument("--door", choices=list(DOORS), action="append", help="one or several; all where none is named")
    options.add_argument("--seed", type=int, default=0, help="another one gives other files")
    options.add_argument("--keep", type=Path, help="folder for the files that were answered wrongly")
    given = options.parse_args(words)
    doors = given.door or list(DOORS)
    work = given.keep or Path(tempfile.mkdtemp(prefix="hostile-"))
    work.mkdir(parents=True, exist_ok=True)
    bad = 0
    for door in doors:
        tally = run(door, 60 * given.minutes / len(doors), 10_000 * given.seed, work)
        print(f"{door}: {tally.read + tally.refused + tally.findings.total():,} files, {tally.read:,} read, "
              f"{tally.refused:,} refused, {tally.findings.total():,} answered wrongly", flush=True)  # fmt: skip
        for said, count in tally.findings.most_common():
            print(f"  {count:,} x {said}", flush=True)
        bad += tally.findings.total()
    print(f"kept in {work}" if bad else "nothing found", flush=True)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
