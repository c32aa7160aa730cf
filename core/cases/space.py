"""Where the rows of a look lie, as a page that only shows them reads it: no torch here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.cases.folder import CaseFolder
from core.foundation.errors import InputError


@dataclass(frozen=True)
class Look:
    """One layer of an audit."""

    number: int  # from 0
    layer: str  # "" for features as they were brought

    @property
    def folder(self) -> str:
        return f"look-{self.number}"


def looks_of(case: CaseFolder) -> list[Look]:
    """Those that the audit has, in their order; none before its features are there. Raises InputError."""
    layers = case.result.get("layers", [])
    if not isinstance(layers, list):
        raise InputError(f"{case.id}: result.json is damaged (its layers are no list)")
    return [Look(i, str(layer)) for i, layer in enumerate(layers)]


@dataclass(frozen=True)
class Space:
    """Where the rows of a look lie, class by class; what is not asked for stays on the disk."""

    labels: list[int]
    starts: list[int]  # one more than labels
    order: np.ndarray  # (m,) rows of the table
    vectors: np.ndarray  # (m, r)
    margin: np.ndarray  # (m,)
    nearest: np.ndarray  # (m,)

    def piece(self, label: int) -> slice:
        """Where a class lies; an empty piece for one without rows."""
        if label not in self.labels:
            return slice(0, 0)
        i = self.labels.index(label)
        return slice(self.starts[i], self.starts[i + 1])

    def rows(self, label: int) -> np.ndarray:
        """(n_c,) the rows of a class that were not set aside, as the table numbers them, ascending."""
        return self.order[self.piece(label)]

    def neighbours(self, vector: np.ndarray, label: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows of a class nearest to a place (r,), nearest first, and their distances in deviations."""
        part = self.piece(label)
        far = np.linalg.norm(np.asarray(self.vectors[part], np.float32) - vector.astype(np.float32), axis=1)
        order = np.argsort(far, kind="stable")[:count]
        return self.order[part][order], far[order]

    def place(self, row: int, label: int) -> int | None:
        """Position of a row of a class in the arrays; None where it was set aside."""
        rows = self.rows(label)
        at = int(np.searchsorted(rows, row))
        return self.piece(label).start + at if at < len(rows) and rows[at] == row else None


def space_of(case: CaseFolder, look: Look) -> Space:
    """The space of a look. Raises InputError."""
    told = case.read_object(f"{look.folder}/space.json")
    order, vectors, margin, nearest = (
        case.load_array(f"{look.folder}/{name}.npy", mapped=True) for name in ("order", "space", "margin", "nearest")
    )
    try:
        labels, starts = (
            [int(label) for label in told["labels"]],
            [*(int(start) for start in told["starts"]), int(told["rows"])],
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError(f"{case.id}: {look.folder}/space.json is damaged") from None
    if 0 in (order.ndim, vectors.ndim, margin.ndim, nearest.ndim):
        raise InputError(f"{case.id}: the files of {look.folder} do not fit together")
    if not len(order) == len(vectors) == len(margin) == len(nearest) == starts[-1] or len(labels) + 1 != len(starts):
        raise InputError(f"{case.id}: the files of {look.folder} do not fit together")
    return Space(labels, starts, order, vectors, margin, nearest)
