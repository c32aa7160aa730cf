"""What an audit says: findings of a kind, with rows and reasons.

poison         many rows that stand apart together, or come from one other class and share a mark
label-error    rows that lie with another class than the one whose label they carry
copy           rows equal or nearly equal to one that is kept
broken         rows that are no features: zeros, one value, out of scale
second-group   a large part of a class that is as wide as the rest of it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.audit.groups import SEPARATED, Group
from core.audit.misfits import MARKED, Misfits, Pair
from core.audit.overview import Overview
from core.audit.verdict import Judgement

LARGE = 0.15  # share of a class from which on a group that is as wide as the rest is taken for a natural one
WIDE = 0.5  # of the spread of the rest: a group that is as wide
SAME = 0.5  # of the smaller set of rows: a group and a pair that share so many are one finding
NOBODY = np.empty(0, np.int64)
KINDS = ("poison", "label-error", "copy", "broken", "second-group")


@dataclass(frozen=True)
class Finding:
    """Rows of one label that are wrong, or odd, in one way. Row numbers are those of the table."""

    label: int
    kind: str
    rows: np.ndarray  # (m,) int64, ascending
    scores: np.ndarray  # (m,) larger is surer; what it measures depends on the kind, see `in_words`
    nearest: np.ndarray  # (m,) label of the nearest other class of each row, -1 where there is none
    p_value: float | None
    share: float  # of the rows of the label
    nearest_label: int | None  # of most of its rows: for poison the likely source
    in_words: str
    removable: bool  # its rows are what should go, if anything should

    def as_json(self) -> dict[str, Any]:
        """Plain values; the rows are in findings.csv."""
        return {
            "label": self.label,
            "kind": self.kind,
            "rows": len(self.rows),
            "p_value": self.p_value,
            "share": float(f"{self.share:.6g}"),
            "nearest_label": self.nearest_label,
            "in_words": self.in_words,
            "removable": self.removable,
        }


def all_findings(
    labels: np.ndarray,
    overview: Overview,
    misfits: Misfits,
    judged: Mapping[int, Judgement],
    told: Callable[[int], str] = str,
) -> list[Finding]:
    """Every finding, poison first, then by kind; of a kind by falling number of rows. told: how a message calls a label."""
    sizes = dict(zip(*(part.tolist() for part in np.unique(labels, return_counts=True)), strict=True))
    look = _Look(overview, sizes, told)
    found = [finding for label in sorted(judged) for finding in _of_class(label, judged[label], misfits, look)]
    taken = np.concatenate([np.empty(0, np.int64), *(finding.rows for finding in found)])
    found += _label_errors(misfits, taken, labels, look)
    found += _set_aside(overview, labels, look)
    return sorted(
        found, key=lambda f: (KINDS.index(f.kind), 1.0 if f.p_value is None else f.p_value, -len(f.rows), f.label)
    )


class _Look:
    """What is known of rows by their numbers."""

    def __init__(self, overview: Overview, sizes: dict[int, int], told: Callable[[int], str]) -> None:
        self.overview, self.sizes, self.told = overview, sizes, told

    def nearest(self, rows: np.ndarray) -> np.ndarray:
        overview = self.overview
        if overview.against is None or len(overview.labels) < 2:
            return np.full(len(rows), -1)
        positions = np.searchsorted(overview.kept, rows)
        return overview.labels[overview.against.nearest.cpu().numpy()[positions]]

    def margin(self, rows: np.ndarray) -> np.ndarray:
        """How far misfits lie beyond the middle between their class and the nearest other: (m,)."""
        against = self.overview.against
        assert against is not None, "misfits are told by it"
        return against.margin.cpu().numpy()[np.searchsorted(self.overview.kept, rows)]

    def spread(self, rows: np.ndarray) -> float:
        """Median squared distance from the median, for each dimension; about 1 for the rows of a usual class."""
        w = self.overview.whitened(rows)
        return float(np.median(np.square(w - np.median(w, 0)).mean(1))) if w.size else 1.0

    def own(self, label: int) -> np.ndarray:
        overview = self.overview
        return overview.kept[overview.labels[overview.index] == label]


def _of_class(label: int, judged: Judgement, misfits: Misfits, look: _Look) -> list[Finding]:
    pairs = [pair for pair in misfits.pairs if pair.label == label]
    matches = [[pair for pair in pairs if _overlap(group.rows, pair.rows) >= SAME] for group in judged.groups]
    more: dict[int, list[np.ndarray]] = {pair.source: [] for pair in pairs}
    for group, matched in zip(judged.groups, matches, strict=True):
        if matched:  # rows of the group that are in no pair go with the first: both triggers of a class may lie along one direction
            more[matched[0].source].append(np.setdiff1d(group.rows, np.concatenate([pair.rows for pair in pairs])))
    found: list[Finding] = []
    seen: set[int] = set()
    for group, matched in zip(judged.groups, matches, strict=True):
        if not matched:
            found += _of_group(label, group, judged.p_value, look)
        for pair in matched:
            if pair.source not in seen:  # two groups may be parts of one pair: two triggers on images of one class
                found.append(_of_pair(pair, look, np.concatenate([*more[pair.source], NOBODY]), judged.p_value))
                seen.add(pair.source)
    return found + [_of_pair(pair, look, NOBODY, None) for pair in pairs if pair.source not in seen]


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    return len(np.intersect1d(one, other)) / max(1, min(len(one), len(other)))


def _of_pair(pair: Pair, look: _Look, more: np.ndarray, p_within: float | None) -> Finding:
    rows = np.union1d(pair.rows, more)
    p = min(pair.p_value, p_within) if p_within is not None else pair.p_value
    views = "seen within the class and across classes" if p_within is not None else "seen across classes"
    source = look.told(pair.source)
    if pair.shift >= MARKED:
        words = (
            f"{len(rows):,} rows lie with class {source} and are shifted together by {pair.shift:.1f} deviations or more "
            f"against its own rows, as by a mark ({views}); the likely source is class {source}. A systematic mistake "
            "between the two classes can look the same: the pictures settle it"
        )
    else:
        words = (
            f"{len(rows):,} rows all lie with class {source} and look like ordinary rows of it ({views}): a systematic "
            "mistake between the two classes, or poison that the network has not learned; the pictures settle it"
        )
    kind = "poison" if pair.shift >= MARKED else "label-error"
    return _finding(look, pair.label, kind, rows, look.margin(rows), p, words, source=pair.source)


def _of_group(label: int, group: Group, p: float | None, look: _Look) -> list[Finding]:
    rows, scores = group.rows, group.scores
    rest = np.setdiff1d(look.own(label), rows)
    spread, usual = look.spread(rows), look.spread(rest)
    share = len(rows) / look.sizes[label]
    if usual < WIDE and spread >= WIDE and len(rest) > len(rows):
        words = (
            f"two groups: {len(rest):,} rows lie much closer together than those of other classes do, {len(rows):,} as they "
            "do. The larger part looks poisoned, and the smaller is the clean one; nothing is removed unless you say so"
        )
        return [_finding(look, label, "poison", rest, np.zeros(len(rest)), p, words, removable=False)]
    if share >= LARGE and spread >= WIDE * usual:
        if group.separation < SEPARATED:
            return []  # hardly two groups
        words = f"{len(rows):,} rows form a second group as wide as the rest: natural, as far as these features tell"
        return [_finding(look, label, "second-group", rows, scores, p, words, removable=False)]
    words = (
        f"{len(rows):,} rows stand apart together, along a direction in which the rest hardly varies (seen within the class, "
        "robustly whitened); a small natural group can look the same: look at them"
    )
    return [_finding(look, label, "poison", rows, scores, p, words)]


def _label_errors(misfits: Misfits, taken: np.ndarray, labels: np.ndarray, look: _Look) -> list[Finding]:
    left = np.setdiff1d(misfits.rows, taken)
    found = []
    for label in np.unique(labels[left]):
        rows = left[labels[left] == label]
        words = (
            "1 row lies with another class: relabel or drop it"
            if len(rows) == 1
            else f"{len(rows):,} rows lie with another class each, without a direction in common: relabel or drop them"
        )
        found.append(_finding(look, int(label), "label-error", rows, look.margin(rows), None, words))
    return found


def _set_aside(overview: Overview, labels: np.ndarray, look: _Look) -> list[Finding]:
    away = overview.aside
    found = []
    for label in np.unique(labels[away.broken]):
        own = labels[away.broken] == label
        reasons = sorted({reason for reason, here in zip(away.reasons, own, strict=True) if here})
        some = "1 row is" if own.sum() == 1 else f"{int(own.sum()):,} rows are"
        words = f"{some} no features ({'; '.join(reasons[:3])}): extract again"
        found.append(_odd(int(label), "broken", away.broken[own], words, look))
    for label in np.unique(labels[away.copies]):
        own = labels[away.copies] == label
        originals = len(np.unique(away.originals[own]))
        some = "1 row is a copy" if own.sum() == 1 else f"{int(own.sum()):,} rows are copies"
        others = "another" if originals == 1 else f"{originals:,} others"
        words = f"{some} of {others}, or nearly: one of each is kept"
        found.append(_odd(int(label), "copy", away.copies[own], words, look))
    return found


def _odd(label: int, kind: str, rows: np.ndarray, words: str, look: _Look) -> Finding:
    share = len(rows) / look.sizes[label]
    return Finding(label, kind, rows, np.ones(len(rows)), np.full(len(rows), -1), None, share, None, words, False)


def _finding(
    look: _Look,
    label: int,
    kind: str,
    rows: np.ndarray,
    scores: np.ndarray,
    p: float | None,
    words: str,
    *,
    source: int | None = None,
    removable: bool = True,
) -> Finding:
    nearest = look.nearest(rows)
    names, counts = np.unique(nearest[nearest >= 0] if source is None else [source], return_counts=True)
    most = int(names[counts.argmax()]) if len(names) else None
    share = len(rows) / look.sizes[label]
    return Finding(label, kind, rows, scores, nearest, p, share, most, words, removable and kind == "poison")
