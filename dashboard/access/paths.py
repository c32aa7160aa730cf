"""Which paths of the server a visitor may name."""

from __future__ import annotations

from pathlib import Path

from core.foundation.errors import InputError
from dashboard.access.places import all_jobs
from dashboard.access.visitors import settings, visitor


def check_path(text: str) -> None:
    """Raises InputError where a visitor names a file of the server that is not his to read."""
    if not text or visitor().is_owner:
        return
    roots = [*settings().folders, *(jobs.root.resolve() for jobs in all_jobs())]
    try:
        path = Path(text).expanduser().resolve()
    except (OSError, RuntimeError, ValueError):
        path = None
    if path is None or not any(path.is_relative_to(root) for root in roots):
        raise InputError("paths of this server are open to its owner alone; upload the file instead")


def check_copies() -> None:
    """Raises InputError where a visitor would write to a folder of the server."""
    if not visitor().is_owner:
        raise InputError("copies are written by this server's owner alone; take the lists away instead")
