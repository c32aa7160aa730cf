"""`scan`: which class is poisoned? SPECTRE on every class, and a test of whether one objective stands out."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.audit.scanning.classes import MIN_ROWS, ClassResult, Task, as_table, split_classes
from core.audit.scanning.progress import Progress, fingerprint
from core.audit.scanning.workers import Plan, fit_all, make_plan
from core.audit.verdict import LEVEL, Verdict, judge
from core.defenses import check_labels
from core.foundation import devices
from core.foundation.errors import InputError


@dataclass(frozen=True)
class State:
    """How far a scan is."""

    classes: int
    total_classes: int
    rows: int
    total_rows: int
    resumed: int  # classes that an earlier call had finished
    started_anew: bool  # an earlier call had begun with other inputs


@dataclass(frozen=True)
class Scan:
    """The outcome for all classes, by falling objective; those without one at the end."""

    results: tuple[ClassResult, ...]
    verdict: Verdict  # positions are those of `results`
    filtered: int | None  # the label whose removals count
    shape: tuple[int, int]
    poisons: int
    plan: Plan
    device: str
    resumed: int
    seconds: float

    @property
    def suspect(self) -> int | None:
        """The label that stands out, None where none does."""
        return None if self.verdict.suspect is None else self.results[self.verdict.suspect].label

    @property
    def removed(self) -> np.ndarray:
        """(n,) bool over all rows, True = remove."""
        mask = np.zeros(self.shape[0], bool)
        for result in self.results:
            if result.label == self.filtered:
                mask[result.removed] = True
        return mask


def scan(
    features: np.ndarray,
    labels: np.ndarray,
    poisons: int,
    *,
    label: int | None = None,
    level: float = LEVEL,
    workers: int | None = None,
    device: str = "auto",
    progress: Path | None = None,
    on_state: Callable[[State], None] | None = None,
) -> Scan:
    """Fit every class, and say which stands out.

    features: (n, d), best memory-mapped: only the rows of the classes at work are in memory. labels: (n,) whole
    numbers in any order. poisons: assumed in the poisoned class; at most CAP of a class's rows are assumed in it.
    label: the class to filter; None for the suspect, if there is one. level: of the test, see `core.audit.verdict`.
    progress: file that keeps finished classes, so that a call that was stopped goes on; gone after a full scan.
    Raises InputError for input that cannot be used.
    """
    started = time.perf_counter()
    if poisons < 1:
        raise InputError(f"{poisons} poisons: a scan sets rows aside in every class, so it needs to assume at least 1")
    if not 0 < level < 1:
        raise InputError(f"level = {level:g} must lie between 0 and 1")
    table = as_table(features)
    checked = check_labels(labels, table.shape[0])
    tasks = split_classes(checked, poisons)
    _check_label(label, tasks)
    where = devices.for_linear_algebra(devices.resolve(device))
    kept = Progress(progress, fingerprint(table, checked, poisons), tasks) if progress else None
    results = dict(kept.finished) if kept else {}
    resumed, left = len(results), [task for task in tasks if task.label not in results]
    plan = make_plan(left, workers, where)

    def tell() -> None:
        if on_state:
            rows = sum(result.n for result in results.values())
            on_state(State(len(results), len(tasks), rows, len(labels), resumed, bool(kept and kept.started_anew)))

    tell()
    try:
        with closing(fit_all(left, table, where, plan)) as finished:
            for result in finished:
                results[result.label] = result
                if kept:
                    kept.append(result)
                tell()
    except InputError:
        if kept:
            kept.remove()  # the file has to be mended, and will be another one
        raise
    except BrokenExecutor:
        raise InputError(
            "a worker process was ended from outside, perhaps for lack of memory; lower --workers and call again: "
            "finished classes are kept"
        ) from None
    ranked = tuple(sorted(results.values(), key=lambda r: (r.objective is None, -(r.objective or 0), r.label)))
    verdict = _verdict(ranked, level)
    suspect = None if verdict.suspect is None else ranked[verdict.suspect].label
    return Scan(
        results=ranked,
        verdict=verdict,
        filtered=suspect if label is None else label,
        shape=(table.shape[0], table.shape[1]),
        poisons=poisons,
        plan=plan,
        device=devices.describe(where),
        resumed=resumed,
        seconds=round(time.perf_counter() - started, 3),
    )


def _check_label(label: int | None, tasks: list[Task]) -> None:
    """Raise InputError for a class to filter that cannot be fitted."""
    if label is None:
        return
    sizes = {task.label: len(task.rows) for task in tasks}
    if label not in sizes:
        some = ", ".join(map(str, list(sizes)[:10])) + (", ..." if len(sizes) > 10 else "")
        raise InputError(f"no row has label {label}; the labels are: {some}")
    if sizes[label] < MIN_ROWS:
        raise InputError(f"label {label} has {sizes[label]} row(s), too few to filter; at least {MIN_ROWS} are needed")


def _verdict(ranked: tuple[ClassResult, ...], level: float) -> Verdict:
    """The test on the classes that have an objective: the first ones of the ranking."""
    fitted = [result for result in ranked if result.objective is not None]
    objectives = np.array([result.objective for result in fitted], dtype=np.float64)
    return judge(objectives, np.array([result.poisons / result.n for result in fitted]), level)
