"""A table of features of any size: rows are taken class by class or piece by piece, never all at once from a file."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.foundation.errors import InputError
from core.foundation.rows import LARGEST, check_features, non_finite_rows
from core.foundation.tensors import as_array

COLUMN_ORDER_LIMIT = 2**30  # bytes of a file stored column by column that are read whole
PIECE = 2**22  # values that are read at once
NOT_FINITE = "a value that is not finite (NaN or inf)"


@dataclass(frozen=True)
class Mapped:
    """A table in a file, opened anew for each class, so that pages once touched do not stay in memory."""

    path: Path
    dtype: np.dtype
    shape: tuple[int, int]
    offset: int

    def __str__(self) -> str:
        return str(self.path)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """A copy of those rows: (len(rows), d)."""
        table = np.memmap(self.path, self.dtype, "r", self.offset, self.shape)
        return np.asarray(table[rows])  # the map is closed with its last reference, at the return


@dataclass(frozen=True)
class Remote:
    """A table at an address that fsspec knows, of which rows are fetched as they are needed."""

    address: str
    dtype: np.dtype
    shape: tuple[int, int]
    offset: int
    ndim = 2

    def __str__(self) -> str:
        return self.address

    def take(self, rows: np.ndarray) -> np.ndarray:
        """A copy of those rows: (len(rows), d). Rows that follow each other are fetched at once."""
        import fsspec

        if len(rows) == 0:
            return np.empty((0, self.shape[1]), self.dtype)
        system, path = fsspec.core.url_to_fs(self.address)
        firsts = np.flatnonzero(np.diff(rows, prepend=rows[0] - 2) != 1)
        starts = rows[firsts]
        ends = rows[np.append(firsts[1:], len(rows)) - 1] + 1
        width = self.shape[1] * self.dtype.itemsize
        at = [[self.offset + int(row) * width for row in some] for some in (starts, ends)]
        pieces = system.cat_ranges([path] * len(starts), *at, on_error="raise")
        return np.frombuffer(bytearray().join(pieces), self.dtype).reshape(len(rows), self.shape[1])


@dataclass(frozen=True)
class Part:
    """Some rows of a table, under numbers of their own."""

    table: Mapped | Remote | np.ndarray
    rows: np.ndarray  # (n',) int64, their numbers in the table

    @property
    def dtype(self) -> np.dtype:
        """That of the table."""
        return self.table.dtype

    @property
    def shape(self) -> tuple[int, int]:
        """(n', d)"""
        return len(self.rows), int(self.table.shape[1])

    def take(self, rows: np.ndarray) -> np.ndarray:
        """A copy of those rows of the part: (len(rows), d)."""
        return take(self.table, self.rows[rows])

    def all(self) -> np.ndarray:
        """A copy of all of them."""
        return take(self.table, self.rows)


Table = Mapped | Remote | Part | np.ndarray
OnRows = Callable[[int], None]


def take(table: Table, rows: np.ndarray) -> np.ndarray:
    """Those rows of a table: (len(rows), d)."""
    return np.asarray(table[rows]) if isinstance(table, np.ndarray) else table.take(rows)


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


def part_of(table: Table, rows: np.ndarray) -> Part:
    """Some rows of a table, which may be part of another."""
    return Part(table.table, table.rows[rows]) if isinstance(table, Part) else Part(table, rows)


def elsewhere(table: Table) -> Table:
    """The table as another machine would open it. Raises InputError for one that is held in memory."""
    if isinstance(table, Part):
        return replace(table, table=_elsewhere(table.table))
    return _elsewhere(table)


def _elsewhere(table: Mapped | Remote | np.ndarray) -> Mapped | Remote:
    if isinstance(table, np.ndarray):
        raise InputError(
            "these features are held in memory, so all of them would have to travel to the machines of the cluster through "
            "this one; save them with np.save on a path that all machines share"
        )
    return replace(table, path=table.path.resolve()) if isinstance(table, Mapped) else table


def number(table: Table, rows: np.ndarray) -> np.ndarray:
    """The numbers of rows in the whole table, by which a message names them."""
    found: np.ndarray = table.rows[rows] if isinstance(table, Part) else rows
    return found


def check_shape(features: np.ndarray | Remote) -> tuple[int, int]:
    """(n, d) of a table of numbers. Raises InputError for anything else; reads no values."""
    if features.ndim != 2:
        raise InputError(f"features must be a table of shape (rows, features), not {features.shape}")
    if features.dtype.kind not in "fiu":
        raise InputError(f"features must be numbers, not {features.dtype}")
    n, d = features.shape
    if n < 1 or d < 1:
        raise InputError(f"features have {n} row(s) and {d} column(s); at least 1 of each is needed")
    return n, d


def as_table(features: Any) -> Mapped | Remote | np.ndarray:
    """The features as something rows can be taken from class by class: of a map or an array, or of a tensor.

    Raises InputError; reads no values.
    """
    if isinstance(features, Remote):
        check_shape(features)
        return features
    if not isinstance(features, np.ndarray) or features.dtype.kind == "V":
        features = as_array(features)  # of a map that would make an array without a file
    n, d = check_shape(features)
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


def usable_values(x: np.ndarray) -> tuple[np.ndarray, dict[int, str]]:
    """The rows x (m, d) as floats, zero where one cannot be computed with, and why, by its position among them.

    Raises InputError for what are no numbers.
    """
    reasons = {int(row): NOT_FINITE for row in non_finite_rows(x)}
    if x.dtype.itemsize > 4 and x.dtype.kind == "f":  # no smaller number is too large
        with np.errstate(invalid="ignore"):
            large = np.flatnonzero((np.abs(x) > LARGEST).any(1))
        reasons = {int(row): f"a value above {LARGEST:.0e} in size" for row in large} | reasons
    if reasons:
        x = x.copy()
        x[list(reasons)] = 0
    return check_features(x, 0, at_least=1), reasons
