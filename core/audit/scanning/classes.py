"""One class at a time: which rows it has, how they are read, and what SPECTRE makes of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from core.audit.assumed import Assumed
from core.audit.groups import CANDIDATE, GENEROUS, Group, group_record, groups_of_fit, pooled_weight
from core.audit.table import Part
from core.foundation import devices
from core.foundation.errors import InputError
from core.foundation.rows import as_tensor, check_features
from core.robust import ConvergenceError, SpectreFit, fit_spectre_of_many

CAP = 0.33  # of the rows of a class, at most, are assumed to be poison
ALIKE = 1.5  # times as many or as few: close enough for SPECTRE, which removes so many times the number it is told
MIN_ROWS = 8  # fewer leave one dimension to compare (K is a quarter of the rows), so nothing to whiten


@dataclass(frozen=True)
class Task:
    """A class to be fitted."""

    label: int
    rows: np.ndarray  # (n,) int64, ascending: its rows in the whole table, without those set aside
    poisons: int  # assumed in this class
    automatic: bool = False  # that number is a beginning: as many as form groups are assumed in the end
    n: int = 0  # rows of the class, those set aside included; 0 for as many as rows
    misfits: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))  # of its rows, in no group of the class
    pooled: np.ndarray | None = None  # (n, r) its rows in deviations of the rows within all classes

    @property
    def total(self) -> int:
        """Rows that carry the label."""
        return self.n or len(self.rows)


@dataclass(frozen=True)
class ClassResult:
    """What the fit of one class gave. Plain JSON values."""

    label: int
    n: int
    poisons: int  # assumed in this class: what was asked for, or the cap
    objective: float | None  # None where the class could not be fitted
    k: int | None
    dimensions: int | None  # K, in which the candidates were compared
    removed: list[int]  # rows of the whole table that are removed where this class is filtered
    warnings: list[str]
    reason: str  # why it could not be fitted
    seconds: float
    pooled_weight: float = 0.0  # of the covariance of all classes where groups are looked for
    groups: list[dict[str, Any]] = field(default_factory=list)  # see `core.audit.groups.group_record`


def split_classes(labels: np.ndarray, poisons: Assumed) -> list[Task]:
    """One task for each label (n,) that occurs, by ascending label."""
    order = np.argsort(labels, kind="stable")
    values, starts = np.unique(labels[order], return_index=True)
    parts = np.split(order, starts[1:])
    return [
        Task(int(label), rows, capped(poisons, len(rows)), poisons.automatic)
        for label, rows in zip(values, parts, strict=True)
    ]


def capped(poisons: Assumed, n: int) -> int:
    """How many poisons are assumed in a class of n rows, to begin with."""
    return min(poisons.of(n), int(CAP * n))


def fit_class(task: Task, features: Part | np.ndarray, device: str = "cpu") -> ClassResult:
    """Fit one class, and look for groups in it. features: the rows of this class, or where they are.

    A class that cannot be fitted gives a result with a reason.
    """
    return fit_classes([task], [features], device)[0]


def fit_classes(tasks: Sequence[Task], features: Sequence[Part | np.ndarray], device: str) -> list[ClassResult]:
    """`fit_class` of several classes as one batch, for a GPU: the same results, each with its share of the time."""
    started = time.perf_counter()
    where = devices.for_linear_algebra(devices.resolve(device))
    problems = {i: reason for i, task in enumerate(tasks) if (reason := _too_few(task))}
    rows: dict[int, Tensor] = {}
    for i, part in enumerate(features):
        if i in problems:
            continue
        try:
            x = check_features(part.all() if isinstance(part, Part) else part, tasks[i].poisons)
            rows[i] = as_tensor(x, where)
        except InputError as problem:
            problems[i] = str(problem)
    found: dict[int, tuple[SpectreFit, list[Group]]] = {}
    for i, fit in _fits_of(rows, {i: tasks[i].poisons for i in rows}).items():
        if isinstance(fit, SpectreFit):
            found[i] = fit, _groups(tasks[i], fit)
        else:
            problems[i] = str(fit)
    better = {
        i: number
        for i, (_, groups) in found.items()
        if tasks[i].automatic and (number := _better_number(groups, tasks[i].poisons, len(rows[i])))
    }
    for i, fit in _fits_of(rows, better).items():
        if isinstance(fit, SpectreFit):
            found[i] = fit, _groups(tasks[i], fit)
    seconds = (time.perf_counter() - started) / max(len(tasks), 1)
    return [
        _fitted(task, *found[i], seconds) if i in found else _unfitted(task, problems[i], time.perf_counter() - seconds)
        for i, task in enumerate(tasks)
    ]


def _fits_of(rows: dict[int, Tensor], poisons: dict[int, int]) -> dict[int, SpectreFit | Exception]:
    """The fits of the classes with those numbers of poisons; where one does not converge, each by itself."""
    some = [rows[i] for i in poisons]
    try:
        return dict(zip(poisons, fit_spectre_of_many(some, list(poisons.values())), strict=True))
    except ConvergenceError as problem:
        if len(poisons) == 1:
            return dict.fromkeys(poisons, problem)
    return {i: fit for one, count in poisons.items() for i, fit in _fits_of(rows, {one: count}).items()}


def _too_few(task: Task) -> str:
    """Why a class cannot be fitted, empty where it can."""
    if len(task.rows) >= MIN_ROWS:
        return ""
    kept = "" if task.total == len(task.rows) else f" left of {task.total}, the others are broken or copies"
    return f"{len(task.rows)} row(s){kept}, at least {MIN_ROWS} are needed"


def _fitted(task: Task, fit: SpectreFit, groups: list[Group], seconds: float) -> ClassResult:
    return ClassResult(
        label=task.label,
        n=task.total,
        poisons=fit.poisons,
        objective=fit.best.objective,
        k=fit.k,
        dimensions=fit.dimensions,
        removed=task.rows[fit.removed.cpu().numpy()].tolist(),
        warnings=list(fit.warnings),
        reason="",
        seconds=round(seconds, 3),
        pooled_weight=0.0 if task.pooled is None else round(pooled_weight(*task.pooled.shape), 3),
        groups=[group_record(group, task.rows) for group in groups],
    )


def _better_number(groups: list[Group], assumed: int, n: int) -> int:
    """How many poisons to assume where groups stand apart; 0 where what was assumed is near enough."""
    rows = sum(len(group.rows) for group in groups if group.p_value(GENEROUS) <= CANDIDATE)
    better = min(rows, int(CAP * n))
    return 0 if assumed / ALIKE <= better <= ALIKE * assumed else better


def _groups(task: Task, fit: SpectreFit) -> list[Group]:
    """The groups among the rows that are not misfits; their rows are positions in the class."""
    own = np.flatnonzero(~np.isin(task.rows, task.misfits))
    if len(own) < MIN_ROWS:
        return []
    pooled = np.zeros((len(task.rows), 0), np.float32) if task.pooled is None else task.pooled
    return groups_of_fit(fit, pooled, own)


def _unfitted(task: Task, reason: str, started: float) -> ClassResult:
    seconds = round(time.perf_counter() - started, 3)
    return ClassResult(task.label, task.total, task.poisons, None, None, None, [], [], reason, seconds)
