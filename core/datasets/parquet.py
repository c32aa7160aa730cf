"""Images in tables as Hugging Face lays them out: a column of images, and one of labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.datasets import hub
from core.datasets.base import Report
from core.datasets.brought import BroughtSet, EncodedPart, check_test_classes, decoded_parts, labelled_rows
from core.datasets.columns import Column, image_column, label_column, names_beside, told_by
from core.datasets.decode import UnlikeSizes, decode_all
from core.datasets.labels import Classes, classes_of
from core.datasets.parts import Chosen, choose
from core.datasets.picture import Source
from core.datasets.tables import Table
from core.foundation.errors import InputError
from core.foundation.images import LeftOut, Reading, Split
from core.foundation.labels import UNLABELLED
from core.foundation.params import param

MAX_NUMBER = 1_000_000  # of a class that is named by a column beside the labels


@dataclass(frozen=True)
class ImageParquet(BroughtSet):
    """A parquet file; a folder of them, a clone from the Hub included; or what `save_to_disk` writes."""

    key: ClassVar[str] = "parquet"
    title: ClassVar[str] = "Image parquet"
    summary: ClassVar[str] = "Parquet or Arrow files in the layouts of Hugging Face: images and labels."
    training: ClassVar = {"epochs": 14, "batch_size": 128, "crop": 4}
    source: ClassVar[int] = 9  # CIFAR-10: truck
    target: ClassVar[int] = 4  # CIFAR-10: deer
    poisons: ClassVar[int] = 500

    path: str = param("", "A parquet file, a folder of them by part, or a folder of save_to_disk")
    size: int | None = param(None, "Resize to this side; empty keeps the size", unit="pixels", low=8, high=1024)
    mirror: bool = param(True, "A mirrored image keeps its meaning (photographs: yes; digits, signs: no)")
    skip_broken: bool = param(False, "Leave out images that cannot be read, instead of stopping")
    image_column: str = param("", "Column of the images; empty tells it from metadata, contents and names")
    label_column: str = param("", "Column of the labels; empty tells it from metadata, contents and names")

    def plan(self) -> TablePlan:
        """What would be read. Raises InputError."""
        root = self.root("the parquet file or its folder")
        found = hub.find(root)
        tables = {name: Table(files) for name, files in found.files.items()}
        if empty := [table for table in tables.values() if not len(table)]:
            raise InputError(f"{empty[0].files[0].name} has no rows")
        columns = TableColumns(tables, choose(found.parts).train, self.image_column, self.label_column)
        parts, left_out = _labelled(found.parts, tables, columns)
        chosen = choose(parts, self.split)
        left_out += [LeftOut(f"images of '{n}'", len(tables[n]), chosen.why_unused) for n in chosen.unused]
        used = [name for name in (chosen.train, chosen.test) if name]
        classes = columns.classes(used)
        check_test_classes(classes, f"the {chosen.test} file")
        return TablePlan(found, tables, columns, chosen, classes, tuple(left_out))

    def column_names(self) -> tuple[str, ...]:
        files = hub.find(self.root("the parquet file or its folder")).files.values()
        return tuple(dict.fromkeys(name for part in files for name in Table(part).schema.names))

    def load(self, seed: int, report: Report | None = None) -> Split:
        plan = self.plan()
        found, tables, columns, classes = plan.found, plan.tables, plan.columns, plan.classes
        used, left_out = [name for name in (plan.chosen.train, plan.chosen.test) if name], list(plan.left_out)
        encoded = []
        for name, numbers in zip(used, classes.numbers, strict=True):
            rows, missing = labelled_rows(numbers, f"images of '{name}'")
            left_out += missing
            encoded.append(self._decoded(name, tables[name], columns.image.name, rows, numbers[rows], report))
        images, notes = decoded_parts(encoded, classes.names, self.skip_broken, self.levels)
        if len({part.images.shape[1:3] for part in images}) > 1:
            raise UnlikeSizes(
                "training and test images differ in size; set a size to resize all: --set dataset.size=32"
            )
        reading = Reading(columns=(columns.image.name, columns.label.name), left_out=tuple(left_out))
        return self.cut(images, seed, [*found.notes, *columns.notes, *classes.notes, *notes], reading)

    def _decoded(
        self, name: str, table: Table, column: str, rows: np.ndarray, numbers: np.ndarray, report: Report | None
    ) -> EncodedPart:
        root = self.root("the parquet file or its folder")
        wanted = np.zeros(len(table), bool)
        wanted[rows] = True
        places = np.array([table.place(int(row)) for row in rows])
        cells = _those(table.cells(column, root if root.is_dir() else root.parent), wanted)
        decoded = decode_all(cells, len(rows), self.size, lambda i: str(places[i]), report)
        return EncodedPart(name, decoded, numbers, places)


def _those(cells: Iterator[Source], wanted: np.ndarray) -> Iterator[Source]:
    return (cell for cell, want in zip(cells, wanted, strict=True) if want)


class TableColumns:
    """The columns of images and labels, told from the training part."""

    image: Column
    label: Column
    beside: list[Column]  # others that are told by the label, and give it another name

    def __init__(self, tables: Mapping[str, Table], train: str, image: str, label: str) -> None:
        self._tables = tables
        columns = tables[train].columns()
        by_image, by_label = (
            image_column(columns, image),
            label_column([column for column in columns if column.name != image], label),
        )
        self.image, self.label = by_image.column, by_label.column
        self.notes = [note for note in (by_image.note, by_label.note) if note]
        self._beside = names_beside(columns, self.label)
        self.beside = told_by(columns, self.label)
        self._labels = {train: self.label.values}

    def labels(self, part: str) -> np.ndarray | None:
        """Of a part, read once; None where it has no such column."""
        if part not in self._labels:
            found = self._tables[part].column(self.label.name)
            self._labels[part] = found.values if found else None
        return self._labels[part]

    def classes(self, used: list[str]) -> Classes:
        labels = {f"column '{self.label.name}' of {part}": _known(self.labels(part)) for part in used}
        names = self._names(used)
        largest = max((_largest(v) for v in labels.values() if v.ndim == 1 and v.dtype.kind in "iuf"), default=-1)
        if names is not None and len(names) <= largest:
            names = None  # metadata with too few names is not trusted
        if names is None and self._beside and largest < MAX_NUMBER:
            names = [self._beside.get(i, str(i)) for i in range(largest + 1)]
        return classes_of(labels, names)

    def _names(self, used: list[str]) -> Sequence[str] | None:
        given = [self._tables[part].class_names(self.label.name) for part in used]
        told = [names for names in given if names]
        if len({names[: min(map(len, told))] for names in told}) > 1:
            raise InputError("the training and the test file name different classes")
        return max(told, key=lambda names: len(names)) if told else None


@dataclass(frozen=True)
class TablePlan:
    """What is read of tables, before any image is."""

    found: hub.Found
    tables: Mapping[str, Table]  # of each part
    columns: TableColumns
    chosen: Chosen
    classes: Classes  # of the training part, and of the part to test on
    left_out: tuple[LeftOut, ...]


def _largest(values: np.ndarray) -> int:
    """The largest label; -1 where there is none, or one that is no number, which is told where the labels are read."""
    there = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    return int(there.max()) if len(there) and np.isfinite(there).all() else -1


def _known(values: np.ndarray | None) -> np.ndarray:
    assert values is not None, "a part without labels is not used"
    return values


def _labelled(
    parts: Mapping[str, str | None], tables: Mapping[str, Table], columns: TableColumns
) -> tuple[dict[str, str | None], list[LeftOut]]:
    """The parts with a label in any row, and an account of the others."""
    kept, left_out = {}, []
    for name, part in parts.items():
        values = columns.labels(name)
        if values is None or (values.dtype.kind in "if" and not (values > UNLABELLED).any()):
            why = "all of its labels are -1 or missing" if values is not None else "it has no column of labels"
            left_out.append(LeftOut(f"images of '{name}'", len(tables[name]), f"{why}, so it is unlabelled"))
        else:
            kept[name] = part
    return kept, left_out
