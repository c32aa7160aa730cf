"""Reading `.npz` files of strangers: nothing is unpickled, and nothing is allocated before its size is known."""

from __future__ import annotations

import io
import lzma
import math
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from core.datasets.base import MAX_BYTES
from core.foundation.errors import InputError

_MAX_MEMBERS = 1000
_HEADER = 10_000  # bytes that the description of one array may take
UNREADABLE = (  # what zipfile and numpy raise for damaged bytes; RuntimeError also stands for encrypted and too deep
    OSError, ValueError, EOFError, TypeError, SyntaxError, OverflowError, MemoryError, RuntimeError,
    zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip


class Npz:
    """The arrays of a `.npz` file, by name. Use as a context. Raises InputError for whatever is not such a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            if path.stat().st_size == 0:
                raise InputError(f"{path.name} is empty (0 bytes), so it is no .npz file; write it again")
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as problem:
            if isinstance(problem, InputError):
                raise
            raise InputError(f"{path.name} is not a readable .npz file; write it with numpy.savez") from None
        members = [name for name in self._zip.namelist() if name.endswith(".npy")]
        if not 0 < len(members) <= _MAX_MEMBERS:
            self._zip.close()
            raise InputError(
                f"{path.name} holds {len(members):,} arrays; give images and labels, as numpy.savez writes them"
            )
        self.names = tuple(name.removesuffix(".npy") for name in members)
        self._taken = 0

    def __enter__(self) -> Npz:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def read(self, name: str) -> np.ndarray:
        """One array. Everything read of a file together may take MAX_BYTES."""
        member = f"{name}.npy"
        try:
            with self._zip.open(member) as stream:
                self._check(name, stream, self._zip.getinfo(member).file_size)
            with self._zip.open(member) as stream:
                return np.lib.format.read_array(stream, allow_pickle=False, max_header_size=_HEADER)
        except InputError:
            raise
        except UNREADABLE:
            raise InputError(f"array '{name}' of {self._path.name} is damaged; write the file again") from None

    def _check(self, name: str, stream: IO[bytes], size: int) -> None:
        """Refuse an array by its header: objects, and more bytes than are left of the limit, or than are there."""
        shape, dtype, start, _ = array_header(stream)
        if dtype.hasobject:
            raise InputError(
                f"array '{name}' of {self._path.name} holds Python objects, which are not read: they can run code; "
                "make one array of numbers of it"
            )
        needed = math.prod(shape) * dtype.itemsize  # whole numbers of Python: no overflow
        self._taken += needed
        if self._taken > MAX_BYTES:
            raise InputError(
                f"array '{name}' of {self._path.name}, {shape} {dtype}, brings the file to {self._taken / 2**30:,.1f} GiB, "
                f"more than {MAX_BYTES / 2**30:g}; give fewer or smaller images, as uint8"
            )
        if start + needed != size:
            raise ValueError("the header promises other data than there is")


def array_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype, int, bool]:
    """Shape and type of the array that follows, at which byte it starts, and whether it is stored column by column.

    Raises what UNREADABLE lists for what is no header.
    """
    version = np.lib.format.read_magic(stream)
    width = 2 if version == (1, 0) else 4
    length = stream.read(width)
    start = np.lib.format.MAGIC_LEN + width + int.from_bytes(length, "little")
    if start > _HEADER:  # asked before it is read: it may say 4 GiB
        raise ValueError("the header is too long")
    text = io.BytesIO(length + stream.read(start - np.lib.format.MAGIC_LEN - width))
    read = np.lib.format.read_array_header_1_0 if width == 2 else np.lib.format.read_array_header_2_0
    shape, by_column, dtype = read(text)
    if dtype.itemsize == 0 or any(side < 0 for side in shape):
        raise ValueError("elements without bytes, or a side below 0")
    return shape, dtype, start, bool(by_column)
