"""One class: the groups of rows that stand apart from the rest of it, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.robust import SpectreFit, Tails, fewest_rows, most_apart, whitened_by_inner

# Groups are looked for in the rows as SPECTRE whitens them, and as the innermost of them do: the nearest to the centre
# by the spread within all classes. A small share of them withstands a large group, a large one is more exact.
OWN = (0.75, 0.5)
POOLED = 0.5
ENOUGH = 4  # rows for each dimension: with fewer, the covariance of the class leans on that of all classes
MAX_GROUPS = 5
# Ashman's D from which on a group counts: where tails are heavy, natural groups of clean classes of networks reached 5.2; where
# they fall as t^-2 or faster, the groups that chance makes stayed below 4.
SEPARATED, SEPARATED_LIGHT = 5.25, 4.5
GENEROUS = 3.0  # rate of the tails with which a group is looked at; whether it counts is decided later
CANDIDATE = 0.05


@dataclass(frozen=True)
class Group:
    """Rows that stand apart, and all tests that were made when they were found. Row numbers are positions in the class."""

    rows: np.ndarray  # (m,) int64, ascending
    scores: np.ndarray  # (m,) how far out they lie, in robust deviations of the rest
    separation: float  # Ashman's D from the rest, the smaller of two
    tamed: float  # on the scale that tames tails
    tails: Tails
    fewest: int  # rows that could be called a group

    def p_value(self, rate: float) -> float:
        """Corrected for all tests of the class; rate: of the tails."""
        return self.tails.p_value(rate, self.fewest)


def groups_of(scores: Tensor, pooled: np.ndarray, whitened: Sequence[Tensor] = ()) -> list[Group]:
    """The groups of a class, most apart first; the last is one that does not stand apart, so that its tails are known.

    scores: (n, K) principal components of the rows of the class. pooled: (n, r) the same rows in deviations of the rows
    within all classes, r = 0 where that is not known. whitened: the rows (n, k) in further ways, as SPECTRE's fit has them.
    """
    n = len(scores)
    left = np.arange(n)
    found: list[Group] = []
    while len(left) > ENOUGH and len(found) <= MAX_GROUPS:
        some = torch.from_numpy(left).to(scores.device)
        views = [*(w[some] for w in whitened), *_views(scores[some], pooled[left])]
        apart = most_apart(views, clear=SEPARATED)
        members = np.flatnonzero(apart.members)
        group = Group(
            left[members], apart.positions[members], apart.separation, apart.tamed, apart.tails, fewest_rows(n)
        )
        found.append(group)
        if len(members) == 0 or len(members) >= len(left) / 2 or group.p_value(GENEROUS) > CANDIDATE:
            break
        left = np.delete(left, members)
    return found


def groups_of_fit(fit: SpectreFit, pooled: np.ndarray, own: np.ndarray | None = None) -> list[Group]:
    """The groups among the rows of a fit, as they are, as its best k whitens them, and as its largest does.

    pooled: see `groups_of`. own: positions of the rows that are looked at, None for all.
    """
    scores = fit.components.scores
    rows = np.arange(len(scores)) if own is None else own
    some = torch.from_numpy(rows).to(scores.device)
    largest = fit.candidates[-1]
    ways = [fit.best] if largest.k == fit.k else [fit.best, largest]
    found = groups_of(scores[some], pooled[rows], [way.whiten(scores)[some] for way in ways])
    return [replace(group, rows=rows[group.rows]) for group in found]


def _views(scores: Tensor, pooled: np.ndarray) -> list[Tensor]:
    """The rows whitened by the innermost of them, in the components of the class and among all classes."""
    n, k = scores.shape
    most = max(1, min(k, n // ENOUGH))
    w = torch.from_numpy(pooled).to(scores)
    start = (w - w.median(0).values).square().sum(1) if w.shape[1] else None
    views = [whitened_by_inner(scores[:, :most], share, start) for share in OWN]
    if w.shape[1]:
        views.append(whitened_by_inner(w, POOLED, start, shrink=pooled_weight(n, w.shape[1])))
    return views


def pooled_weight(n: int, dimensions: int) -> float:
    """How much the covariance of a class of n rows leans on that of all classes, 0 to 1, in the view that knows both."""
    return min(1.0, dimensions / n) if n else 0.0


def group_record(group: Group, rows: np.ndarray) -> dict[str, Any]:
    """A group as JSON values; rows: the numbers in the table of the rows of the class."""
    return {
        "rows": rows[group.rows].tolist(),
        "scores": [float(f"{score:.5g}") for score in group.scores],
        "separation": float(f"{group.separation:.5g}"),
        "tamed": float(f"{group.tamed:.5g}"),
        "beyond_start": group.tails.beyond_start.tolist(),
        "beyond_cut": group.tails.beyond_cut.tolist(),
        "ratios": group.tails.ratios.tolist(),
        "fewest": group.fewest,
    }


def group_from(record: dict[str, Any]) -> Group:
    """The group of a record; its row numbers are those of the table."""
    start, cut, ratios = (np.array(record[name]) for name in ("beyond_start", "beyond_cut", "ratios"))
    return Group(
        np.array(record["rows"], np.int64),
        np.array(record["scores"], np.float64),
        float(record["separation"]),
        float(record["tamed"]),
        Tails(start, cut, ratios),
        int(record["fewest"]),
    )
