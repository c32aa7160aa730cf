"""Where jobs are kept, how large they are, and one lock for all visitors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.foundation.errors import InputError
from core.runs import Jobs
from dashboard import data
from dashboard.audit.shelf import user_audits

WAIT = 10.0  # seconds for the others who start something


def all_jobs() -> tuple[Jobs[Any], ...]:
    """The runs and the audits of this server."""
    return data.user_runs(), user_audits()


@contextmanager
def alone() -> Iterator[None]:
    """One visitor after the other: what is counted still holds when the work begins."""
    root = data.user_runs().root
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / ".visitors.lock", timeout=WAIT)
        lock.acquire()
    except Timeout:
        raise InputError("others are starting something; try again in a moment") from None
    except OSError as problem:
        raise InputError(f"nothing can be kept in {root} ({problem.strerror})") from None
    try:
        yield
    finally:
        lock.release()


def extent(folder: Path) -> tuple[int, int]:
    """How many files lie in a folder and below it, and their bytes."""
    count = total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # it may go while we look
                total += os.stat(os.path.join(where, name), follow_symlinks=False).st_size
                count += 1
    return count, total


def size_text(size: int) -> str:
    """ "500 MB", "1.5 GB"."""
    if 0 < size < 10**5:
        return "under 0.1 MB"
    return f"{size / 1e6:,.{1 if size < 10**7 else 0}f} MB" if size < 10**9 else f"{size / 1e9:,.1f} GB"
