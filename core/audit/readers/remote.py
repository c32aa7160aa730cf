"""Features at an address, as s3://bucket/features.npy: each piece is fetched where it is needed, by whoever needs it.

fsspec knows how; what it needs for a kind of address (s3fs, gcsfs, ...) is the user's to install.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, TypeVar, cast

import fsspec
import numpy as np

from core.audit.labels import Labels, as_labels
from core.audit.readers.base import check_size
from core.audit.readers.npy import PICKLED, why_unreadable
from core.audit.readers.result import Features
from core.audit.table import Remote
from core.foundation.errors import InputError

HEADER = 2**16  # bytes that hold the header of an .npy file
READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
T = TypeVar("T")


def remote_features(address: str) -> Features:
    """The table of an .npy file at an address; only its header is read. Raises InputError."""
    about, head = _told(address, lambda fs, path: (fs.info(path), fs.cat_file(path, 0, HEADER)))
    file = io.BytesIO(head)
    try:
        version = np.lib.format.read_magic(file)
        shape, by_columns, dtype = READERS[version](file)
    except (ValueError, KeyError) as problem:
        raise InputError(
            f"{address} is not a readable .npy file ({problem}); addresses are read of .npy alone"
        ) from None
    offset, size = file.tell(), int(np.prod(shape, dtype=object)) * dtype.itemsize
    if dtype.hasobject:
        raise InputError(f"{address} {PICKLED}")
    if by_columns or len(shape) != 2:
        raise InputError(f"{address} must hold a table stored row by row, as np.save writes it, not {shape} by columns")
    if about.get("size") is not None and about["size"] < offset + size:
        raise InputError(f"{address} is cut off: {about['size']:,} bytes of {offset + size:,}")
    table = Remote(address, dtype, (shape[0], shape[1]), offset)
    stamp = [str(about.get(key)) for key in ("size", "mtime", "ETag", "LastModified", "created") if key in about]
    file_name = PurePosixPath(address.split("://", 1)[1])
    return Features(
        cast(np.ndarray, table), "npy", None, (cast(Any, file_name),), np.zeros(1, np.int64),
        notes=("read piece by piece from an address",), remote_stamp=tuple(stamp),
    )  # fmt: skip


def remote_labels(address: str, n: int) -> Labels:
    """The labels (n,) of an .npy file at an address. Raises InputError."""
    size = _told(address, lambda fs, path: fs.info(path)).get("size") or 0
    check_size(int(size), 1, 1, address)
    data = _told(address, lambda fs, path: fs.cat_file(path))
    try:
        return as_labels(np.load(io.BytesIO(data), allow_pickle=False), n)
    except (ValueError, EOFError) as problem:
        raise InputError(f"{address} {why_unreadable(problem)}") from None


def _told(address: str, ask: Callable[[Any, str], T]) -> T:
    """What a file system says. Raises InputError in one line for whatever it raises."""
    try:
        return ask(*fsspec.core.url_to_fs(address))
    except FileNotFoundError:
        raise InputError(f"{address} does not exist") from None
    except (ImportError, OSError, ValueError) as problem:
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise InputError(f"{address} cannot be read ({reason})") from None
