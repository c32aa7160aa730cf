"""Batches of rows into one table: in memory while it is small, from then on in a file that is mapped and goes away by itself."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np

from core.audit.readers.base import MAX_BYTES, check_size
from core.foundation.errors import InputError

LIMIT = 2**30  # bytes of a table that is held in memory
LEFT_FREE = 2**30  # bytes of the disk


class Gathered:
    """The rows of all batches, (n, d) in one type. Rows beyond LIMIT live in a file until this is closed or forgotten."""

    def __init__(self, batches: Iterable[np.ndarray], dtype: np.dtype, what: str, beside: Path | None) -> None:
        """batches: (m, d) each, d the same in all. beside: a folder for the file, None for the system's."""
        self._what, self._beside = what, beside
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._file: IO[bytes] | None = None
        held, size, n, d = list[np.ndarray](), 0, 0, 0
        try:
            for batch in batches:
                if dtype.kind in "iu" and batch.dtype.kind == "f" and (empty := np.isnan(batch).any(1)).any():
                    raise InputError(
                        f"row {n + int(empty.argmax())} of {what} has an empty cell; fill it, or leave the row out"
                    )
                rows = np.ascontiguousarray(batch, dtype)
                n, d, size = n + len(rows), rows.shape[1], size + rows.nbytes
                if size > MAX_BYTES:
                    check_size(n, d, dtype.itemsize, what)
                held.append(rows)
                if size > LIMIT:
                    self._write(held)
                    held = []
            self.rows = self._mapped(dtype, n, d) if self._file else _together(held, dtype, d)
        except BaseException:
            self.close()
            raise

    def _write(self, batches: list[np.ndarray]) -> None:
        try:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(
                    prefix=".rows-", dir=self._beside, ignore_cleanup_errors=True
                )
                self._file = (Path(self._folder.name) / "rows").open("wb")
            assert self._file is not None
            free = shutil.disk_usage(self._folder.name).free
            if free < LEFT_FREE + sum(rows.nbytes for rows in batches):
                raise InputError(
                    f"{self._what} is written out to be read row by row, and the disk of {self._place()} has only "
                    f"{free / 2**30:.1f} GiB left; free some, or save the table as .npy, which needs none"
                )
            for rows in batches:
                rows.tofile(self._file)
        except OSError as problem:
            raise InputError(f"{self._place()} cannot take the rows of {self._what} ({problem.strerror})") from None

    def _place(self) -> str:
        return str(self._beside or tempfile.gettempdir())

    def _mapped(self, dtype: np.dtype, n: int, d: int) -> np.ndarray:
        assert self._file is not None
        self._file.close()
        return np.memmap(self._file.name, dtype, "r", shape=(n, d))

    def close(self) -> None:
        """Remove the file; the rows of a table that was not small are gone with it."""
        if self._file:
            self._file.close()
        if self._folder:
            self._folder.cleanup()


def _together(held: list[np.ndarray], dtype: np.dtype, d: int) -> np.ndarray:
    return np.concatenate(held) if held else np.empty((0, d), dtype)
