"""Images in parquet or Arrow, and in `.npz`: the same files without some of the rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from core.cases.cleaned.arrays import write_npz
from core.cases.cleaned.changes import Changes, Edit, edit_of
from core.cases.cleaned.columnar import rewrite
from core.cases.cleaned.copying import NoCopy, OnStep, check_room, files_under, put
from core.datasets import Arrays, ImageParquet, Npz, TablePlan
from core.foundation.errors import InputError
from core.foundation.files import write_json

UNLIKE = "the places of the rows in the data are not those of the audit; audit it again"


def write_tables(dataset: ImageParquet, changes: Changes, out: Path, link: bool, on_step: OnStep) -> list[str]:
    """The cleaned folder, or a folder with the cleaned file; returns notes. Raises InputError."""
    plan, path = dataset.plan(), Path(dataset.path)
    table = plan.tables[plan.chosen.train]
    rows = len(table)
    edit = edit_of(changes, _where(changes, [table.place(row) for row in range(rows)]), rows)
    root = path if path.is_dir() else path.parent
    paths = [folder / name for folder, names in _all(root) for name in names] if path.is_dir() else [path]
    gone = _pictures(plan, root, edit)
    if gone is not None and path.is_file():
        raise NoCopy(
            f"{path.name} names its images by their files alone; give the folder of both to get a cleaned copy"
        )
    own = set(table.files)
    kept = [file for file in paths if file not in own and file.resolve() not in (gone or ())]
    check_room(sum(f.stat().st_size for f in own) + (0 if link else sum(f.stat().st_size for f in kept)), out)
    names = [plan.columns.label.name, *(column.name for column in plan.columns.beside)]
    on_step(0.0)
    rewrite(table.files, [out / file.relative_to(root) for file in table.files], names, edit)
    on_step(0.7)
    for file in kept:
        put(file, out / file.relative_to(root), link)
    for file in table.files:
        _tell_saved(root, out, file, edit)
    readme = root / "README.md"
    counted = path.is_dir() and readme.is_file() and "num_examples" in readme.read_text("utf-8", "replace")
    return (
        ["README.md counts the rows as they were (num_examples); mend that before you publish the copy."]
        if counted
        else []
    )


def write_arrays(dataset: Arrays, changes: Changes, out: Path, on_step: OnStep) -> list[str]:
    """A folder with the cleaned .npz file; returns notes. Raises InputError."""
    path = Path(dataset.path)
    check_room(path.stat().st_size, out)
    with Npz(path) as archive:
        (train, *_), every = dataset.pairs(archive.names)
        labels = archive.read(train[1])
        paired = {name for pair in every for name in pair}
    n = len(labels)
    edit = edit_of(changes, _where(changes, [f"{train[0]}[{row}]" for row in range(n)]), n)
    beside = _of_length(path, n, paired) if len({_length(path, pair[1]) for pair in every}) == len(every) else []
    on_step(0.1)
    write_npz(path, out / path.name, {name: (edit, name == train[1]) for name in (*train, *beside)})
    told = f"The arrays {', '.join(beside)} have a value for each row, and lose the same rows."
    return [told] if beside else []


def _where(changes: Changes, places: Sequence[str]) -> np.ndarray:
    """(n,) the row of the table that is each row of the audit. Raises InputError where that is not clear."""
    found = {place: row for row, place in enumerate(places)}
    if len(found) < len(places):
        raise InputError(
            "two files of the data have one name, so that its rows cannot be told apart; rename one of them"
        )
    try:
        return np.array([found[place] for place in changes.files.tolist()], np.int64)
    except KeyError:
        raise InputError(UNLIKE) from None


def _all(root: Path) -> list[tuple[Path, list[str]]]:
    return [
        (root / folder, [name for name in names if (root / folder / name).is_file()])
        for folder, names in files_under(root)
    ]


def _pictures(plan: TablePlan, root: Path, edit: Edit) -> set[Path] | None:
    """Of a table that names its images by their files: those that no row names any more. None where it holds them itself."""
    table, name = plan.tables[plan.chosen.train], plan.columns.image.name
    first = next(iter(table.cells(name, root)))
    if not isinstance(first, Path):
        return None
    named: dict[bool, set[Path]] = {True: set(), False: set()}
    for keep, cell in zip(edit.keep.tolist(), table.cells(name, root), strict=True):
        if isinstance(cell, Path):
            named[keep].add(cell.resolve())
    others = [other for part, other in plan.tables.items() if part != plan.chosen.train]
    elsewhere = {cell.resolve() for other in others for cell in other.cells(name, root) if isinstance(cell, Path)}
    return named[False] - named[True] - elsewhere


def _tell_saved(root: Path, out: Path, file: Path, edit: Edit) -> None:
    """What save_to_disk keeps beside its files: another fingerprint, since caches go by it, and the number of rows."""
    folder = file.parent.relative_to(root)
    state, info = out / folder / "state.json", out / folder / "dataset_info.json"
    if file.suffix.lower() != ".arrow" or not (root / folder / "state.json").is_file():
        return
    told = json.loads((root / folder / "state.json").read_text("utf-8"))
    mark = sha256(f"{told.get('_fingerprint')}".encode() + edit.keep.tobytes() + edit.to.tobytes())
    _replaced(state, told | {"_fingerprint": mark.hexdigest()[:16]})
    try:
        about = json.loads((root / folder / "dataset_info.json").read_text("utf-8"))
        split = about["splits"][told["_split"]]
    except (OSError, ValueError, KeyError, TypeError):
        return
    _replaced(
        info, about | {"splits": about["splits"] | {told["_split"]: split | {"num_examples": int(edit.keep.sum())}}}
    )


def _replaced(file: Path, value: object) -> None:
    write_json(file, value)  # aside and renamed: a link to the original is never written through


def _length(path: Path, name: str) -> int:
    with Npz(path) as archive:
        array = archive.read(name)
        return len(array) if array.ndim else 0


def _of_length(path: Path, n: int, paired: set[str]) -> list[str]:
    """Further arrays with a value for each row."""
    with Npz(path) as archive:
        return [
            name
            for name in archive.names
            if name not in paired and (array := archive.read(name)).ndim and len(array) == n
        ]
