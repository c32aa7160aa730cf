"""The result of reading: a table, where each of its rows comes from, and its other columns."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.audit.readers.base import NAMED, Column
from core.audit.readers.files import open_source
from core.audit.readers.gather import Gathered
from core.foundation.csv_cells import unguarded
from core.foundation.errors import InputError

LIST = "files.csv"


@dataclass
class Features:
    """A table of features, and what was done to get it. Use as a context where it may be large: it may lie in a scratch file."""

    rows: np.ndarray  # (n, d); a map of a file where it is large
    form: str
    column: str | None  # None where all columns of numbers are features, or where there is one array
    files: tuple[Path, ...]
    starts: np.ndarray  # (files,) the number of the first row of each
    names: np.ndarray | None = None  # (n,) str, names of files that a column of the table has; all different
    left_out: dict[str, str] = field(default_factory=dict)  # columns that are no features, and why
    notes: tuple[str, ...] = ()  # what was guessed
    remote_stamp: tuple[str, ...] = ()  # what the keeper of an address says of its file
    _gathered: Gathered | None = None  # keeps the scratch file

    def __enter__(self) -> Features:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the scratch file, if there is one."""
        if self._gathered:
            self._gathered.close()

    @property
    def stamp(self) -> list[int | str]:
        """What changes when a file is written anew: size and time of each."""
        if self.remote_stamp:
            return list(self.remote_stamp)
        about = [file.stat() for file in self.files]
        return [number for one in about for number in (one.st_size, one.st_mtime_ns)]

    def place(self, row: int) -> str:
        """Where a row comes from: the name that the table has for it, or its file and its number in there."""
        return str(self.names[row]) if self.names is not None else self._in_file(row)

    def _in_file(self, row: int) -> str:
        part = int(np.searchsorted(self.starts, row, side="right")) - 1
        return f"{self.files[part].name}, row {row - int(self.starts[part])}"

    @property
    def knows_files(self) -> bool:
        """Whether `place` says more than the number of the row."""
        return self.names is not None or len(self.files) > 1

    def values(self, column: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """Another column of the same table, whole, for labels; and the names of classes 0, 1, ... where the file has them."""
        parts, names = [], tuple[str, ...]()
        for file in self.files:
            with closing(open_source(file)) as source:
                parts.append(source.values(column))
                names = names or source.class_names(column)
        return joined(parts, column), names

    def as_json(self, described: Sequence[str] = ()) -> dict[str, Any]:
        """What was read, for summary.json. described: see `core.audit.described`."""
        return {
            "form": self.form,
            "files": [file.name for file in self.files],
            "column": self.column,
            "rows": int(self.rows.shape[0]),
            "features": int(self.rows.shape[1]),
            "dtype": str(self.rows.dtype),
            "left_out": self.left_out,
            "notes": [*self.notes, *described],
        }


def joined(parts: Sequence[np.ndarray], column: str) -> np.ndarray:
    """A column of all parts. Raises InputError where it is of another shape or kind in some."""
    if any(not part.ndim for part in parts):
        raise InputError(f"'{column}' holds one value; it needs one for each row")
    if len({part.shape[1:] for part in parts}) > 1:
        raise InputError(f"column '{column}' is of another shape in some parts")
    if len({part.dtype.kind in "UOS" for part in parts}) > 1:
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts)


def file_names(features: Features) -> np.ndarray | None:
    """A column of words by whose name they are files, where each row has another one."""
    n = features.rows.shape[0] if features.rows.ndim else 0
    for name in sorted(features.left_out, key=lambda name: NAMED.index(name.lower()) if name.lower() in NAMED else -1):
        if name.lower() not in NAMED or not _are_words(features.files[0], name):
            continue
        try:
            found = features.values(name)[0]
        except InputError:
            continue
        if (
            found.shape == (n,)
            and all(isinstance(word, str) for word in found.tolist())
            and len(set(found.tolist())) == n
        ):
            return found
    return _beside(features, n)


def _beside(features: Features, n: int) -> np.ndarray | None:
    """What `files.csv` beside the one file says of its rows: `features` writes such a list."""
    beside = features.files[0].with_name(LIST)
    if len(features.files) > 1 or not beside.is_file() or features.files[0] == beside:
        return None
    try:
        with closing(open_source(beside)) as source:
            found = source.values("file")
    except InputError:
        return None
    names = [unguarded(str(word)) for word in found.tolist()]
    if found.shape != (n,) or len(set(names)) < n or _are_counted(names):
        return None
    features.notes = (*features.notes, f"{LIST} beside it says where each row comes from")
    return np.array(names)


def _are_counted(names: Sequence[str]) -> bool:
    """Whether they are the numbers of the rows, which stand where no names were known."""
    return all(name == str(row) for row, name in enumerate(names))


def _are_words(file: Path, name: str) -> bool:
    with closing(open_source(file)) as source:
        column = next((column for column in source.columns if column.name == name), None)
        return isinstance(column, Column) and column.is_words and not column.shape
