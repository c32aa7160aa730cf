"""A table of features of any size: rows are taken class by class or piece by piece, never all at once from a file."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.defenses import check_features, non_finite_rows
from core.foundation.errors import InputError

COLUMN_ORDER_LIMIT = 2**30  # bytes of a file stored column by column that are read whole
PIECE = 2**22  # values that are read at once


@dataclass(frozen=True)
class Mapped:
    """A table in a file, opened anew for each class, so that pages once touched do not stay in memory."""

    path: Path
    dtype: np.dtype
    shape: tuple[int, int]
    offset: int

    def take(self, rows: np.ndarray) -> np.ndarray:
        """A copy of those rows: (len(rows), d)."""
        table = np.memmap(self.path, self.dtype, "r", self.offset, self.shape)
        return np.asarray(table[rows])  # the map is closed with its last reference, at the return


Table = Mapped | np.ndarray
OnRows = Callable[[int], None]


def take(table: Table, rows: np.ndarray) -> np.ndarray:
    """Those rows of a table: (len(rows), d)."""
    return table.take(rows) if isinstance(table, Mapped) else np.asarray(table[rows])


def pieces(
    table: Table, rows: np.ndarray | None = None, on_rows: OnRows | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row numbers and rows, a few at a time; rows: which (n',) int64, None for all. on_rows: told how many are done."""
    wanted = np.arange(table.shape[0]) if rows is None else rows
    count = max(1, PIECE // table.shape[1])
    for first in range(0, len(wanted), count):
        some = wanted[first : first + count]
        yield some, take(table, some)
        if on_rows:
            on_rows(first + len(some))


def as_table(features: np.ndarray) -> Table:
    """The features as something rows can be taken from class by class. Raises InputError; reads no values."""
    if features.ndim != 2:
        raise InputError(f"features must be a table of shape (rows, features), not {features.shape}")
    if features.dtype.kind not in "fiu":
        raise InputError(f"features must be numbers, not {features.dtype}")
    n, d = features.shape
    if n < 1 or d < 1:
        raise InputError(f"features have {n} row(s) and {d} column(s); at least 1 of each is needed")
    base: object = features.base  # the map itself for a whole file, another array for a part of one
    if not (isinstance(features, np.memmap) and isinstance(base, mmap.mmap)):
        return features
    if not features.flags.c_contiguous:
        if features.nbytes > COLUMN_ORDER_LIMIT:
            raise InputError(
                f"{features.filename} is stored column by column, so that every row is spread over the whole file; "
                "save it with np.save(path, np.ascontiguousarray(features))"
            )
        return np.ascontiguousarray(features)
    return Mapped(Path(str(features.filename)), features.dtype, (n, d), int(features.offset))


def checked_values(x: np.ndarray, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The rows x (m, d) as floats. Raises InputError for a value that cannot be worked with.

    rows: (m,) their numbers in the file, by which they are named. labels: of all rows of the file.
    """
    bad = non_finite_rows(x)
    if len(bad):
        first = int(rows[bad[0]])
        count = int((labels[rows[bad]] == labels[first]).sum())
        raise InputError(
            f"row {first} (label {labels[first]}) has a value that is not finite "
            f"({count} such row(s) of that label so far); drop or mend them"
        )
    return check_features(x, 0, at_least=1)
