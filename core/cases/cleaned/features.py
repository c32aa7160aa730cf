"""Tables of features with their labels, without some of the rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.audit.readers import Features, files_of, is_file, open_source, read_features, read_labels
from core.audit.readers.dialect import sniff
from core.audit.readers.labels import lines_of
from core.audit.readers.npz import Npz as NpzSource
from core.audit.readers.result import LIST
from core.audit.readers.text import Text
from core.cases.cleaned.arrays import edited, write_npz, write_rows
from core.cases.cleaned.changes import Changes, Edit, edit_of
from core.cases.cleaned.columnar import rewrite
from core.cases.cleaned.copying import NoCopy, OnStep, check_room
from core.cases.cleaned.lines import read_lines
from core.cases.config import CaseConfig
from core.cases.reading import labels_of, table_at
from core.foundation.errors import InputError
from core.foundation.files import write_array
from core.foundation.labels import UNLABELLED

TABLE, LABELS = "features.npy", "labels.npy"


def write_features(
    config: CaseConfig, path: Path, changes: Changes, out: Path, scratch: Path, on_step: OnStep
) -> tuple[str, str, list[str]]:
    """The cleaned table and its labels in the folder `out`; returns the name of the table there ("" for the folder), what to
    give as its labels, and notes. Raises InputError.
    """
    path = table_at(path)
    given = config.labels or labels_of(path, config.column)
    apart = is_file(given)
    with read_features(path, config.column or None, labels=None if apart else given, scratch=scratch) as features:
        n = len(features.rows)
        if not np.array_equal(read_labels(given, features).numbers, changes.labels):
            raise InputError(f"the labels of {path.name} are not those of the audit any more; audit it again")
        check_room(sum(file.stat().st_size for file in features.files) + features.rows.nbytes, out)
        edit = edit_of(changes, np.arange(n), n)
        name, notes = _write_table(features, path, "" if apart else given, edit, out, on_step)
        beside = features.files[0].with_name(LIST)
        listed = (
            len(features.files) == 1
            and beside.is_file()
            and beside != features.files[0]
            and f"{LIST} beside" in str(features.notes)
        )
        if listed and not (apart and Path(given).resolve() == beside.resolve()):
            _edit_text(beside, out / LIST, None, edit)
        if apart:
            lines = lines_of(Path(given), features)
            return (
                name,
                str(out / _write_labels(Path(given), edit if lines is None else edit.moved(*lines), out)),
                notes,
            )
        if not (out / LABELS).is_file():
            return name, given, notes
        return name, str(out / LABELS), notes


def _write_table(
    features: Features, path: Path, label: str, edit: Edit, out: Path, on_step: OnStep
) -> tuple[str, list[str]]:
    """label: its column of labels, where it has one."""
    files, columns = list(features.files), [label] if label else []
    starts = [*features.starts.tolist(), len(edit.keep)]
    empty = [file.name for file, a, b in zip(files, starts[:-1], starts[1:], strict=True) if not edit.keep[a:b].any()]
    told = [f"No row of {', '.join(empty)} stays, so the copy lacks it."] if empty else []
    if features.form in ("parquet", "arrow"):
        on_step(0.0)
        rewrite(files, [out / file.name for file in files], columns, edit)
        _without(out, empty)
        return (path.name if path.is_file() else ""), told
    if features.form == "csv":
        _edit_parts(files, out, label or None, edit)
        _without(out, empty)
        return (path.name if path.is_file() else ""), told
    if features.form == "npz" and len(files) == 1 and label:
        _edit_archive(files[0], out / files[0].name, label, edit)
        return files[0].name, []
    write_rows(features.rows, out / TABLE, edit.keep, on_step)
    notes = (
        [] if features.form == "npy" and len(files) == 1 else [f"The table ({features.form}) was written as {TABLE}."]
    )
    if label:
        values = _plain(features, label)
        write_array(out / LABELS, edited(values, edit, labels=True))
        notes.append(f"The labels were written as {LABELS}.")
    return TABLE, notes


def _without(out: Path, names: list[str]) -> None:
    for name in names:  # a part without rows is no table that is read
        (out / name).unlink()


def _plain(features: Features, label: str) -> np.ndarray:
    """The labels of each row as an array that can be written: as they are, or of files that are named by them."""
    if all(not one.tabular and label not in [c.name for c in one.columns] for one in map(open_source, features.files)):
        return read_labels(label, features).numbers
    values = features.values(label)[0]
    if values.dtype.hasobject:
        values = np.array(["" if value is None else str(value) for value in values.tolist()])
    return values


def _edit_archive(source: Path, target: Path, label: str, edit: Edit) -> None:
    reader = NpzSource(source)
    n = len(edit.keep)
    names = [column.name for column in reader.columns if column.n == n]
    reader.close()
    write_npz(source, target, {name: (edit, name == label) for name in names})


def _edit_parts(files: list[Path], out: Path, label: str | None, edit: Edit) -> None:
    start = 0
    for file in files:
        source = Text(file)
        rows = sum(len(batch) for batch in source.batches([next(c.name for c in source.columns if c.is_numbers)]))
        keep, to = edit.part(start, start + rows)
        if label is not None and len(files) > 1 and (to != UNLABELLED).any():
            raise NoCopy(
                "labels in a folder of several text files cannot be changed; join them into one, or write the lists alone with --lists-only"
            )
        _edit_text(file, out / file.name, label, Edit(keep, to, edit.examples))
        start += rows


def _edit_text(source: Path, target: Path, label: str | None, edit: Edit) -> None:
    """A text file line by line. label: its column of labels, where it has one."""
    dialect = sniff(source)
    lines = read_lines(source, dialect.delimiter, len(edit.keep), lines=dialect.skipped)
    changed: dict[int, dict[int | str, bytes]] = {}
    if label is not None and edit.examples:
        at = dialect.names.index(label)
        raw = {to: lines.cell(row, at) for to, row in edit.examples.items()}
        changed = {
            row: {at: raw[int(edit.to[row])]} for row in np.flatnonzero(edit.keep & (edit.to != UNLABELLED)).tolist()
        }
    lines.write(target, edit.keep, changed)


def _write_labels(given: Path, edit: Edit, out: Path) -> str:
    """The labels in the form that they were brought in; returns their name in the folder."""
    files = files_of(given)
    forms = {open_source(file).form for file in files}
    name = given.name if given.name != TABLE and not (out / given.name).exists() else f"labels-{given.name}"
    if forms <= {"parquet", "arrow"}:
        targets = [out / name] if given.is_file() else [out / name / file.name for file in files]
        rewrite(files, targets, [_label_column(files[0])], edit)
    elif forms == {"csv"} and len(files) == 1:
        _edit_text(files[0], out / name, _label_column(files[0]), edit)
    elif forms == {"npz"} and len(files) == 1:
        _edit_archive(files[0], out / name, _label_column(files[0]), edit)
    else:
        name = given.name if forms == {"npy"} and given.is_file() else LABELS
        parts = [open_source(file).values(_label_column(file)) for file in files]
        whole = np.concatenate(parts)
        if whole.dtype.hasobject:
            whole = np.array(["" if value is None else str(value) for value in whole.tolist()])
        write_array(out / name, edited(whole, edit, labels=True))
    return name


def _label_column(file: Path) -> str:
    from core.audit.readers.labels import label_column

    source = open_source(file)
    try:
        return label_column(source).name
    finally:
        source.close()
