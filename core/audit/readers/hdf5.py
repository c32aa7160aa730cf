"""HDF5: data sets by their path inside the file. Nothing outside the file is ever opened on its behalf."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.audit.readers.base import Column, Source, check_size, rows_at_once, squeezed
from core.foundation.errors import InputError

MOST = 1000  # data sets
LONGEST = 2**29  # bytes of all rows that a chunk has numbers of


class Hdf5(Source):
    """An HDF5 file. Links to other files are not followed; data sets that take their numbers from other files are refused."""

    form = "hdf5"
    suffixes: ClassVar = (".h5", ".hdf5", ".hdf", ".he5", ".h5ad")
    magic: ClassVar = (b"\x89HDF\r\n\x1a\n",)

    def __init__(self, path: Path) -> None:
        import h5py

        super().__init__(path)
        self._damage = (OSError, ValueError, RuntimeError, KeyError, TypeError)
        try:
            self._file = h5py.File(path, "r")
            self._found = self._data_sets(h5py)
        except InputError:
            raise
        except self._damage as problem:
            raise self.damaged(problem) from None

    def _data_sets(self, h5py: Any) -> dict[str, Any]:
        """By their path; `visititems` goes along hard links alone, and to each thing once."""
        found: dict[str, Any] = {}

        def note(name: str, thing: Any) -> bool | None:
            if isinstance(thing, h5py.Dataset):
                found[name] = thing
            return True if len(found) > MOST else None

        self._file.visititems(note)
        if not 0 < len(found) <= MOST:
            raise InputError(f"{self.path.name} holds {'no' if not found else f'more than {MOST:,}'} data sets")
        return found

    @property
    def columns(self) -> list[Column]:
        """One for each data set."""
        return [_column(name, found) for name, found in self._found.items()]

    def _open(self, name: str) -> Any:
        self.column(name)
        found = self._found[name]
        what = f"data set '{name}' of {self.path.name}"
        if found.external or found.is_virtual:
            raise InputError(f"{what} keeps its numbers in other files, which are not opened; write them into this one")
        if found.dtype.hasobject and not _is_words(found.dtype):
            raise InputError(f"{what} holds values of varying length; write a plain array of numbers")
        check_size(math.prod(found.shape or (0,)), 1, found.dtype.itemsize, what)
        return found

    def batches(self, names: Sequence[str]) -> Iterator[np.ndarray]:
        found = self._open(names[0])
        step = self._step(found)
        try:
            for first in range(0, found.shape[0], step):
                rows = found[first : first + step]
                yield rows.reshape(len(rows), -1)
        except self._damage as problem:
            raise self.damaged(problem) from None

    def _step(self, found: Any) -> int:
        """Rows of a batch: whole chunks where they are not too long, so that none is decompressed twice."""
        d = math.prod(found.shape[1:])
        step = rows_at_once(d)
        if not found.chunks or found.chunks[0] * d * found.dtype.itemsize > LONGEST:
            return step
        return int(max(1, step // found.chunks[0]) * found.chunks[0])

    def values(self, name: str) -> np.ndarray:
        found = self._open(name)
        try:
            return np.asarray(found.asstr()[...] if _is_words(found.dtype) else found[...])
        except self._damage as problem:
            raise self.damaged(problem) from None

    def close(self) -> None:
        self._file.close()


def _is_words(dtype: np.dtype) -> bool:
    import h5py

    return h5py.check_string_dtype(dtype) is not None


def _column(name: str, found: Any) -> Column:
    shape = found.shape or ()
    n, each = (shape[0], squeezed(shape)[1:]) if shape else (None, ())
    if _is_words(found.dtype):
        dtype: np.dtype | None = np.dtype(object)
    else:
        dtype = found.dtype if found.dtype.kind in "fiub" else None
    return Column(name, n, each, dtype, str(found.dtype))
