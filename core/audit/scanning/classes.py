"""One class at a time: which rows it has, how they are read, and what SPECTRE makes of them."""

from __future__ import annotations

import mmap
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.defenses import Spectre, check_features, non_finite_rows
from core.foundation.errors import InputError

CAP = 0.33  # of the rows of a class, at most, are assumed to be poison
MIN_ROWS = 8  # fewer leave one dimension to compare (K is a quarter of the rows), so nothing to whiten
COLUMN_ORDER_LIMIT = 2**30  # bytes of a file stored column by column that are read whole


@dataclass(frozen=True)
class Mapped:
    """A table in a file, opened anew for each class, so that pages once touched do not stay in memory."""

    path: Path
    dtype: np.dtype
    shape: tuple[int, int]
    offset: int

    def take(self, rows: np.ndarray) -> np.ndarray:
        """A copy of those rows: (len(rows), d)."""
        table = np.memmap(self.path, self.dtype, "r", self.offset, self.shape)
        return np.asarray(table[rows])  # the map is closed with its last reference, at the return


Table = Mapped | np.ndarray


@dataclass(frozen=True)
class Task:
    """A class to be fitted."""

    label: int
    rows: np.ndarray  # (n,) int64, ascending: its rows in the whole table
    poisons: int  # assumed in this class


@dataclass(frozen=True)
class ClassResult:
    """What the fit of one class gave. Plain JSON values."""

    label: int
    n: int
    poisons: int  # assumed in this class: the number asked for, or the cap
    objective: float | None  # None where the class could not be fitted
    k: int | None
    dimensions: int | None  # K, in which the candidates were compared
    removed: list[int]  # rows of the whole table that are removed where this class is filtered
    warnings: list[str]
    reason: str  # why it could not be fitted
    seconds: float


def as_table(features: np.ndarray) -> Table:
    """The features as something rows can be taken from class by class. Raises InputError; reads no values."""
    if features.ndim != 2:
        raise InputError(f"features must be a table of shape (rows, features), not {features.shape}")
    if features.dtype.kind not in "fiu":
        raise InputError(f"features must be numbers, not {features.dtype}")
    n, d = features.shape
    if n < 1 or d < 1:
        raise InputError(f"features have {n} row(s) and {d} column(s); at least 1 of each is needed")
    base: object = features.base  # the map itself for a whole file, another array for a part of one
    if not (isinstance(features, np.memmap) and isinstance(base, mmap.mmap)):
        return features
    if not features.flags.c_contiguous:
        if features.nbytes > COLUMN_ORDER_LIMIT:
            raise InputError(
                f"{features.filename} is stored column by column, so that every row is spread over the whole file; "
                "save it with np.save(path, np.ascontiguousarray(features))"
            )
        return np.ascontiguousarray(features)
    return Mapped(Path(str(features.filename)), features.dtype, (n, d), int(features.offset))


def split_classes(labels: np.ndarray, poisons: int) -> list[Task]:
    """One task for each label (n,) that occurs, by ascending label."""
    order = np.argsort(labels, kind="stable")
    values, starts = np.unique(labels[order], return_index=True)
    parts = np.split(order, starts[1:])
    return [
        Task(int(label), rows, min(poisons, int(CAP * len(rows)))) for label, rows in zip(values, parts, strict=True)
    ]


def fit_class(task: Task, features: Table, device: str = "cpu") -> ClassResult:
    """Check and fit one class. features: the whole table in its file, or the rows of this class.

    A class that cannot be fitted gives a result with a reason. Raises InputError for values that are not finite.
    """
    started = time.perf_counter()
    x = features.take(task.rows) if isinstance(features, Mapped) else features
    _check_values(x, task)
    if len(task.rows) < MIN_ROWS:
        return _unfitted(task, f"{len(task.rows)} row(s), at least {MIN_ROWS} are needed", started)
    try:
        fit = Spectre(n_poisons=task.poisons, device=device).fit(x).fit_
    except InputError as problem:
        return _unfitted(task, str(problem), started)
    return ClassResult(
        label=task.label,
        n=len(task.rows),
        poisons=task.poisons,
        objective=fit.best.objective,
        k=fit.k,
        dimensions=fit.dimensions,
        removed=task.rows[fit.removed.cpu().numpy()].tolist(),
        warnings=list(fit.warnings),
        reason="",
        seconds=round(time.perf_counter() - started, 3),
    )


def _check_values(x: np.ndarray, task: Task) -> None:
    """Raise InputError for a value that cannot be worked with; rows are named as they are counted in the file."""
    bad = task.rows[non_finite_rows(x)]
    if len(bad):
        raise InputError(
            f"row {bad[0]} (label {task.label}) has a value that is not finite "
            f"({len(bad)} such row(s) of that label); drop or mend them"
        )
    check_features(x, 0, at_least=1)


def _unfitted(task: Task, reason: str, started: float) -> ClassResult:
    seconds = round(time.perf_counter() - started, 3)
    return ClassResult(task.label, len(task.rows), task.poisons, None, None, None, [], [], reason, seconds)
