"""What several defenses make of the same rows: who removes which, and what each finds at the same number removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.runs import detection


@dataclass(frozen=True)
class Part:
    """The rows that exactly these defenses remove, and no other."""

    members: tuple[str, ...]
    rows: np.ndarray  # positions, ascending
    poisons: int | None  # how many of them; None while the truth is hidden

    def __len__(self) -> int:
        return len(self.rows)


def parts(removed: Mapping[str, np.ndarray], truth: np.ndarray | None = None) -> list[Part]:
    """The non-empty intersections of masks (n,) bool, the largest first; rows that nobody removes are in none.

    Among equally large ones those of fewer defenses come first, then those of the earlier ones. At most 60 masks.
    """
    names = list(removed)
    code = np.zeros(len(next(iter(removed.values()))) if names else 0, np.int64)
    for i, name in enumerate(names):
        code |= removed[name].astype(np.int64) << i
    marked = np.flatnonzero(code)
    if not len(marked):
        return []
    order = marked[np.argsort(code[marked], kind="stable")]
    codes, starts = np.unique(code[order], return_index=True)
    found = []
    for value, rows in zip(codes, np.split(order, starts[1:]), strict=True):
        members = tuple(name for i, name in enumerate(names) if int(value) >> i & 1)
        found.append(Part(members, rows, None if truth is None else int(truth[rows].sum())))
    return sorted(found, key=lambda part: (-len(part), len(part.members), [names.index(m) for m in part.members]))


def ranks(scores: np.ndarray) -> np.ndarray:
    """(n,) int64: 1 for the most suspicious row; among equal scores the earlier row comes first."""
    found = np.empty(len(scores), np.int64)
    found[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return found


def highest(scores: np.ndarray, count: int) -> np.ndarray:
    """Mask (n,) of exactly `count` rows of largest score; of equal scores at the cut the earlier rows."""
    mask = np.zeros(len(scores), bool)
    mask[np.argsort(-scores, kind="stable")[:count]] = True
    return mask


@dataclass(frozen=True)
class Curve:
    """Poisons among the highest rows, as their number grows."""

    removed: np.ndarray  # numbers of rows, ascending, from 1 to n
    hits: np.ndarray  # poisons among them


def curve(scores: np.ndarray, truth: np.ndarray, points: int = 300) -> Curve:
    """How many poisons the 1, 2, ..., n highest rows hold; at about `points` numbers, evenly spaced in the logarithm."""
    n = len(scores)
    at = np.unique(np.geomspace(1, n, points).round().astype(np.int64)) if n else np.empty(0, np.int64)
    hits = np.cumsum(truth[np.argsort(-scores, kind="stable")])
    return Curve(at, hits[at - 1])


def matched(scores: Mapping[str, np.ndarray], truth: np.ndarray, count: int) -> dict[str, dict[str, Any]]:
    """`detection` of each defense where all remove exactly `count` rows."""
    return {name: detection(highest(values, count), truth) for name, values in scores.items()}
