"""Features of somebody else from a file of any form, or a folder of parts, to one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.audit.readers.base import NAMED, Column, check_size, listed
from core.audit.readers.choice import Choice, choose
from core.audit.readers.files import files_of, open_source
from core.audit.readers.gather import Gathered
from core.audit.readers.npy import ONLY
from core.defenses import non_finite_rows
from core.foundation.errors import InputError


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
    def stamp(self) -> list[int]:
        """What changes when a file is written anew: size and time of each."""
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
    if len({part.shape[1:] for part in parts}) > 1:
        raise InputError(f"column '{column}' is of another shape in some parts")
    if len({part.dtype.kind in "UOS" for part in parts}) > 1:
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts)


def read_features(
    path: str | Path, column: str | None = None, *, labels: str | None = None, scratch: Path | None = None
) -> Features:
    """Read the features of a file or of the parts in a folder. Raises InputError; nothing is ever unpickled.

    column: which, where there are several. labels: the column of labels, which is no feature. scratch: a folder for the rows of
    a large table that cannot be mapped where it is; None for the system's.
    """
    files = files_of(Path(path))
    if len(files) == 1 and (direct := _mapped(files[0], column, labels)):
        return direct
    looks = [_look(file, column, labels) for file in files]
    choice, notes = looks[0][0], list(dict.fromkeys(note for _, more in looks for note in more))
    for file, (other, _) in zip(files, looks, strict=True):
        _check_alike(files[0], choice, file, other)
    dtype = np.result_type(*(other.dtype for other, _ in looks))
    dtype = dtype if dtype.kind in "fiu" else np.dtype(np.float64)
    starts = [0]
    batches = _batches(files, choice, starts, watch=len(files) > 1)
    gathered = Gathered(batches, dtype, str(path), scratch)
    if len(choice.shape) > 1:
        sides = "" if None in choice.shape else f" ({' x '.join(f'{side:,}' for side in choice.shape)})"
        notes.append(f"each row of '{choice.names[0]}'{sides} is laid out as {gathered.rows.shape[1]:,} features")
    features = Features(
        gathered.rows,
        _form(files[0]),
        choice.names[0] if len(choice.names) == 1 and choice.names[0] != ONLY else None,
        tuple(files),
        np.array(starts[: len(files)]),
        left_out=dict(choice.left_out),
        notes=tuple(notes),
        _gathered=gathered,
    )
    features.names = _file_names(features)
    return features


def _form(file: Path) -> str:
    with closing(open_source(file)) as source:
        return source.form


def _mapped(file: Path, column: str | None, labels: str | None) -> Features | None:
    """The one array of a file that can be mapped; None for a file that has to be read."""
    with closing(open_source(file)) as source:
        if column is None and not source.tabular and len(source.columns) == 1:
            name = source.columns[0].name  # whatever its shape is: the checks of features say what is wrong with it
            left_out: dict[str, str] = {}
        else:
            choice = choose(source, column, labels)
            name, left_out = choice.names[0], dict(choice.left_out)
        rows = source.mapped(name)
        if rows is None:
            return None
        told = None if name == ONLY else name
        features = Features(
            rows, source.form, told, (file,), np.zeros(1, np.int64), None, left_out, tuple(source.notes)
        )
    features.names = _file_names(features)
    return features


def _look(file: Path, column: str | None, labels: str | None) -> tuple[Choice, list[str]]:
    """What the features of a file are, and what was guessed about it; asks its size before anything is read."""
    with closing(open_source(file)) as source:
        choice = choose(source, column, labels)
        n = source.column(choice.names[0]).n
        if n is not None and None not in choice.shape:
            d = int(np.prod([side or 0 for side in choice.shape], dtype=object))
            check_size(n, d, choice.dtype.itemsize, str(file))
        return choice, source.notes


def _check_alike(first: Path, choice: Choice, file: Path, other: Choice) -> None:
    if other.names != choice.names:
        lacking = [name for name in choice.names if name not in other.names]
        more = [name for name in other.names if name not in choice.names]
        what = f"lacks {listed(lacking)}" if lacking else f"has {listed(more)} besides" if more else "has another order"
        raise InputError(
            f"{file.name} {what}, unlike {first.name}; the parts of a table need the same columns of features"
        )


def _batches(files: Sequence[Path], choice: Choice, starts: list[int], *, watch: bool) -> Iterator[np.ndarray]:
    """Rows of one file after the other. starts: told the first row of the next file. watch: for values that are not finite,
    since a message that comes later knows neither file nor row in it."""
    width = 0
    for file in files:
        n = 0
        with closing(open_source(file)) as source:
            for rows in source.batches(choice.names):
                width = width or rows.shape[1]
                if rows.shape[1] != width:
                    place = file.name if n == 0 else f"row {n} of {file.name}"
                    raise InputError(f"{place} has {rows.shape[1]} features where the rows before have {width}")
                if watch and len(bad := non_finite_rows(rows)):
                    raise InputError(
                        f"row {n + int(bad[0])} of {file.name} has a value that is not finite; drop or mend it"
                    )
                n += len(rows)
                yield rows
        starts.append(starts[-1] + n)


def _file_names(features: Features) -> np.ndarray | None:
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
    return None


def _are_words(file: Path, name: str) -> bool:
    with closing(open_source(file)) as source:
        column = next((column for column in source.columns if column.name == name), None)
        return isinstance(column, Column) and column.is_words and not column.shape
