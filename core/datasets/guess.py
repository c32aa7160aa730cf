"""Which source reads what lies at a path? Descriptions that a set brings along first, then its bytes, then names."""

from __future__ import annotations

import zipfile
from pathlib import Path

from core.datasets.columns import IMAGE, PATH, Column
from core.datasets.hub import tables_in
from core.datasets.npz import UNREADABLE
from core.datasets.picture import suffixes
from core.datasets.tables import Table
from core.datasets.toolbox import is_toolbox
from core.datasets.tree import walk
from core.foundation.errors import InputError
from core.foundation.files import given_path

_MAGIC = {b"PAR1": "parquet", b"ARRO": "parquet", b"\xff\xff\xff\xff": "parquet"}  # the last: Arrow's stream
_SAVED = ("dataset_dict.json", "state.json")


def kind_of(path: Path) -> str:
    """Key of the data set that reads it: "folder", "parquet", "arrays" or "toolbox". Raises InputError where none does, or two would."""
    path = given_path(path)
    if path.is_file():
        return _of_file(path)
    if not path.is_dir():
        raise InputError(f"{path} does not exist")
    if any((path / name).is_file() for name in _SAVED):
        return "parquet"
    if is_toolbox(path):
        return "toolbox"
    found = _with_images(path)
    if not found:
        return "folder"  # what is not one is told when it is read
    table, columns = found
    encoded = any(column.holds == IMAGE and not _by_name(table, column.name) for column in columns)
    if encoded and walk(path).images:
        raise InputError(
            f"{path} holds both tables of images ({table.files[0].name}) and image files; say which is meant: "
            "--as parquet or --as folder"
        )
    return "parquet"


def _of_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror})") from None
    if not head:
        raise InputError(f"{path} is empty (0 bytes)")
    if head[:4] in _MAGIC:
        columns = Table([path]).columns()
        if any(column.holds in (IMAGE, PATH) for column in columns):
            return _MAGIC[head[:4]]
        raise InputError(f"{path} has no column of images among: {', '.join(column.name for column in columns)}")
    if zipfile.is_zipfile(path):
        if _has_arrays(path):
            return "arrays"
        raise InputError(f"{path} is an archive of files; unpack it and give the folder")
    what = "a single image" if path.suffix.lower() in suffixes() else "no kind of file that is read here"
    raise InputError(
        f"{path} is {what}; give a folder of images, a parquet or Arrow file with images, or a .npz file of arrays"
    )


def _has_arrays(path: Path) -> bool:
    """Of an archive. Raises InputError for one that is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(".npy") for name in archive.namelist())
    except UNREADABLE:
        raise InputError(f"{path.name} is a damaged archive; fetch or write it again") from None


def _with_images(root: Path) -> tuple[Table, list[Column]] | None:
    """The first table in a folder that has a column of images, and all of its columns."""
    for file in tables_in(root):
        try:
            table = Table([file])
            columns = table.columns()
        except InputError:
            continue
        if any(column.holds in (IMAGE, PATH) for column in columns):
            return table, columns
    return None


def _by_name(table: Table, column: str) -> bool:
    """Whether a table has the names of its images alone, and these lie beside it."""
    first = next(iter(table.cells(column, table.files[0].parent)), b"")
    return not isinstance(first, bytes)
