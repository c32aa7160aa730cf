"""What every form has in common: one file, its columns, and their values a few rows at a time."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from core.foundation.errors import InputError

MAX_BYTES = 64 * 2**30  # of numbers in one table
BATCH = 2**22  # values that are read at once
LABELLED = ("label", "labels", "target", "targets", "class", "class_name", "class_id", "category", "y")  # in lower case
NUMBERED = ("", "id", "ids", "index", "idx", "row", "row_id", "row_number", "unnamed: 0")
FILES = ("file", "file_name", "filename", "file_path", "filepath", "path", "image_path", "image", "name", "id")
NAMED = (*FILES, *(f"{name}s" for name in FILES))
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://")
COUNTED = "it counts the rows"
LISTS = "lists written out as words"
FEWEST = 8  # rows in which a column is seen to count them


def is_address(given: object) -> bool:
    """Whether that is an address, as s3://BUCKET/NAME, rather than a path."""
    return bool(ADDRESS.match(str(given)))


@dataclass(frozen=True)
class Column:
    """One column of a table, or one array of a file of arrays."""

    name: str
    n: int | None  # rows, None where only reading tells
    shape: tuple[
        int | None, ...
    ]  # of what it has for each row: () for one value; None for a length that only reading tells
    dtype: np.dtype | None  # as it is read; None for what is neither numbers nor words nor truth values
    about: str  # its type, as its form calls it
    apart: str = ""  # why it is no feature, where the file itself says so

    @property
    def is_numbers(self) -> bool:
        """Whether it holds numbers, truth values not counted."""
        return self.dtype is not None and self.dtype.kind in "fiu"

    @property
    def is_words(self) -> bool:
        """Whether it holds words."""
        return self.dtype is not None and self.dtype.kind in "UO"

    @property
    def wide(self) -> bool:
        """Whether a row of it is more than one value."""
        return any(side != 1 for side in self.shape)

    def in_words(self) -> str:
        """Its name, type and shape, for a message."""
        sides = [
            "n" if self.n is None else f"{self.n:,}",
            *("?" if side is None else f"{side:,}" for side in self.shape),
        ]
        return f"{self.name} ({' x '.join(sides)} {self.about})"


class Source(ABC):
    """An open file. Subclasses are the forms; all raise InputError with one line that names the file."""

    form: ClassVar[str]  # as the summary calls it
    suffixes: ClassVar[tuple[str, ...]]
    magic: ClassVar[tuple[bytes, ...]] = ()  # first bytes by which it is known whatever it is called
    tabular: ClassVar[bool] = (
        False  # its columns belong to one table, so that single numbers may be features side by side
    )

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []  # what had to be guessed

    @property
    @abstractmethod
    def columns(self) -> Sequence[Column]:
        """All there are."""

    @abstractmethod
    def batches(self, names: Sequence[str]) -> Iterator[np.ndarray]:
        """Rows (m, d) of one column, or of several single numbers side by side, about BATCH values at a time."""

    @abstractmethod
    def values(self, name: str) -> np.ndarray:
        """A column whole, for labels and names: (n,), (n, 1) or (n, c), of numbers, truth values, words or objects."""

    def mapped(self, name: str) -> np.ndarray | None:
        """The column as a read-only map (n, d) of the file, where the form allows it."""
        return None

    def class_names(self, name: str) -> tuple[str, ...]:
        """Of the classes 0, 1, ... of a column of labels, where the file has them."""
        return ()

    def close(self) -> None:
        """Let go of the file; most forms hold none open."""
        return

    def column(self, name: str) -> Column:
        """By its name. Raises InputError that lists those there are."""
        for column in self.columns:
            if column.name == name:
                return column
        raise InputError(f"{self.path.name} has no column '{name}'; it has {listed([c.name for c in self.columns])}")

    def damaged(self, problem: BaseException) -> InputError:
        """The one line for a file whose bytes do not make sense."""
        said = (str(problem).strip().splitlines() or [type(problem).__name__])[0].rstrip(".")
        return InputError(f"{self.path.name} is not a readable {self.form} file ({said}); write it again")


def listed(names: Sequence[str], most: int = 12) -> str:
    """Some of the names, for a message."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more if names else "none"


def check_size(n: int, d: int, itemsize: int, what: str) -> None:
    """Raise InputError for more numbers than are read, before anything is allocated for them."""
    if (size := n * d * itemsize) > MAX_BYTES:
        raise InputError(f"{what} holds {size / 2**30:,.0f} GiB, more than the {MAX_BYTES / 2**30:g} GiB allowed")


def rows_at_once(d: int) -> int:
    """How many rows of d numbers make a batch."""
    return max(1, BATCH // max(d, 1))


def counts(values: Sequence[float] | np.ndarray) -> bool:
    """Whether the first values of a column count its rows, from 0 or 1."""
    found = np.asarray(values)
    return len(found) >= FEWEST and found[0] in (0, 1) and bool((found == np.arange(len(found)) + found[0]).all())


def squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape (n, ...) without sides of 1 after the first two: pooled features often are (n, d, 1, 1)."""
    return (*shape[:2], *(side for side in shape[2:] if side != 1))
