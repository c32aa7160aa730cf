"""`scan`: which classes are poisoned? A look at all rows together, SPECTRE on every class, and a test of what stands apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.audit.assumed import Assumed, assumed
from core.audit.findings import Finding, all_findings
from core.audit.groups import group_from
from core.audit.labels import Labels, as_labels
from core.audit.misfits import Misfits, find_misfits
from core.audit.overview import Overview, SetAside, first_look
from core.audit.scanning.classes import MIN_ROWS, ClassResult, Task, capped, split_classes
from core.audit.scanning.progress import Progress, fingerprint
from core.audit.scanning.workers import Plan, fit_all, make_plan
from core.audit.table import Table, as_table, part_of
from core.audit.verdict import LEVEL, Judgement, judge
from core.foundation import devices
from core.foundation.cluster import Cluster
from core.foundation.errors import InputError


@dataclass(frozen=True)
class State:
    """How far a scan is."""

    classes: int  # that are finished
    total_classes: int
    rows: int  # of finished classes, or read so far
    total_rows: int
    resumed: int  # classes that an earlier call had finished
    started_anew: bool  # an earlier call had begun with other inputs
    reading: bool = False  # no class is looked at by itself yet; all rows are read, more than once


@dataclass(frozen=True)
class Scan:
    """The outcome for all classes, by falling objective; those without one at the end."""

    results: tuple[ClassResult, ...]
    findings: tuple[Finding, ...]
    judged: dict[int, Judgement]  # of every class that could be looked at
    aside: SetAside
    overview: Overview  # of the rows that carry a label, under numbers of their own
    misfits: np.ndarray  # (m,) ascending, rows nearer to another class than to their own
    numbers: np.ndarray  # (n',) int64, ascending, the rows that carry a label
    labels: Labels
    overlapping: int  # rows nearer to another class where the classes overlap too much for a finding
    level: float
    asked: int | None  # the label to filter, whatever the verdict
    shape: tuple[int, int]
    poisons: Assumed
    plan: Plan
    device: str
    resumed: int
    seconds: float

    @property
    def suspects(self) -> list[int]:
        """The labels that look poisoned, worst first."""
        return list(dict.fromkeys(finding.label for finding in self.findings if finding.kind == "poison"))

    @property
    def suspect(self) -> int | None:
        """The worst of them, None where there is none."""
        return next(iter(self.suspects), None)

    @property
    def filtered(self) -> tuple[int, ...]:
        """The labels whose removals count."""
        return tuple(self.suspects) if self.asked is None else (self.asked,)

    @property
    def removed(self) -> np.ndarray:
        """(n,) bool over all rows, True = remove."""
        mask = np.zeros(self.shape[0], bool)
        for label in self.filtered:
            mask[self._removed(label)] = True
        return mask

    def removed_of(self, label: int) -> int:
        """How many rows of a label are removed."""
        return len(self._removed(label)) if label in self.filtered else 0

    def _removed(self, label: int) -> np.ndarray:
        """Of a suspect the rows that look poisoned, of another class what SPECTRE removes."""
        poison = [finding for finding in self.findings if finding.label == label and finding.kind == "poison"]
        if not poison:
            removed = next(result.removed for result in self.results if result.label == label)
            return np.array(removed, np.int64)
        parts = [finding.rows for finding in poison if finding.removable or self.asked is not None]
        return np.unique(np.concatenate([np.empty(0, np.int64), *parts]))


def scan(
    features: Any,
    labels: Any,
    poisons: int | str | Assumed,
    *,
    label: int | str | None = None,
    level: float = LEVEL,
    workers: int | None = None,
    device: str = "auto",
    cluster: Cluster | None = None,
    progress: Path | None = None,
    stamp: Sequence[int | str] | None = None,
    on_state: Callable[[State], None] | None = None,
    on_class: Callable[[ClassResult], None] | None = None,
) -> Scan:
    """Look at all rows, fit every class, and say what is wrong with which of them.

    features: (n, d), best memory-mapped: only the rows of the classes at work are in memory; a tensor is as good. labels:
    (n,) in any order, see `core.audit.labels.as_labels`; rows without one are left out. poisons: assumed in a poisoned class: a number, a share of its rows ("2%"), or "auto" for as many as
    form groups; at most CAP of a class's rows are assumed in it.
    cluster: the machines that fit the classes, None for this one; the first look at all rows is this one's in any case.
    label: the class to filter, by number or name; None for the suspects, if there are any. level: see `core.audit.verdict`.
    progress: file that keeps finished classes, so that a call that was stopped goes on; gone after a full scan. stamp: what
    changes with the features, where these are a copy made for this call. on_class: told of every class as it gets finished, those
    that an earlier call had finished first; row numbers in it are those of the rows that carry a label.
    Raises InputError for input that cannot be used.
    """
    started = time.perf_counter()
    wanted = assumed(poisons)
    if wanted.of(1) < 1:
        raise InputError(f"{poisons} poisons: a scan sets rows aside in every class, so it needs to assume at least 1")
    if not 0 < level < 1:
        raise InputError(f"level = {level:g} must lie between 0 and 1")
    whole = as_table(features)
    given = labels if isinstance(labels, Labels) else as_labels(labels, whole.shape[0])
    numbers = np.flatnonzero(given.labelled)  # of the rows that take part; what follows counts these alone
    table: Table = whole if given.labelled.all() else part_of(whole, numbers)
    checked = given.numbers[numbers]
    tasks = split_classes(checked, wanted)
    asked = None if label is None else class_to_filter(label, given, {task.label: len(task.rows) for task in tasks})
    where = devices.for_linear_algebra(devices.resolve(device))

    def tell_rows(done: int) -> None:
        if on_state:
            on_state(State(0, len(tasks), done, len(checked), 0, started_anew=False, reading=True))

    overview = first_look(table, checked, where, tell_rows)
    misfits = find_misfits(overview)
    tasks = [_prepared(task, overview, misfits, wanted) for task in tasks]
    kept = Progress(progress, fingerprint(whole, given, wanted, stamp), tasks) if progress else None
    results = dict(kept.finished) if kept else {}
    resumed, left = len(results), [task for task in tasks if task.label not in results]
    plan = make_plan(left, workers, where, cluster)

    def tell() -> None:
        if on_state:
            rows = sum(result.n for result in results.values())
            on_state(State(len(results), len(tasks), rows, len(checked), resumed, bool(kept and kept.started_anew)))

    def tell_class(result: ClassResult) -> None:
        if on_class:
            on_class(result)

    for result in list(results.values()):
        tell_class(result)
    tell()
    try:
        with closing(fit_all(left, table, where, plan, overview.whitened, cluster)) as finished:
            for result in finished:
                results[result.label] = result
                if kept:
                    kept.append(result)
                tell_class(result)
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
    judged = judge({result.label: [group_from(group) for group in result.groups] for result in ranked}, level)
    findings = all_findings(checked, overview, misfits.at(level), judged, given.told)
    return Scan(
        results=tuple(replace(result, removed=numbers[result.removed].tolist()) for result in ranked),
        findings=tuple(replace(finding, rows=numbers[finding.rows]) for finding in findings),
        judged=judged,
        aside=overview.aside.among(numbers),
        overview=overview,
        misfits=numbers[misfits.rows],
        numbers=numbers,
        labels=given,
        overlapping=misfits.overlapping,
        level=level,
        asked=asked,
        shape=(whole.shape[0], whole.shape[1]),
        poisons=wanted,
        plan=plan,
        device=devices.describe(where),
        resumed=resumed,
        seconds=round(time.perf_counter() - started, 3),
    )


def _prepared(task: Task, overview: Overview, misfits: Misfits, poisons: Assumed) -> Task:
    """A class without the rows that are set aside, and with what is known of the others."""
    rows = np.intersect1d(task.rows, overview.kept, assume_unique=True)
    return replace(
        task,
        rows=rows,
        poisons=capped(poisons, len(rows)),
        n=len(task.rows),
        misfits=np.intersect1d(rows, misfits.scattered, assume_unique=True),
    )


def class_to_filter(given: int | str, labels: Labels, sizes: Mapping[int, int]) -> int:
    """The label of a class to filter by its number or name. sizes: rows of each. Raises InputError for one that is not there or
    cannot be fitted."""
    label = labels.number(given)
    if label is None or label not in sizes:
        some = ", ".join(labels.told(one) for one in list(sizes)[:10]) + (", ..." if len(sizes) > 10 else "")
        raise InputError(f"no row has label {given}; the labels are: {some}")
    if sizes[label] < MIN_ROWS:
        raise InputError(f"label {label} has {sizes[label]} row(s), too few to filter; at least {MIN_ROWS} are needed")
    return label
