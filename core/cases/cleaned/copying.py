"""Files into a new folder, as links where that is asked for and possible; and whether there is room for them."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from core.foundation.errors import InputError

SPARE = 2**28  # bytes that stay free on the disk
NO_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES)
OnStep = Callable[[float], None]


class NoCopy(InputError):
    """A form of which no cleaned copy is written; the lists say what to do."""


def files_under(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Each folder under a root as a path from it ("" is the root), with its files; links are followed, each folder once."""
    seen: set[str] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        path = os.path.relpath(folder, root).replace(os.sep, "/")
        yield "" if path == "." else path, sorted(names)


def put(source: Path, target: Path, link: bool) -> None:
    """A copy of a file with its times; another name of the same file where `link`, and both lie in one file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        try:
            os.link(os.path.realpath(source), target)
            return
        except OSError as problem:
            if problem.errno not in NO_LINK:
                raise
    shutil.copy2(source, target)


def check_place(out: Path, data: Path) -> None:
    """Raise InputError where `out` holds something, or lies in the data."""
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise InputError(f"{out} is not empty; choose another folder")
    real, inside = out.resolve(), data.resolve()
    if real == inside or inside in real.parents:
        raise InputError(f"{out} lies in the data itself; choose a folder outside of {data}")


def check_room(size: int, out: Path) -> None:
    """Raise InputError where there is no room for so many bytes. out: a folder that is there."""
    free = shutil.disk_usage(out).free - SPARE
    if size > free:
        raise InputError(
            f"a cleaned copy takes {size / 2**30:,.1f} GiB, and {max(free, 0) / 2**30:,.1f} are free beside {out.name}; "
            "give another folder, or --link for image folders"
        )
