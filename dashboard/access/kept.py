"""What visitors upload, and whose it is: for each visitor a folder of empty files named as the uploads are."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from core.foundation.errors import InputError
from dashboard.access.places import all_jobs, alone, size_text
from dashboard.access.visitors import Visitor, known_visitor, settings, visitor

FOLDER, OF = ".uploads", ".of"  # below the runs, or the audits; and in it, for each visitor, the names of what is his
OWNER = "owner"  # who else has a file that was there before the first visitor brought it


def keep_upload(keep: Callable[[], Path], size: int, root: Path) -> Path:
    """Keep what was uploaded, and note whose it is. keep: does it; size: bytes; root: of the folder that it is kept in.

    Raises InputError for what is over the visitor's share, or what `keep` raises.
    """
    who = known_visitor()
    if who.is_owner:
        return keep()
    with alone():
        taken, limit = uploaded(who), settings().uploads
        if taken + size > limit:
            raise InputError(
                f"your uploads would take {size_text(taken + size)}, and {size_text(limit)} are yours; delete some"
            )
        before = {path.name for path in _files(_uploads(root))}
        path = keep()
        shelf = _uploads(root) / OF
        if path.name in before and not any(shelf.glob(f"*/{path.name}")):
            _mark(shelf / OWNER, path.name)  # it was there before anybody else had it
        _mark(shelf / who.key, path.name)
    return path


def uploaded(who: Visitor) -> int:
    """Bytes of what a visitor has uploaded."""
    total = 0
    for folder, name in _marks(who):
        with suppress(OSError):
            total += (folder / name).stat().st_size
    return total


def forget_uploads() -> None:
    """Delete what the visitor has uploaded, but for what others have uploaded too. Raises InputError."""
    who = visitor()
    if not who.key:
        return
    with alone():
        for folder, name in _marks(who):
            (folder / OF / who.key / name).unlink(missing_ok=True)
            if not any((folder / OF).glob(f"*/{name}")):
                (folder / name).unlink(missing_ok=True)


def _uploads(root: Path) -> Path:
    return root.resolve() / FOLDER


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def _marks(who: Visitor) -> list[tuple[Path, str]]:
    """(folder of uploads, name) of all that a visitor has uploaded."""
    folders = [_uploads(jobs.root) for jobs in all_jobs()]
    return [(folder, mark.name) for folder in folders for mark in _files(folder / OF / who.key)]


def _mark(folder: Path, name: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    except OSError as problem:
        raise InputError(f"it cannot be noted whose upload that is ({problem.strerror})") from None
