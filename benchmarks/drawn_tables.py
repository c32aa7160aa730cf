"""Tables of features drawn with ordinary faults and with poison in them, the right answer beside each, for benchmarks/verdicts.py.

    PYTHONPATH=. python benchmarks/drawn_tables.py OUT [--seeds 10] [--first 0] [--only NAME,...] [--far 8]
    PYTHONPATH=. python benchmarks/drawn_tables.py        lists the cases and makes nothing

Rows of every case are drawn in a shape by its seed: normal with a spectrum in common, normal with directions of each class's
own, Student's t with 4 degrees of freedom, or rectified; 16 to 128 columns, 4 to 8 classes of 150 to 500 rows, but where the
case says otherwise. Poison is half as wide as its class and lies `far` deviations of it away, along a direction of its own
among those of less variance, where the top of the plain covariance does not look.

OUT/seed-S/CASE/features.npy  (n, d) float32
OUT/seed-S/CASE/labels.npy    (n,) int64
OUT/seed-S/CASE/kind.npy      (n,) int8: 0 ordinary, 1 poison, 2 label error, 3 copy, 4 broken, 5 second group
OUT/seed-S/expected.json      for each case the poisoned classes, and what a user would assume
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from core.foundation.files import write_array, write_json

SHAPES = ("normal", "own directions", "heavy tails", "rectified")
ORDINARY, POISON, LABEL_ERROR, COPY, BROKEN, GROUP = range(6)
FAR = 8.0  # deviations of its class from which poison is drawn away
ASSUMED = 20  # poisons, where there is none


class Shape:
    """How the ordinary rows of each class lie: around a centre of its own, with a falling spectrum."""

    def __init__(self, name: str, rng: np.random.Generator, classes: int, d: int) -> None:
        self.name, self.rng, self.classes = name, rng, classes
        self.scale = np.geomspace(3, 0.3, d)
        self.centres = rng.normal(size=(classes, d)) * rng.uniform(1, 5)
        own = name == "own directions"
        self.turns = [np.linalg.qr(rng.normal(size=(d, d)))[0] if own else np.eye(d) for _ in self.centres]

    def rows(self, label: int, n: int, *, wide: float = 1.0, away: np.ndarray | None = None) -> np.ndarray:
        """(n, d) rows of a class; wide: times the ordinary width; away: (d,) from its centre, in deviations along its axes."""
        noise = wide * self.rng.normal(size=(n, len(self.scale))) * self.scale @ self.turns[label]
        if self.name == "heavy tails":
            noise /= np.sqrt(self.rng.chisquare(4, size=(n, 1)) / 4)
        rows = noise + self.centres[label]
        if away is not None:
            rows = rows + away * self.scale @ self.turns[label]
        return np.maximum(rows, 0) if self.name == "rectified" else rows


class Table:
    """Ordinary classes, and what is added to them."""

    def __init__(
        self, seed: int, case: int, far: float, *, classes: int | None = None, rows: int | None = None
    ) -> None:
        rng = np.random.default_rng([seed, case, 14])
        classes = classes or int(rng.integers(4, 9))
        self.each = rows or int(rng.integers(150, 501))
        self.shape = Shape(SHAPES[(seed + case) % len(SHAPES)], rng, classes, int(rng.choice([16, 32, 64, 128])))
        self.rng, self.far = rng, far
        self.classes: list[int] = rng.permutation(classes).tolist()  # the first are those in which something is
        self.rows = [self.shape.rows(label, self.each) for label in range(classes)]
        self.labels = [np.full(self.each, label) for label in range(classes)]
        self.kinds = [np.full(self.each, ORDINARY) for _ in range(classes)]
        self.poisoned: dict[int, int] = {}

    def add(self, label: int, rows: np.ndarray, kind: int) -> Table:
        self.rows.append(rows)
        self.labels.append(np.full(len(rows), label))
        self.kinds.append(np.full(len(rows), kind))
        return self

    def poison(self, place: int, count: int) -> Table:
        """A tight cluster in a class."""
        label = self.classes[place]
        self.poisoned[label] = self.poisoned.get(label, 0) + count
        return self.add(label, self.shape.rows(label, count, wide=0.5, away=self._away(0.25)), POISON)

    def second_group(self, place: int, share: float) -> Table:
        """Ordinary rows about another centre."""
        label = self.classes[place]
        return self.add(label, self.shape.rows(label, round(share * self.each), away=self._away(0.0)), GROUP)

    def mislabelled(self, place: int, count: int) -> Table:
        """Rows of other classes, one after the other."""
        others = [label for label in range(self.shape.classes) if label != self.classes[place]]
        rows = [self.shape.rows(others[i % len(others)], 1) for i in range(count)]
        return self.add(self.classes[place], np.concatenate(rows), LABEL_ERROR)

    def mislabelled_everywhere(self, share: float) -> Table:
        for place in range(self.shape.classes):
            self.mislabelled(place, max(1, round(share * self.each)))
        return self

    def copies(self, place: int, count: int, spread: float) -> Table:
        """Of the first row of a class; spread: 0 for equal rows, or as a share of the deviations, the frames of a track."""
        label = self.classes[place]
        noise = spread * self.rng.normal(size=(count, len(self.shape.scale))) * self.shape.scale
        return self.add(label, self.rows[label][:1] + noise, COPY)

    def broken(self, place: int, spoil: Callable[[np.ndarray], np.ndarray]) -> Table:
        label = self.classes[place]
        return self.add(label, spoil(self.shape.rows(label, 1)), BROKEN)

    def _away(self, from_part: float) -> np.ndarray:
        """`far` deviations in a direction among the axes of less variance, all but the first part of them: (d,)."""
        d = len(self.shape.scale)
        direction = np.where(np.arange(d) >= from_part * d, self.rng.normal(size=d), 0.0)
        if self.shape.name == "rectified":
            direction = np.abs(direction)  # below zero there is nothing
        found: np.ndarray = self.far * direction / np.linalg.norm(direction)
        return found

    def write(self, folder: Path) -> None:
        write_array(folder / "features.npy", np.concatenate(self.rows).astype(np.float32))
        write_array(folder / "labels.npy", np.concatenate(self.labels).astype(np.int64))
        write_array(folder / "kind.npy", np.concatenate(self.kinds).astype(np.int8))

    def expected(self) -> dict[str, Any]:
        return {
            "poisoned": sorted(self.poisoned),
            "poisons": max(self.poisoned.values(), default=ASSUMED),
            "shape": self.shape.name,
        }


CASES: dict[str, Callable[[Callable[..., Table]], Table]] = {
    "clean": lambda table: table(),
    "one-class": lambda table: table().poison(0, 20),
    "two-classes": lambda table: table().poison(0, 20).poison(1, 20),
    "three-classes-in-all": lambda table: table(classes=3).poison(0, 20),
    "sixty-classes": lambda table: table(classes=60, rows=40).poison(0, 6),
    "two-triggers": lambda table: table().poison(0, 20).poison(0, 20),
    "mostly-poison": lambda table: table(rows=150).poison(0, 450),
    "second-group": lambda table: table().second_group(0, 0.4),
    "label-errors": lambda table: table().mislabelled(0, 5),
    "label-errors-everywhere": lambda table: table().mislabelled_everywhere(0.02),
    "copies": lambda table: table().copies(0, 30, 0.0),
    "track": lambda table: table().copies(0, 30, 0.05),
    "zeros": lambda table: table().poison(0, 20).broken(1, np.zeros_like),
    "large-row": lambda table: table().poison(0, 20).broken(1, lambda row: 1000 * row),
    "saturated": lambda table: table().broken(0, lambda row: np.full_like(row, 65504)),
    "poison-and-label-errors": lambda table: table().poison(0, 20).mislabelled_everywhere(0.02),
}


def write_tables(out: Path, seeds: Sequence[int], names: Sequence[str], far: float = FAR) -> None:
    """One folder a seed."""
    for seed in seeds:
        answers = {}
        for name in names:
            case = list(CASES).index(name)
            table = CASES[name](partial(Table, seed, case, far))
            folder = out / f"seed-{seed}" / name
            folder.mkdir(parents=True, exist_ok=True)
            table.write(folder)
            answers[name] = table.expected()
        write_json(out / f"seed-{seed}" / "expected.json", answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, help="folder for the tables; without it the cases are listed")
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--only", default=",".join(CASES), help="cases to make, with commas between them")
    parser.add_argument("--far", type=float, default=FAR, help="deviations of its class between poison and its centre")
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    if unknown := [name for name in names if name not in CASES]:
        parser.error(f"no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    if arguments.out is None:
        print("\n".join(CASES))
        return
    write_tables(arguments.out, range(arguments.first, arguments.first + arguments.seeds), names, arguments.far)


if __name__ == "__main__":
    main()
