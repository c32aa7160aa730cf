"""Data that a visitor uploads: kept beside the audits under a name of our own.

What is uploaded is hostile until shown otherwise. Of its name only the ending is used, and only one that is known; its size is
bounded; nothing of it is unpickled, and an archive is unpacked by `core.cases.archive` alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

from core.cases.archive import SUFFIXES as ARCHIVES
from core.foundation.errors import InputError

TABLES = (
    ".npy", ".npz", ".parquet", ".pq", ".arrow", ".feather", ".ipc", ".safetensors", ".h5", ".hdf5", ".csv", ".tsv",
)  # fmt: skip
SUFFIXES = (*TABLES, *ARCHIVES)
MEGABYTES = 500  # of one file; the server takes 512 (.streamlit/config.toml)
ROOM = 8 * 2**30  # bytes of all that was uploaded
SPARE = 2**30  # that stay free on the disk
PIECE = 2**20
FOLDER = ".uploads"  # no audit has a name with a dot in front


def is_upload(path: Path) -> bool:
    """Whether a file was uploaded, so that its name is one of ours and says nothing."""
    return path.parent.name == FOLDER


def suffix_of(name: str, allowed: tuple[str, ...] = SUFFIXES) -> str:
    """The known ending of a name, the longest that fits. Raises InputError where it has none."""
    fit = [suffix for suffix in allowed if name.lower().endswith(suffix)]
    if not fit:
        raise InputError(f"a file of this ending is not taken; give one of {', '.join(allowed)}")
    return max(fit, key=len)


def store(file: IO[bytes], name: str, root: Path, allowed: tuple[str, ...] = SUFFIXES) -> Path:
    """Keep what was uploaded below the folder of audits; returns its absolute path, `.uploads/<hash><ending>`.

    The same bytes are kept once. Raises InputError for what is too large or of no known ending, and where it cannot be written.
    """
    suffix, folder = suffix_of(name, allowed), root.resolve() / FOLDER
    aside: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = min(ROOM - _taken(folder), shutil.disk_usage(folder).free - SPARE)
        handle, made = tempfile.mkstemp(prefix=".", dir=folder)
        aside = Path(made)
        with os.fdopen(handle, "wb") as target:
            digest = _copy(file, target, free)
        path = folder / f"{digest[:16]}{suffix}"
        aside.replace(path)
        return path
    except OSError as problem:
        raise InputError(f"the file cannot be kept in {folder} ({problem.strerror})") from None
    finally:
        if aside:
            aside.unlink(missing_ok=True)


def _copy(source: IO[bytes], target: IO[bytes], free: int) -> str:
    """SHA-256 of what was copied. Raises InputError for nothing, and for too much."""
    whole, size = hashlib.sha256(), 0
    while piece := source.read(PIECE):
        size += len(piece)
        if size > MEGABYTES * 10**6:
            raise InputError(
                f"the file has more than {MEGABYTES} MB; put it on this computer and give its path instead"
            )
        if size > free:
            raise InputError("there is no room for the file: delete old uploads, or give a path instead")
        whole.update(piece)
        target.write(piece)
    if not size:
        raise InputError("the file is empty (0 bytes)")
    return whole.hexdigest()


def _taken(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.iterdir() if one.is_file())
