"""A folder of images without some of them, others in the folder of another class or with another label in the table."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.cases.cleaned.changes import Changes
from core.cases.cleaned.copying import OnStep, check_room, files_under, put
from core.cases.cleaned.lines import Lines, as_written, plain, read_lines, usual
from core.datasets import FolderPlan, ImageFolder, LabelTable, separator_of, told_by
from core.foundation.errors import InputError
from core.foundation.labels import UNLABELLED


@dataclass
class Moves:
    """What becomes of the files, by their paths from the root. What is in neither stays where it is."""

    gone: set[str] = field(default_factory=set)
    moved: dict[str, str] = field(default_factory=dict)

    def place(self, path: str) -> str | None:
        """Where a file goes; None where it is left out."""
        return None if path in self.gone else self.moved.get(path, path)


def write_tree(dataset: ImageFolder, changes: Changes, out: Path, link: bool, on_step: OnStep) -> list[str]:
    """The cleaned folder; returns notes. Raises InputError."""
    root = Path(dataset.path)
    plan = dataset.plan()
    listing = plan.listings[plan.chosen.train]
    files = [
        (folder, name) for folder, names in files_under(root) for name in names if (root / folder / name).is_file()
    ]
    by_folder = listing.columns is None
    moves = _moves(plan, changes, by_folder, {posixpath.join(*pair) for pair in files})
    tables = {listing.table.path: _edited(dataset, listing.table, changes, moves)} if listing.table else {}
    kept = [path for pair in files if moves.place(path := posixpath.join(*pair)) is not None]
    check_room(0 if link else sum((root / path).stat().st_size for path in kept), out)
    for folder, _ in files_under(root):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for i, path in enumerate(kept):
        if write := tables.get(path):
            write(out / path)
        else:
            put(root / path, out / (moves.place(path) or path), link)
        if i % 100 == 0:
            on_step(i / len(kept))
    others = [path for path in plan.tree.tables if path not in tables]
    said = f"{len(others):,} further tables beside the images are as they were ({', '.join(others[:3])})."
    return [said] if others else []


def _moves(plan: FolderPlan, changes: Changes, by_folder: bool, there: set[str]) -> Moves:
    moves, taken = Moves(), {path.casefold() for path in there}
    twins = [
        (folder, plan.layout.folders[name]) for folder, name in plan.layout.twins.items() if name == plan.chosen.train
    ]
    base = plan.listings[plan.chosen.train].folder
    for path in changes.files[changes.removed].tolist():
        moves.gone.update(_also(path, twins))
    for row in np.flatnonzero(changes.to != UNLABELLED).tolist() if by_folder else ():
        path = changes.files[row]
        rest = path[len(base) :].lstrip("/").partition("/")[2]
        target = _free(posixpath.join(base, changes.name(int(changes.to[row])), rest), taken)
        for old, new in zip(_also(path, twins), _also(target, twins), strict=True):
            moves.moved[old] = new
    return moves


def _also(path: str, twins: list[tuple[str, str]]) -> Iterator[str]:
    """The path, and the same in folders that hold the files of its part once more."""
    yield path
    for twin, folder in twins:
        yield twin + path[len(folder) :]


def _free(path: str, taken: set[str]) -> str:
    """The path, with a number behind its stem where there is such a file already; the same whatever the case of letters."""
    stem, suffix = posixpath.splitext(path)
    made, number = path, 1
    while made.casefold() in taken:
        number += 1
        made = f"{stem}-{number}{suffix}"
    taken.add(made.casefold())
    return made


@dataclass(frozen=True)
class _Table:
    """A table of labels, and what becomes of its lines."""

    lines: Lines
    keep: np.ndarray
    changed: Mapping[int, Mapping[int | str, bytes]]

    def __call__(self, target: Path) -> None:
        self.lines.write(target, self.keep, self.changed)


def _edited(dataset: ImageFolder, table: LabelTable, changes: Changes, moves: Moves) -> _Table:
    root, names = Path(dataset.path), [column.name for column in table.columns]
    file = root / table.path
    separator = None if file.suffix.lower() == ".jsonl" else separator_of(file)
    lines = read_lines(file, separator, len(table.places), records=int(table.headed and separator is not None))
    at = {name: (name if separator is None else i) for i, name in enumerate(names)}
    named = table.columns[names.index(table.file_column)].values
    if separator is not None and (named is None or lines.words(names.index(table.file_column)) != named.tolist()):
        raise InputError(f"{table.path} is written in a way that cannot be changed line by line")
    row_of = {path: row for row, path in enumerate(changes.files.tolist())}
    rows = np.array([row_of.get(path or "", -1) for path in table.places], np.int64)
    keep = ~((rows >= 0) & changes.removed[rows])
    given = _label_columns(dataset, table)
    anew = np.flatnonzero(keep & (rows >= 0) & (changes.to[rows] != UNLABELLED)).tolist()
    raw = {
        (name, label): usual(
            lines.cell(r, at[name]) for r in np.flatnonzero((rows >= 0) & (changes.labels[rows] == label)).tolist()
        )
        for name in given
        for label in np.unique(changes.to[rows[anew]]).tolist()
    }
    changed: dict[int, dict[int | str, bytes]] = {}
    for r in anew:
        path = changes.files[rows[r]]
        changed[r] = {at[name]: raw[name, int(changes.to[rows[r]])] for name in given}
        if path in moves.moved:
            where = at[table.file_column]
            changed[r][where] = _called(lines, lines.cell(r, where), path, moves.moved[path])
    return _Table(lines, keep, changed)


def _label_columns(dataset: ImageFolder, table: LabelTable) -> list[str]:
    """The column of labels and those that say the same; none where the table has none."""
    try:
        _, name, _ = table.labels([], dataset.label_column)
    except InputError:
        return []
    label = next(column for column in table.columns if column.name == name)
    return [name, *(column.name for column in told_by(table.columns, label))]


def _called(lines: Lines, cell: bytes, old: str, new: str) -> bytes:
    """What a table calls an image that has moved: by as much of its path as before, or by its name or stem alone."""
    import json

    said = json.loads(cell) if lines.separator is None else plain(cell)
    text = said.strip().replace("\\", "/")
    tail = posixpath.normpath(text)
    if old == tail or old.endswith(f"/{tail}"):
        made = new[len(old) - len(tail) :] if "/" in tail else posixpath.basename(new)
    elif text.endswith(posixpath.basename(old)):
        made = text[: -len(posixpath.basename(old))] + posixpath.basename(new)
    else:
        made = posixpath.splitext(posixpath.basename(new))[0]
    made = made.replace("/", "\\") if "\\" in said else made
    return json.dumps(made).encode() if lines.separator is None else as_written(cell, made, lines.separator)
