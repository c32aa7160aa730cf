"""Features of somebody else from a file of any form, or a folder of parts, to one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from core.audit.readers.base import check_size, listed
from core.audit.readers.choice import Choice, choose
from core.audit.readers.files import files_of, open_source
from core.audit.readers.gather import Gathered
from core.audit.readers.npy import ONLY
from core.audit.readers.result import Features, file_names
from core.foundation.errors import InputError
from core.foundation.rows import non_finite_rows

NAMED = 12  # columns of features that are told one by one


def read_features(
    path: str | Path,
    column: str | None = None,
    *,
    labels: str | None = None,
    scratch: Path | None = None,
    finite: bool = False,
) -> Features:
    """Read the features of a file or of the parts in a folder. Raises InputError; nothing is ever unpickled.

    column: which, where there are several. labels: the column of labels, which is no feature. scratch: a folder for the rows of
    a large table that cannot be mapped where it is; None for the system's. finite: refuse other values in several parts at once,
    by file and row.
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
    batches = _batches(files, choice, starts, watch=finite and len(files) > 1)
    gathered = Gathered(batches, dtype, str(path), scratch)
    if len(choice.shape) > 1:
        sides = "" if None in choice.shape else f" ({' x '.join(f'{side:,}' for side in choice.shape)})"
        notes.append(f"each row of '{choice.names[0]}'{sides} is laid out as {gathered.rows.shape[1]:,} features")
    if (count := len(choice.names)) > 1:
        which = listed(choice.names) if count <= NAMED else f"{choice.names[0]} to {choice.names[-1]}"
        notes.append(f"the features are {count:,} columns: {which}")
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
    features.names = file_names(features)
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
    features.names = file_names(features)
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
    """Raise InputError where a part has other features. In any order; what is no feature of the first part is none of another."""
    lacking = [name for name in choice.names if name not in other.names]
    more = [name for name in other.names if name not in (*choice.names, *choice.left_out)]
    if lacking or more:
        what = f"lacks {listed(lacking)}" if lacking else f"has {listed(more)} besides"
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
