"""Rows that lie nearer to another class than to the one whose label they carry."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import special

from core.audit.overview import Overview

BEYOND = 1.5  # deviations past the middle between the two centres
FAR = 4.0  # deviations from the own centre towards the other
DECOYS = 0.1  # rows as far out on the other side, for each misfit: with more, the classes overlap and nobody is accused
COMMON = 0.1  # of all rows; with more misfits than that, too
FEWEST = 8  # rows that a pair of classes needs to be told
CANDIDATE = 0.05  # p-value up to which a pair keeps its rows together; whether it is told is decided by the level
SURE = 1.64  # standard errors by which a shift is told smaller than it was measured
MARKED = 1.2  # deviations across, by which the rows of a pair are shifted against the class they seem to come from


@dataclass(frozen=True)
class Pair:
    """Many rows of one label that lie with one other class. Row numbers are those of the table."""

    label: int
    source: int
    rows: np.ndarray
    p_value: float  # of their number, against the other pairs, corrected for the number of pairs
    shift: float  # at least, across the line between the two centres, in deviations; 0 for rows that are ordinary ones of the source


@dataclass(frozen=True)
class Misfits:
    """Rows nearer to another class, and how far."""

    rows: np.ndarray  # (m,) ascending, those of pairs included
    beyond: np.ndarray  # (m,) deviations past the middle
    nearest: np.ndarray  # (m,) label of the class that is nearer
    pairs: tuple[Pair, ...]
    overlapping: int  # rows that lie nearer to another class where classes overlap too much to accuse anybody

    @property
    def scattered(self) -> np.ndarray:
        """Those that belong to no pair. They do not depend on any level."""
        return np.setdiff1d(self.rows, np.concatenate([np.empty(0, np.int64), *(pair.rows for pair in self.pairs)]))

    def at(self, level: float) -> Misfits:
        """With those pairs alone that are told at this level."""
        return replace(self, pairs=tuple(pair for pair in self.pairs if pair.p_value <= level))


NO_MISFITS = Misfits(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64), (), 0)


def find_misfits(overview: Overview) -> Misfits:
    """The misfits among the kept rows, and the pairs that have more of them than the others explain, by CANDIDATE."""
    if overview.against is None or len(overview.labels) < 2:
        return NO_MISFITS
    margin, gap = overview.against.margin.cpu().numpy(), overview.against.gap.cpu().numpy()
    mis = (margin > BEYOND) & (margin + gap / 2 > FAR)
    decoys = (margin + gap < -BEYOND) & (-margin - gap / 2 > FAR)  # as far from their own centre, away from the other
    count = int(mis.sum())
    if decoys.sum() > DECOYS * count or count > COMMON * len(mis):
        return replace(NO_MISFITS, overlapping=int((margin > 0).sum()))
    source = overview.against.nearest.cpu().numpy()
    rows = overview.kept[mis]
    return Misfits(rows, margin[mis], overview.labels[source[mis]], tuple(_pairs(overview, mis, source)), 0)


def _pairs(overview: Overview, mis: np.ndarray, source: np.ndarray) -> list[Pair]:
    classes = len(overview.labels)
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (overview.index[mis], source[mis]), 1)
    possible = classes * (classes - 1)
    found = []
    for own, other in np.argwhere(counts >= FEWEST):
        p = _p_value(counts, own, other) * possible
        if p > CANDIDATE:
            continue
        members = mis & (overview.index == own) & (source == other)
        shift = _shift(overview, members, own, other)
        pair = Pair(int(overview.labels[own]), int(overview.labels[other]), overview.kept[members], min(p, 1.0), shift)
        found.append(pair)
    return found


def _p_value(counts: np.ndarray, own: int, other: int) -> float:
    """Of so many misfits by chance, if a pair has what the others have on average. Counts vary more than Poisson's do."""
    off = ~np.eye(len(counts), dtype=bool)
    off[own, other] = False
    others = np.sort(counts[off])
    if len(others) == 0:
        others = np.zeros(1)
    usual = others[: max(1, round(0.9 * len(others)))]  # further poisoned pairs may be among the largest
    mean = max(float(usual.mean()), 0.5)
    spread = max(1.0, float(usual.var()) / mean)
    return float(special.pdtrc((counts[own, other] - 1) // spread, mean / spread))


def _shift(overview: Overview, members: np.ndarray, own: int, other: int) -> float:
    """How far the members lie from the other centre, across the line between the two, less what chance may give.

    The squared length of a mean is too large by the variance of the rows over their number, and has itself an error.
    """
    against = overview.against
    assert against is not None
    rows = against.whitened(torch.from_numpy(np.flatnonzero(members))).cpu().numpy()
    centres = against.centres[[int(own), int(other)]].cpu().numpy()
    line = (centres[0] - centres[1]) / np.linalg.norm(centres[0] - centres[1])
    across = rows - centres[1]
    across -= np.outer(across @ line, line)
    variances = across.var(0, ddof=1)
    error = np.sqrt(2 * np.square(variances).sum()) / len(rows)
    squared = np.square(across.mean(0)).sum() - variances.sum() / len(rows) - SURE * error
    return float(np.sqrt(max(squared, 0.0)))
