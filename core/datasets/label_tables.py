"""Labels that stand in a table beside a folder of images: which file has which class."""

from __future__ import annotations

import json
import posixpath
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.datasets.columns import CLASS, PATH, Column, label_column
from core.datasets.tree import Tree, inside, parent, parents
from core.foundation.errors import InputError

MAX_BYTES = 2**28  # of a table
METADATA = ("metadata.csv", "metadata.jsonl")  # Hugging Face's names for a table that describes the images beside it
_SOME = 200  # rows that are looked at first


@dataclass(frozen=True)
class LabelTable:
    """A table whose rows name images."""

    path: str
    file_column: str
    rows: Mapping[str, int]  # the row of each image that one names
    columns: Sequence[Column]
    missing: int  # rows that name no image
    exact: int  # rows that name one by its path, not by its bare name
    places: Sequence[str | None] = ()  # the image that each row names
    headed: bool = True  # the first line names the columns; always of lines of JSON

    @property
    def metadata(self) -> bool:
        return _name(self.path).lower() in METADATA

    def labels(self, images: Iterable[str], asked: str = "") -> tuple[np.ndarray, str, str]:
        """The word that labels each of these images (n,), the column's name, and a note. Raises InputError."""
        choice = label_column([column for column in self.columns if column.name != self.file_column], asked)
        values = choice.column.values
        assert values is not None
        words = np.array([str(values[self.rows[image]]) for image in images])
        return words, choice.column.name, choice.note


def find_table(tree: Tree, folder: str, images: Sequence[str]) -> LabelTable | None:
    """The table that names most of these images of a folder, in it or in a folder above; None where none names half of them.

    Hugging Face's metadata first. Raises InputError where two name as many.
    """
    places = parents(folder)
    tables = [path for path in tree.tables if parent(path) in places]
    found = [table for path in tables if (table := _matched(tree.root, path, folder, images))]
    fit = [table for table in found if 2 * len(table.rows) >= len(images)]
    best = [table for table in fit if table.metadata] or fit
    best = [table for table in best if (len(table.rows), table.exact) == max((len(t.rows), t.exact) for t in best)]
    if len(best) > 1:
        nearest = max(table.path.count("/") for table in best)
        best = [table for table in best if table.path.count("/") == nearest]
    if len(best) > 1:
        raise InputError(
            f"{best[0].path} and {best[1].path} both say what the images of {folder or tree.root.name} are; keep one of them there"
        )
    return best[0] if best else None


def _matched(root: Path, path: str, folder: str, images: Sequence[str]) -> LabelTable | None:
    frame = _read(root / path)
    if frame is None or frame.empty:
        return None
    finder = _Finder(folder, parent(path), images)
    headed = not any(finder.find(str(name)) for name in frame.columns)
    if not headed:  # the first line is a row
        frame = pd.concat([pd.DataFrame([list(frame.columns)], columns=frame.columns), frame], ignore_index=True)
        frame.columns = pd.Index([f"column {i + 1}" for i in range(frame.shape[1])])
    counts = {name: sum(finder.find(value) is not None for value in frame[name][:_SOME]) for name in frame.columns}
    best = max(counts, key=lambda name: counts[name])
    if not counts[best]:
        return None
    places = [finder.find(value) for value in frame[best]]
    rows = {place: row for row, place in enumerate(places) if place is not None}
    columns = [
        Column(str(name), PATH if name == best else CLASS, False, frame[name].to_numpy(str).astype(object))
        for name in frame.columns
    ]
    exact = sum(finder.by_path(value) is not None for value in frame[best])
    return LabelTable(path, str(best), rows, columns, sum(place is None for place in places), exact, places, headed)


class _Finder:
    """Images by what a table may call them: the path from the folder, from the table or from the root; the name; the stem."""

    def __init__(self, folder: str, beside: str, images: Sequence[str]) -> None:
        self._folders = (folder, beside, "")
        self._paths = set(images)
        self._names = _unique((_name(image), image) for image in images)
        self._stems = _unique((_stem(image), image) for image in images)

    def find(self, value: str) -> str | None:
        name = _name(_path(value))
        return self.by_path(value) or self._names.get(name) or self._stems.get(name)

    def by_path(self, value: str) -> str | None:
        path = _path(value)
        return next((image for folder in self._folders if (image := inside(folder, path)) in self._paths), None)


def separator_of(file: Path) -> str:
    """What parts the cells of a table, by its first line."""
    with file.open(encoding="utf-8-sig", errors="replace") as opened:
        head = opened.readline(10_000)
    return max(",;\t", key=head.count)


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The images by what they are called, without those that share it."""
    listed = list(pairs)
    count = Counter(called for called, _ in listed)
    return {called: image for called, image in listed if count[called] == 1}


def _path(value: str) -> str:
    return posixpath.normpath(value.strip().replace("\\", "/"))


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _stem(path: str) -> str:
    return posixpath.splitext(_name(path))[0]


def _read(file: Path) -> pd.DataFrame | None:
    """All columns as words; None for what is no table."""
    try:
        if file.stat().st_size > MAX_BYTES:
            return None
        if file.suffix.lower() == ".jsonl":
            with file.open(encoding="utf-8") as lines:
                found = [json.loads(line) for line in lines if line.strip()]
            return pd.DataFrame(found).fillna("").astype(str) if all(isinstance(row, dict) for row in found) else None
        return pd.read_csv(
            file,
            sep=separator_of(file),
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            encoding_errors="replace",
        )
    except (OSError, ValueError, RecursionError):  # pandas' own errors are ValueErrors
        return None
