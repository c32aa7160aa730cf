"""Arrays written anew without some rows: `.npy`, and `.npz` array by array."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from core.cases.cleaned.changes import Edit
from core.datasets import Npz
from core.foundation.errors import InputError
from core.foundation.labels import UNLABELLED

PIECE = 2**22  # values that are copied at once


def edited(array: np.ndarray, edit: Edit, *, labels: bool) -> np.ndarray:
    """The rows (m, ...) that stay of an array (N, ...). labels: whether it holds the labels, so that some are other ones."""
    made = array
    if labels and (edit.to != UNLABELLED).any():
        made = np.array(array)
        for label, row in edit.examples.items():
            made[edit.to == label] = array[row]
    return made if edit.keep.all() else made[edit.keep]


def write_npz(source: Path, target: Path, edits: Mapping[str, tuple[Edit, bool]]) -> None:
    """All arrays of a file in their order, packed as they were. edits: of arrays by name, and whether they hold labels."""
    with (
        Npz(source) as archive,
        zipfile.ZipFile(source) as packed,
        zipfile.ZipFile(target, "w", allowZip64=True) as made,
    ):
        for name in archive.names:
            member = packed.getinfo(f"{name}.npy")
            info = zipfile.ZipInfo(member.filename, member.date_time)
            info.compress_type = member.compress_type
            array = archive.read(name)
            if name in edits:
                edit, labels = edits[name]
                array = edited(array, edit, labels=labels)
            with made.open(info, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asanyarray(array), allow_pickle=False)


def write_rows(table: np.ndarray, target: Path, keep: np.ndarray, on_step: Callable[[float], None]) -> None:
    """The rows that stay of a table (N, d) as .npy, copied piece by piece."""
    if table.dtype.hasobject:
        raise InputError("a table of Python objects is not written")
    rows = np.flatnonzero(keep)
    made = np.lib.format.open_memmap(target, "w+", table.dtype, (len(rows), *table.shape[1:]))
    step = max(1, PIECE // max(1, table.size // max(1, len(table))))
    for first in range(0, len(rows), step):
        some = rows[first : first + step]
        made[first : first + len(some)] = table[some]
        on_step(min(1.0, (first + step) / len(rows)))
    made.flush()
    del made
