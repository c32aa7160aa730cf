"""`.npz`: arrays by name in an archive; read as a stream, since a compressed one cannot be mapped."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, ClassVar

import numpy as np

from core.audit.readers.base import Column, Source, check_size, rows_at_once, squeezed
from core.audit.readers.npy import as_bfloat16
from core.datasets import UNREADABLE, array_header
from core.foundation.errors import InputError

WHOLE_LIMIT = 2**30  # bytes of an array stored column by column, and of one read at once


class Npz(Source):
    """What `numpy.savez` or `numpy.savez_compressed` wrote."""

    form = "npz"
    suffixes: ClassVar = (".npz",)

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except UNREADABLE as problem:
            raise self.damaged(problem) from None
        names = [name for name in self._zip.namelist() if name.endswith(".npy")]
        if not names:
            self._zip.close()
            raise InputError(_without_arrays(path, self._zip.namelist()))
        self._headers = {name.removesuffix(".npy"): self._header(name) for name in names}

    @property
    def columns(self) -> tuple[Column, ...]:
        """One for each array."""
        return tuple(_column(name, *header[:2]) for name, header in self._headers.items())

    def batches(self, names: Sequence[str]) -> Iterator[np.ndarray]:
        shape, dtype, start, by_column = self._headers[names[0]]
        d = math.prod(shape[1:])
        if by_column:
            yield self.values(names[0]).reshape(shape[0], d)
            return
        row = d * dtype.itemsize
        with self._member(names[0]) as stream:
            self._take(stream, start)
            for first in range(0, shape[0], rows_at_once(d)):
                count = min(rows_at_once(d), shape[0] - first)
                yield _numbers(self._take(stream, count * row), dtype).reshape(count, d)

    def values(self, name: str) -> np.ndarray:
        shape, dtype, start, by_column = self._headers[name]
        size = math.prod(shape) * dtype.itemsize
        if size > WHOLE_LIMIT:
            raise InputError(
                f"array '{name}' of {self.path.name} is stored column by column or is no label of each row, and too large "
                f"({size / 2**30:.1f} GiB) to be read at once; save it with np.ascontiguousarray"
            )
        with self._member(name) as stream:
            self._take(stream, start)
            return _numbers(self._take(stream, size), dtype).reshape(shape, order="F" if by_column else "C")

    def close(self) -> None:
        self._zip.close()

    def _member(self, name: str) -> IO[bytes]:
        try:
            return self._zip.open(f"{name}.npy")
        except UNREADABLE as problem:
            raise self.damaged(problem) from None

    def _take(self, stream: IO[bytes], size: int) -> bytes:
        """Exactly so many bytes."""
        try:
            found = stream.read(size)
        except UNREADABLE as problem:
            raise self.damaged(problem) from None
        if len(found) < size:
            raise self.damaged(EOFError("an array ends too early"))
        return found

    def _header(self, member: str) -> tuple[tuple[int, ...], np.dtype, int, bool]:
        """Shape, type, first byte, and whether columns lie one after the other."""
        try:
            with self._zip.open(member) as stream:
                shape, dtype, start, by_column = array_header(stream)
        except UNREADABLE as problem:
            raise self.damaged(problem) from None
        if dtype.hasobject:
            raise InputError(
                f"array '{member.removesuffix('.npy')}' of {self.path.name} holds pickled objects, which are never loaded; "
                "make one array of numbers of it"
            )
        if start + math.prod(shape) * dtype.itemsize != self._zip.getinfo(member).file_size:
            raise self.damaged(ValueError(f"the header of {member} promises other data than there is"))
        check_size(math.prod(shape), 1, dtype.itemsize, f"array '{member}' of {self.path.name}")
        return shape, dtype, start, by_column


def _column(name: str, shape: tuple[int, ...], dtype: np.dtype) -> Column:
    n, each = (shape[0], squeezed(shape)[1:]) if shape else (None, ())
    pairs = dtype == np.dtype("V2")
    kind = np.dtype(np.float32) if pairs else dtype if dtype.kind in "fiubUS" else None
    return Column(name, n, each, kind, "bfloat16" if pairs else str(dtype))


def _numbers(data: bytes, dtype: np.dtype) -> np.ndarray:
    found = np.frombuffer(data, dtype)
    return as_bfloat16(found).astype(np.float32) if dtype == np.dtype("V2") else found


def _without_arrays(path: Path, members: list[str]) -> str:
    if any(name.endswith("data.pkl") for name in members):
        return (
            f"{path.name} is a file of torch.save, which is never loaded, for it can run code; save the tensor with "
            "safetensors.torch.save_file or as .npy"
        )
    return f"{path.name} is an archive without arrays; give an .npz file as numpy.savez writes it"
