"""Arrays that are slow to make and easy to make again, kept on disk between runs.

Nothing here may fail a run: a file that cannot be read is made again, a folder that cannot be written means no cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import platformdirs

LIMIT = 2 * 10**9  # bytes on disk; the files used longest ago go first
STALE = 3600  # seconds after which a half-written file belongs to a process that died


def cache_root() -> Path:
    """SPECTRE_LENS_CACHE where set, else the user's cache folder: what can be made or downloaded again."""
    return Path(os.environ.get("SPECTRE_LENS_CACHE") or platformdirs.user_cache_dir("spectre-lens"))


def cache_dir() -> Path:
    """The folder of cached arrays."""
    return cache_root() / "arrays"  # a folder of its own: old files in it are deleted, and the root may hold others


def cached_arrays(key: str, build: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays stored under `key`, or those that `build` makes now, which are stored for the next time.

    key: everything that the arrays depend on, as text (name, parameters, seed, version of the code that makes them).
    build: returns arrays by name (not `file` or `allow_pickle`, which mean something else to numpy.savez).
    Arrays of Python objects are refused with ValueError, since reading them back would run pickled code.
    """
    path = cache_dir() / _file_name(key)
    stored = _read(path)
    if stored is not None:
        return stored
    arrays = build()
    _write(path, arrays)
    return arrays


def is_cached(key: str) -> bool:
    """Whether arrays are stored under `key`; whether they can be read is seen when they are."""
    return (cache_dir() / _file_name(key)).is_file()


def _file_name(key: str) -> str:
    # The hash keeps keys apart that differ only in characters a file name cannot hold.
    words = re.sub(r"[^A-Za-z0-9._=-]+", "-", key).strip("-.")[:80]
    return f"{words}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"


def _read(path: Path) -> dict[str, np.ndarray] | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception:  # noqa: BLE001 - a flipped bit can raise nearly anything, and the answer is always to rebuild
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # marks the file as used: access times are off on many systems
    return arrays


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise ValueError(f"array '{name}' holds Python objects, which the cache does not store; use a plain dtype")
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A name of its own and a rename: a reader, or a second writer, never sees half a file.
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            temporary = Path(file.name)
            np.savez(file, **arrays)  # type: ignore[arg-type] # mypy takes every value for the flag `allow_pickle`
        temporary.replace(path)
        _prune(path.parent)
    except OSError:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _prune(folder: Path) -> None:
    """Delete the files used longest ago until the rest fit into LIMIT, and leftovers of dead writers."""
    stats = [(path, path.stat()) for path in folder.glob("*.npz")]
    total = 0
    for path, stat in sorted(stats, key=lambda pair: pair[1].st_mtime_ns, reverse=True):
        total += stat.st_size
        if total > LIMIT:
            path.unlink(missing_ok=True)
    for path in folder.glob("tmp*.tmp"):
        if time.time() - path.stat().st_mtime > STALE:
            path.unlink(missing_ok=True)
