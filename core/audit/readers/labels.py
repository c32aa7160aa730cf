"""The labels of a table: a file of their own, by name or in the order of the rows, or a column of the same table."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.audit.labels import Labels, as_labels
from core.audit.readers.base import FILES, LABELLED, Column, Source, is_address, listed
from core.audit.readers.by_name import Matched, is_known, match
from core.audit.readers.files import files_of, label_of, open_source
from core.audit.readers.npy import ONLY
from core.audit.readers.result import Features, joined
from core.audit.readers.text import Text
from core.foundation.csv_cells import unguarded
from core.foundation.errors import InputError
from core.foundation.labels import UNLABELLED

PERHAPS = ("name", "id")  # what else than a file they may name
SURELY = tuple(f"{name}{s}" for s in ("", "s") for name in FILES if name not in PERHAPS)

IN_ORDER = (
    "{file} names files, and the rows of the features carry no names of their own: the labels are taken in the order of the "
    "rows"
)


def is_file(given: str | Path) -> bool:
    """Whether labels are given as a file, not as the name of a column."""
    try:
        return Path(given).exists()
    except (OSError, ValueError):
        return False


def check_given(given: str | Path, features: str | Path) -> None:
    """Raise InputError where labels are neither a file nor a column of the features; before anything large is read."""
    if is_file(given):
        return
    if is_address(features):
        raise InputError(f"labels: {given} does not exist, and features at an address have no columns with names")
    files = files_of(Path(features))
    if str(given) in LABELLED and _by_files(files):
        return
    with closing(open_source(files[0])) as source:
        names = [column.name for column in source.columns if column.name != ONLY]
    if str(given) not in names:
        which = f"no column of that name; it has {listed(names)}" if names else "no columns with names"
        raise InputError(f"labels: {given} does not exist, and {features} has {which}")


def read_labels(given: str | Path, features: Features) -> Labels:
    """The label of each row of the features. given: a file that exists, else the name of a column, or `label` where each class
    has a file that is named by it. A file that names files beside its labels is matched to the names that the rows carry. Where -1 is a
    class, as of -1 and 1, all get numbers from 0 and their own as a name. Raises InputError."""
    return _from_zero(_as_they_are(given, features, features.rows.shape[0]))


def _from_zero(labels: Labels) -> Labels:
    """-1 stands for no class in everything that is written of a row."""
    there = np.unique(labels.numbers[labels.labelled])
    if UNLABELLED not in there:
        return labels
    numbers = np.where(labels.labelled, np.searchsorted(there, labels.numbers), UNLABELLED)
    names = {i: labels.names.get(label, str(label)) for i, label in enumerate(there.tolist())}
    note = f"{UNLABELLED} is a class here: the classes are numbered from 0 in their order, and called by their labels"
    return replace(labels, numbers=numbers, names=names, notes=(*labels.notes, note))


def _as_they_are(given: str | Path, features: Features, n: int) -> Labels:
    if not is_file(given) and str(given) in LABELLED and _by_files(features.files):
        counts = np.diff([*features.starts.tolist(), n])
        return as_labels(np.repeat([label_of(file) or 0 for file in features.files], counts), n)
    if not is_file(given):
        values, names = features.values(str(given))
        return as_labels(values, n, names)
    return _of_file(Path(given), features, n)


def _of_file(path: Path, features: Features, n: int) -> Labels:
    """Those of a file: by name where it and the rows have names, else in its order. Raises InputError."""
    read = _from_file(path, features.names)
    values, note = read.values, ""
    if read.files is not None and features.names is not None:
        values, note = _by_name(read, features.names, path.name)
    elif read.files is not None:
        note = IN_ORDER.format(file=path.name)
    if len(values.shape) and len(values) != n:
        parts = features.files
        of = parts[0] if len(parts) == 1 else f"the {len(parts)} parts of {parts[0].parent}"
        raise InputError(f"{path} has {len(values):,} labels, but {of} has {n:,} rows")
    found = as_labels(values, n, read.names)
    return replace(found, notes=(note, *found.notes)) if note else found


@dataclass(frozen=True)
class _Read:
    """What a file of labels holds."""

    values: np.ndarray  # (m,) or (m, c)
    names: tuple[str, ...]  # of the classes 0, 1, ...
    files: list[object] | None  # (m,) what each label belongs to; None where the file has labels alone


def _by_name(read: _Read, wanted: np.ndarray, file: str) -> tuple[np.ndarray, str]:
    """The labels in the order of the rows, and a note where that is not their own order. Raises InputError."""
    found = _matched(read, wanted, file)
    if not found.spare and (found.lines == np.arange(len(wanted))).all():
        return read.values, ""
    spare = f"; {found.spare:,} lines of it name no row and are passed over" if found.spare else ""
    return read.values[found.lines], f"the labels of {file} are matched to the rows by {found.by}{spare}"


def _matched(read: _Read, wanted: np.ndarray, file: str) -> Matched:
    assert read.files is not None
    return match([str(name) for name in wanted], read.files, file)


def lines_of(given: Path, features: Features) -> tuple[np.ndarray, int] | None:
    """Which line of a file of labels belongs to each row (n,), and how many lines it has; None where they stand in the order of the
    rows. Raises InputError."""
    read = _from_file(given, features.names)
    if read.files is None or features.names is None:
        return None
    return _matched(read, features.names, given.name).lines, len(read.files)


def _by_files(files: Sequence[Path]) -> bool:
    return all(label_of(file) is not None for file in files)


def _from_file(path: Path, wanted: np.ndarray | None) -> _Read:
    """The labels, and beside which files they stand. wanted: (n,) names that the rows carry, if they do."""
    parts, files, names = list[np.ndarray](), list[object](), tuple[str, ...]()
    beside: str | None = None
    for i, file in enumerate(files_of(path)):
        with closing(open_source(file)) as source:
            if i == 0:
                beside = _files_column(source, wanted)
            column = label_column(source, beside).name
            parts.append(_unguarded(source.values(column)) if source.form == Text.form else source.values(column))
            files += source.values(beside).tolist() if beside is not None else []
            names = names or source.class_names(column)
    return _Read(joined(parts, path.name), names, files if beside is not None else None)


def _unguarded(values: np.ndarray) -> np.ndarray:
    """Words of a CSV without the quote that keeps spreadsheets from computing them; other values as they are."""
    if values.dtype != object:
        return values
    return np.array([*(unguarded(v) if isinstance(v, str) else v for v in values.tolist()), None], object)[:-1]


def _files_column(source: Source, wanted: np.ndarray | None) -> str | None:
    """The column of words that says which file each label belongs to; None where there is none.

    It is called as files are, or else has the names that the rows carry. Whatever is called name or id may hold other things.
    """
    words = [column.name for column in source.columns if column.is_words and not column.shape and not column.apart]
    if len([column for column in source.columns if not column.apart]) < 2:
        return None
    called = [name for name in words if name.lower() in SURELY]
    if called:
        return min(called, key=lambda name: SURELY.index(name.lower()))
    if wanted is None:
        return None
    names = [str(name) for name in wanted]
    return next((name for name in words if is_known(names, source.values(name).tolist())), None)


def label_column(source: Source, beside: str | None = None) -> Column:
    """The only column, else the only one that is called as labels are. beside: the names of files. Raises InputError."""
    columns = [column for column in source.columns if not column.apart and column.name != beside]
    if len(columns) == 1:
        return columns[0]
    called = [column for column in columns if column.name.lower() in LABELLED]
    if len(called) == 1:
        return called[0]
    raise InputError(
        f"{source.path.name} has several columns ({listed([column.name for column in columns])}), and none of them alone is "
        f"called {listed(LABELLED[:2])} or the like; give a file with the labels only"
    )
