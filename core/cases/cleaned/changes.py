"""What decisions change: in the rows of the audit, and in the rows of one table that holds them among others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.cases.decisions import Decisions, resolve
from core.cases.folder import CaseFolder
from core.foundation.errors import InputError
from core.foundation.labels import UNLABELLED


@dataclass(frozen=True)
class Changes:
    """Of the n rows of an audit."""

    labels: np.ndarray  # (n,) int64, as they are; -1: none
    files: np.ndarray  # (n,) str
    removed: np.ndarray  # (n,) bool
    to: np.ndarray  # (n,) int64, the new label; -1 where it stays
    names: Mapping[int, str]  # of labels that have one
    classes: frozenset[str]  # by name, those of rows that have a label

    def name(self, label: int) -> str:
        """Of a class, its number where it has none."""
        return self.names.get(label, str(label))

    def counts(self) -> dict[str, int]:
        """Rows of each class afterwards, by its name."""
        after = np.where(self.to != UNLABELLED, self.to, self.labels)[~self.removed]
        labels, counts = np.unique(after, return_counts=True)
        found = {self.name(int(label)): int(count) for label, count in zip(labels, counts, strict=True)}
        return {name: count for name, count in found.items() if name in self.classes}

    def told(self) -> list[str]:
        """The class of each row that stays and has a label, by name, in their order."""
        after = np.where(self.to != UNLABELLED, self.to, self.labels)
        return [
            self.name(int(label))
            for label in after[~self.removed & ((self.to != UNLABELLED) | (self.labels != UNLABELLED))]
        ]


@dataclass(frozen=True)
class Edit:
    """What becomes of the N rows of a table."""

    keep: np.ndarray  # (N,) bool
    to: np.ndarray  # (N,) int64, the new label; -1 where it stays
    examples: Mapping[
        int, int
    ]  # for each label that is given anew a row that has it: how it is written there is how it is written

    def part(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Which rows of a file of the table stay, and what labels they get."""
        return self.keep[start:stop], self.to[start:stop]

    def moved(self, where: np.ndarray, rows: int) -> Edit:
        """The same for another table of so many rows, in which row i stands at where[i]; rows that are none of these stay."""
        keep, to = np.ones(rows, bool), np.full(rows, -1, np.int64)
        keep[where], to[where] = self.keep, self.to
        return Edit(keep, to, {label: int(where[row]) for label, row in self.examples.items()})


def changes_of(case: CaseFolder, decisions: Decisions) -> Changes:
    """Raises InputError where a row is to get the label of a class that is not there."""
    table, frame = case.load_rows(), resolve(case, decisions)
    labels, n = table["label"].to_numpy(np.int64), len(table)
    removed, to = np.zeros(n, bool), np.full(n, -1, np.int64)
    rows, do = frame["row"].to_numpy(np.int64), frame["do"].to_numpy()
    removed[rows[do == "remove"]] = True
    to[rows[do == "relabel"]] = frame["to"].to_numpy(np.int64)[do == "relabel"]
    data = case.read_object("data.json")
    names = {int(label): str(name) for label, name in data.get("names", {}).items()}
    there = set(labels.tolist())
    if strange := sorted(set(to[to != UNLABELLED].tolist()) - there):
        known = ", ".join(names.get(label, str(label)) for label in sorted(there - {-1})[:10])
        raise InputError(f"a row is to be relabelled {strange[0]}, which no row has as its label; there are {known}")
    return Changes(labels, table["file"].to_numpy(object), removed, to, names, frozenset(map(str, data["class_names"])))


def edit_of(changes: Changes, where: np.ndarray, rows: int) -> Edit:
    """The same for a table. where: (n,) int64, the row of the table that is each row of the audit. rows: of the table."""
    wanted = np.unique(changes.to[changes.to != UNLABELLED]).tolist()
    examples = {label: int(np.flatnonzero(changes.labels == label)[0]) for label in wanted}
    return Edit(~changes.removed, changes.to, examples).moved(where, rows)


def check_left(changes: Changes, least: int) -> None:
    """Raise InputError where a class would be left with fewer rows than that, so that nobody could read what is left."""
    after = changes.counts()
    for name in sorted(changes.classes):
        if after.get(name, 0) < least:
            raise InputError(
                f"class {name} would be left with {after.get(name, 0)} row(s), and a set of images needs "
                f"{least} of each class; decide otherwise on some of its rows, or write the lists alone with --lists-only"
            )
