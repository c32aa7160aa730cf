"""The labels of a table: a file of their own, or a column of the same table."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from core.audit.labels import Labels, as_labels
from core.audit.readers.base import LABELLED, Column, Source, listed
from core.audit.readers.files import files_of, label_of, open_source
from core.audit.readers.npy import ONLY
from core.audit.readers.result import Features, joined
from core.foundation.errors import InputError


def is_file(given: str | Path) -> bool:
    """Whether labels are given as a file, not as the name of a column."""
    try:
        return Path(given).exists()
    except (OSError, ValueError):
        return False


def check_given(given: str | Path, features: Path) -> None:
    """Raise InputError where labels are neither a file nor a column of the features; before anything large is read."""
    if is_file(given):
        return
    files = files_of(features)
    if str(given) in LABELLED and _by_files(files):
        return
    with closing(open_source(files[0])) as source:
        names = [column.name for column in source.columns if column.name != ONLY]
    if str(given) not in names:
        which = f"no column of that name; it has {listed(names)}" if names else "no columns with names"
        raise InputError(f"labels: {given} does not exist, and {features} has {which}")


def read_labels(given: str | Path, features: Features) -> Labels:
    """The label of each row of the features. given: a file that exists, else the name of a column, or `label` where each class
    has a file that is named by it. Raises InputError."""
    n = features.rows.shape[0]
    if not is_file(given) and str(given) in LABELLED and _by_files(features.files):
        counts = np.diff([*features.starts.tolist(), n])
        return as_labels(np.repeat([label_of(file) or 0 for file in features.files], counts), n)
    if not is_file(given):
        values, names = features.values(str(given))
        return as_labels(values, n, names)
    path = Path(given)
    values, names = _from_file(path)
    if len(values.shape) and len(values) != n:
        of = (
            features.files[0]
            if len(features.files) == 1
            else f"the {len(features.files)} parts of {features.files[0].parent}"
        )
        raise InputError(f"{path} has {len(values):,} labels, but {of} has {n:,} rows")
    return as_labels(values, n, names)


def _by_files(files: Sequence[Path]) -> bool:
    return all(label_of(file) is not None for file in files)


def _from_file(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    parts, names = [], tuple[str, ...]()
    for file in files_of(path):
        with closing(open_source(file)) as source:
            column = label_column(source).name
            parts.append(source.values(column))
            names = names or source.class_names(column)
    return joined(parts, path.name), names


def label_column(source: Source) -> Column:
    """The only column, else the only one that is called as labels are. Raises InputError."""
    columns = [column for column in source.columns if not column.apart]
    if len(columns) == 1:
        return columns[0]
    called = [column for column in columns if column.name.lower() in LABELLED]
    if len(called) == 1:
        return called[0]
    raise InputError(
        f"{source.path.name} has several columns ({listed([column.name for column in columns])}), and none of them alone is "
        f"called {listed(LABELLED[:2])} or the like; give a file with the labels only"
    )
