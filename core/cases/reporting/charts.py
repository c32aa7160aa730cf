"""The figures of a finding: where its rows lie, what SPECTRE scores them, and the same statistic for every other class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.cases.class_view import ClassView
from core.cases.reporting.source import Source
from core.cases.reporting.wording import sentence
from core.cases.words import across_classes
from core.reports import smaller, thin
from core.reports.content import Bar, Bars, Figure, Group, Histogram, Scatter, View

ALL_POINTS = 40_000  # of all scatters of a report
POINTS = 6_000  # of one
ALL_THUMBNAILS = 6_000
SIDE = 32  # pixels of a picture that a point shows
BARS = 24  # classes that get a bar each; of more the spread is shown
CALLED = {
    "poison": "rows that look poisoned", "label-error": "rows that lie with another class", "second-group": "the second group",
}  # fmt: skip


@dataclass(frozen=True)
class Room:
    """How much a figure may hold, so that a report of many findings stays small."""

    points: int
    thumbnails: int


def room_for(scatters: int) -> Room:
    """Shared by so many scatters."""
    each = max(1, scatters)
    return Room(max(600, min(POINTS, ALL_POINTS // each)), max(60, ALL_THUMBNAILS // each))


def role_of(kind: str) -> str:
    return "poison" if kind == "poison" else "odd"


def figures(source: Source, finding: dict[str, Any], room: Room) -> list[Figure]:
    """Those that its kind and its class have, the projection first."""
    made: list[Figure] = []
    view = source.view(finding["label"]) if finding["kind"] in CALLED else None
    if view is not None:
        made.append(_scatter(source, finding, view, room))
        made.append(_margins(source, finding) if finding["kind"] == "label-error" else _scores(source, finding, view))
    return made + _controls(source, finding)


def budget_of(view: ClassView, count: int) -> int:
    """Position of the number of poisons that was tried and is nearest to the rows of a finding."""
    return int(np.abs(np.log(view.poisons / max(count, 1))).argmin())


def _groups(source: Source, finding: dict[str, Any], rows: np.ndarray) -> tuple[np.ndarray, list[Group]]:
    """(n,) which group each row belongs to: 0 the rest, 1 other findings, 2 this one."""
    group = np.zeros(len(rows), np.int64)
    group[np.isin(rows, source.findings["row"].to_numpy())] = 1
    group[np.isin(rows, source.of_finding(finding["finding"])["row"].to_numpy())] = 2
    counts = np.bincount(group, minlength=3)
    return group, [
        Group(f"{counts[0]:,} other rows of the class", "rest"),
        Group(f"{counts[1]:,} in another finding", "elsewhere"),
        Group(f"{counts[2]:,} {CALLED[finding['kind']]}", role_of(finding["kind"])),
    ]


def _scatter(source: Source, finding: dict[str, Any], view: ClassView, room: Room) -> Scatter:
    b = budget_of(view, finding["rows"])
    k = int(view.chosen[b])
    scores = view.scores[b, k]
    group, groups = _groups(source, finding, view.rows)
    drawn = thin(scores, group == 2, room.points)
    rows, n = view.rows[drawn], len(view.rows)
    pictures, which = _thumbnails(source, rows, group[drawn], scores[drawn], room.thumbnails)
    name, count = source.called(finding["label"]), int((group == 2).sum())
    caption = (
        f"{n:,} rows of {name} that were not set aside; SPECTRE at {int(view.poisons[b]):,} assumed poisons, k = {int(view.ks[k])}."
    )  # fmt: skip
    if len(drawn) < n:
        caption = (
            f"Showing {len(drawn):,} of {n:,} rows, spread over the scores; every row of the finding is kept. {caption}"
        )
    return Scatter(
        "Where the rows lie",
        (
            View("raw", view.raw[drawn], "two largest components, in deviations of the first"),
            View("naive", view.naive[drawn], "two largest components, each in its own deviations"),
            View("robust", view.robust[b, k][drawn].astype(np.float32), "whitened by the trusted rows, in their deviations"),
        ),
        2, group[drawn], groups, rows, [source.file(row) for row in rows.tolist()],
        [f"score {score:.3g}" for score in scores[drawn].tolist()],
        f"Scatter of {n:,} rows of {name}; the {count:,} of the finding are marked",
        caption, thumbnails=pictures, thumbnail=which, total=n,
    )  # fmt: skip


def _thumbnails(
    source: Source, rows: np.ndarray, group: np.ndarray, scores: np.ndarray, most: int
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Small pictures of the rows of the finding, then of the highest scores; and which of them shows each row."""
    if source.images is None:
        return None, None
    chosen = np.lexsort((-scores, group != 2))[:most]
    which = np.full(len(rows), -1)
    which[chosen] = np.arange(len(chosen))
    return smaller(np.asarray(source.images[rows[chosen]]), SIDE), which


def _scores(source: Source, finding: dict[str, Any], view: ClassView) -> Histogram:
    b = budget_of(view, finding["rows"])
    k = int(view.chosen[b])
    group, groups = _groups(source, finding, view.rows)
    scores, removed = view.scores[b, k], view.removed(b, k)
    low = float(scores[removed].min()) if removed.any() else float(scores.max())
    inside = int((removed & (group == 2)).sum())
    return Histogram(
        "SPECTRE's score", scores, group, groups, "QUE score, each mark ten times the one before",
        f"Histogram of the scores of {len(scores):,} rows; {inside:,} of {int((group == 2).sum()):,} rows of the finding lie beyond the cut",
        f"The cut removes {int(removed.sum()):,} rows, {inside:,} of the finding's {int((group == 2).sum()):,} among them. It is half as many "
        "again as the poisons assumed, as in the paper; the finding itself is told by the group, not by the cut.",
        log=True, cut=(low, "cut"), rug=frozenset({2}),
    )  # fmt: skip


def _margins(source: Source, finding: dict[str, Any]) -> Histogram:
    rows = source.space.rows(finding["label"])
    margin = np.asarray(source.space.margin[source.space.piece(finding["label"])])
    group, groups = _groups(source, finding, rows)
    return Histogram(
        "How far each lies towards another class", margin, group, groups,
        "deviations beyond the middle to the nearest other class",
        f"Histogram of {len(rows):,} rows; those right of zero lie nearer to another class than to {source.called(finding['label'])}",
        "Right of the line a row lies nearer to another class than to its own.",
        cut=(0.0, "the middle"), rug=frozenset({2}),
    )  # fmt: skip


@dataclass(frozen=True)
class _Statistic:
    column: str  # of summary["classes"]
    title: str
    axis: str
    share: bool  # of the rows of the class


SEPARATION = _Statistic(
    "separation", "Every class: how far its first group stands apart", "separation (Ashman's D)", False
)
MISFITS = _Statistic("misfits", "Every class: rows that lie with another one", "% of the class", True)
COPIES = _Statistic("copies", "Every class: copies", "% of the class", True)
BROKEN = _Statistic("broken", "Every class: broken rows", "% of the class", True)
STATISTICS = {
    "poison": (SEPARATION,), "second-group": (SEPARATION,), "label-error": (MISFITS,), "copy": (COPIES,), "broken": (BROKEN,),
}  # fmt: skip


def _controls(source: Source, finding: dict[str, Any]) -> list[Figure]:
    statistics: Sequence[_Statistic] = STATISTICS[finding["kind"]]
    record = source.record(finding["label"])
    if across_classes(finding, record):
        apart = (record.get("separation") or 0) >= source.summary["parameters"]["separation"]
        statistics = (SEPARATION, MISFITS) if apart else (MISFITS, SEPARATION)
    return [made for statistic in statistics if (made := _control(source, finding, statistic)) is not None]


def _control(source: Source, finding: dict[str, Any], statistic: _Statistic) -> Figure | None:
    own, others = None, []
    for record in source.summary["classes"]:
        value = record.get(statistic.column)
        if value is None:
            continue
        value = 100 * float(value) / max(1, record["n"]) if statistic.share else float(value)
        bar = Bar(
            source.called(record["label"]), value, _told(value, record, statistic),
            role_of(finding["kind"]) if record["label"] == finding["label"] else "rest", record["label"] == finding["label"],
        )  # fmt: skip
        if bar.marked:
            own = bar
        else:
            others.append(bar)
    if own is None or not others:
        return None
    above = sum(bar.value >= own.value for bar in others)
    says = (
        f"{own.name}: {own.told}; {above:,} of {len(others):,} other classes have as much or more, "
        f"the highest of them {max(others, key=lambda bar: bar.value).told}"
    )
    needed = float(source.summary["parameters"]["separation"])
    line = None if statistic.share else (needed, f"{needed:g}: a group of its own")
    if len(others) < BARS:
        bars = sorted([own, *others], key=lambda bar: -bar.value)
        return Bars(statistic.title, bars, statistic.axis, says, sentence(says), line)
    values = np.array([bar.value for bar in others])
    return Histogram(
        statistic.title, values, np.zeros(len(values), np.int64), (Group("other classes", "rest"),), statistic.axis, says,
        sentence(says), cut=line, own=(own.value, own.name), counted="classes",
    )  # fmt: skip


def _told(value: float, record: dict[str, Any], statistic: _Statistic) -> str:
    return f"{record[statistic.column]:,} of {record['n']:,}" if statistic.share else f"{value:.2f}"
