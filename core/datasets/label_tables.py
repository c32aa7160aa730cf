"""Labels that stand in a table beside a folder of images: which file has which class."""

from __future__ import annotations

import json
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.datasets.columns import CLASS, PATH, Column, label_column
from core.datasets.tree import Tree, inside, parent, parents
from core.foundation.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

MAX_BYTES = 2**28  # of a table
METADATA = ("metadata.csv", "metadata.jsonl")  # Hugging Face's names for a table that describes the images beside it
_SOME = 200  # rows that are looked at first
_NONE = ("nan", "null")  # words, in small letters, that programs write for nothing
_WHOLE = re.compile(r"(-?\d+)\.0+")  # a whole number in a column that pandas has held as fractions, for one is missing


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
        words, listed = _words(values), list(images)
        again = self._named_again(set(listed), words)
        note = " ".join(filter(None, (choice.note, again)))
        return np.array([words[self.rows[image]] for image in listed]), choice.column.name, note

    def _named_again(self, images: Set[str], words: Sequence[str]) -> str:
        """A note on images that several lines name. Raises InputError where these differ in what the image is."""
        first: dict[str, int] = {}
        again = set()
        for row, place in enumerate(self.places):
            if place is None or place not in images:
                continue
            if words[first.setdefault(place, row)] != words[row]:
                raise InputError(
                    f"{self.path} says of {place} that it is '{words[first[place]]}' (row {first[place] + 1}) and that it is "
                    f"'{words[row]}' (row {row + 1}); keep one label an image"
                )
            if first[place] != row:
                again.add(place)
        return f"{self.path} names {len(again):,} images more than once, with the same label." if again else ""


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
        frame = _with_first_line(frame)
    best = max(frame.columns, key=lambda name: finder.named_by(frame[name][:_SOME]))
    if not any(finder.named_by(frame[best][:_SOME])):
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

    def named_by(self, values: Iterable[str]) -> tuple[int, int]:
        """How many images these name, and how many of them by their path: a column of labels names a few, by chance, again and again."""
        listed = list(values)
        return tuple(len({image for value in listed if (image := find(value))}) for find in (self.find, self.by_path))  # type: ignore[return-value]

    def by_path(self, value: str) -> str | None:
        path = _path(value)
        return next((image for folder in self._folders if (image := inside(folder, path)) in self._paths), None)


def _words(values: np.ndarray) -> list[str]:
    """The label of each row (n,) as a word, "" where there is none."""
    words = ["" if (word := str(value)).lower() in _NONE else word for value in values]
    whole = [_WHOLE.fullmatch(word) for word in words]
    if all(match or not word for word, match in zip(words, whole, strict=True)):
        return [match[1] if match else "" for match in whole]
    return words


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


def _with_first_line(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table where what was taken for the names of its columns is a row like the others."""
    import pandas as pd

    whole = pd.concat([pd.DataFrame([list(frame.columns)], columns=frame.columns), frame], ignore_index=True)
    return whole.set_axis([f"column {i + 1}" for i in range(whole.shape[1])], axis=1)


def _read(file: Path) -> pd.DataFrame | None:
    """All columns as words; None for what is no table."""
    import pandas as pd  # half a second to load, and most folders have no such table

    try:
        if file.stat().st_size > MAX_BYTES:
            return None
        if file.suffix.lower() == ".jsonl":
            with file.open(encoding="utf-8") as lines:
                found = [json.loads(line) for line in lines if line.strip()]
            if not all(isinstance(row, dict) for row in found):
                return None
            # of another type, whole numbers beside a null are fractions
            return pd.DataFrame(found, dtype=object).fillna("").astype(str)
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
