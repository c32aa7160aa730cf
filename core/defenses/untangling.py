"""SCAn: does a class consist of one group or of two, given how all classes vary?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from core.defenses.base import Defense, top_components
from core.foundation.params import param
from core.robust import covariance, inverse_root, principal_components

FEWEST_CLASSES = 5  # the median and the deviation of fewer indices say nothing
ROWS_PER_COMPONENT = 5  # in the class of median size; with fewer, any split looks good
MAD_TO_DEVIATION = 1.4826  # of a normal distribution
STEPS = 100  # the rounds end long before; a guard against rows that change sides for ever
QUANTILES = (0.5, 0.01, 0.05, 0.2, 0.8, 0.95, 0.99)  # cuts along a direction that the split starts from
DIRECTIONS = 3


@dataclass(eq=False, repr=False)
class SCAn(Defense):
    """Splits every class in two and flags the classes where that explains far more than in the others.

    Model: a row is the identity of its class plus a variation that all classes share, r = mu + e, e ~ N(0, S). A class
    with poison has two identities. J of a class is twice the log-likelihood ratio of two groups against one, per row;
    the index of the class is how far J lies above the median of all classes, in units of 1.4826 times the median
    absolute deviation. A class at `threshold` (the paper's e^2) or more is flagged; its smaller group is removed.

    Needs so many clean classes that one can tell what is usual: at least five. Finds a group that is moved against its
    class by several deviations, best where it holds 5 % of the class and more; not a poison without a place of its own.
    It is blind where the assumption fails: where classes vary each in their own way, J differs among clean classes and
    hides the poison (on digits with 10 poisons among 156 rows, the poisoned class came first and its smaller group had
    ten rows, but with an index of 4.2). A class that falls into parts by nature is flagged as well. So read the indices,
    not only the verdict.

    What differs from the paper: S comes from all rows, as no row is known to be clean (the paper has a clean set; the
    poison widens S along its own shift by its share of all rows, which lowers J a little); on the top principal
    components of the rows within their classes, for a d x d matrix of raw features is out of reach; class means are the
    plain ones, as the paper's shrinkage of them towards the mean of all is of order 1/rows; and J is per row and in units
    of what the split of a round cloud of as many rows gives, so that no class stands out by its size alone. k is at most
    a fifth of the median class, and classes of fewer than 2k rows are not judged; both are told in the record.

    Scores: in a flagged class, how much nearer a row lies to the smaller group than to the larger (difference of squared
    distances in units of S); elsewhere the same, but at most 0. `classes_` (c,), `suspects_` the flagged ones, and
    `record_["classes"]` with sizes, J and index of each.
    Tang, Wang, Tang, Zhang. Demon in the Variant. USENIX Security 2021.
    """

    key: ClassVar[str] = "scan2021"
    title: ClassVar[str] = "SCAn"
    summary: ClassVar[str] = "Splits every class in two and flags the class where that explains the most."
    citation: ClassVar[str] = "Tang, Wang, Tang, Zhang. Demon in the Variant. USENIX Security 2021."
    needs_labels: ClassVar[bool] = True

    n_components: int = param(64, "Principal components of the variation within the classes", low=1, high=1000)
    threshold: float = param(7.389, "Index from which a class is flagged; the paper takes e squared", low=0, high=1000)

    def _fit_labelled(self, x: Tensor, labels: np.ndarray) -> None:
        self.classes_, codes = np.unique(labels, return_inverse=True)
        groups = torch.from_numpy(codes).to(x.device)
        white, notes = self._whiten(x, groups)
        members = [groups == c for c in range(len(self.classes_))]
        splits = [two_groups(white[own]) for own in members]
        index = _judge(splits, white.shape[1], notes)
        flagged = index >= max(self.threshold, np.finfo(float).tiny)
        self.suspects_ = self.classes_[flagged]
        scores = torch.empty(len(x), dtype=torch.float64, device=x.device)
        for own, split, bad in zip(members, splits, flagged, strict=True):
            scores[own] = split.margin if bad else split.margin.clamp(max=0)
        removed = scores > 0 if self.n_poisons else torch.zeros_like(scores, dtype=torch.bool)
        about = [_about(*row) for row in zip(self.classes_, splits, index, flagged, strict=True)]
        self._set_result(scores, removed, {"k": white.shape[1], "classes": about, "warnings": notes})
        if removed.any():
            self.threshold_ = 0.0

    def _whiten(self, x: Tensor, codes: Tensor) -> tuple[Tensor, list[str]]:
        """The rows of x (n, d), less the mean of their class, in units of the shared variation: (n, k)."""
        within = x.to(torch.float64) - _class_means(x, codes)[codes]
        components = top_components(within, self.n_components).require_spread("all rows of each class")
        carried = max(1, int(torch.bincount(codes).median()) // ROWS_PER_COMPONENT)
        k = min(self.n_components, components.rank, carried)
        why = f"the rows span {k} directions" if k == components.rank else "a fifth of the median class"
        notes = [] if k == self.n_components else [f"k was lowered from {self.n_components} to {k}: {why}"]
        points = components.scores[:, :k] / components.variances[:k].sqrt()
        return points @ inverse_root(covariance(points)), notes


@dataclass(frozen=True)
class Split:
    """A class in two groups."""

    margin: Tensor  # (n,), squared distance to the larger group's mean less that to the smaller's
    smaller: int  # rows of the smaller group; 0 if there is none
    gain: float  # how much closer rows lie to the mean of their group than to that of the class, squared, per row


def two_groups(points: Tensor) -> Split:
    """The best split of points (n, k), whose noise is white, into two groups of the same noise.

    Rows go to the nearer mean, a cut at right angles to Fisher's direction, until none changes sides; from several
    starts at once, all of which are cuts across the widest directions, so that no chance is involved.
    """
    n = len(points)
    if n < 2:
        return Split(points.new_zeros(n), 0, 0.0)
    centred = points - points.mean(0)
    sides = _starts(centred)  # (starts, n)
    for _ in range(STEPS):
        means, margins = _group_means(centred, sides)
        moved = margins > 0
        if torch.equal(moved, sides):
            break
        sides = moved
    counts = sides.sum(1).to(torch.float64)
    means, margins = _group_means(centred, sides)
    gains = (counts[:, None] * means[0].square() + (n - counts)[:, None] * means[1].square()).sum(1) / n
    best = int(gains.argmax())
    margin, size = margins[best], int(sides[best].sum())
    if 2 * size > n:
        margin, size = -margin, n - size
    return Split(margin, size, float(gains[best]))


def anomaly_index(gains: np.ndarray) -> np.ndarray:
    """How far each of the gains (c,) lies above their median, in robust standard deviations; 0 at or below it."""
    above = np.maximum(gains - np.median(gains), 0)
    deviation = MAD_TO_DEVIATION * np.median(np.abs(gains - np.median(gains)))
    # classes that all split equally well, to rounding, have no unusual one among them
    floor = max(1e-9 * float(np.abs(gains).max(initial=0)), np.finfo(float).tiny)
    return above / max(deviation, floor)


def chance_gain(n: int, k: int) -> float:
    """The gain to be expected from splitting one round cloud of n rows in k dimensions, within 10 % for n >= 2k.

    A half of a normal variable has the squared mean 2/pi, along the direction that happens to be the widest: its
    variance is (1 + sqrt(k/n))^2, the edge of Marchenko and Pastur.
    """
    return float(2 / np.pi * (1 + np.sqrt(k / n)) ** 2)


def _judge(splits: list[Split], k: int, notes: list[str]) -> np.ndarray:
    """The index of each class, 0 for those that cannot be judged: (c,). Adds to the notes what was left out."""
    sizes = np.array([len(split.margin) for split in splits])
    judged = sizes >= 2 * k
    index = np.zeros(len(splits))
    if not judged.all():
        notes.append(f"{int((~judged).sum())} class(es) of fewer than {2 * k} rows are not judged")
    if judged.sum() < FEWEST_CLASSES:
        notes.append(f"{int(judged.sum())} class(es) are too few to say what is usual; none is flagged")
        return index
    ratios = np.array([split.gain / chance_gain(n, k) for split, n in zip(splits, sizes, strict=True)])
    index[judged] = anomaly_index(ratios[judged])
    return index


def _starts(centred: Tensor) -> Tensor:
    """Cuts at quantiles along the widest directions of points (n, k): (starts, n) bool."""
    along = principal_components(centred, min(DIRECTIONS, *centred.shape)).scores.T  # (directions, n)
    cuts = torch.quantile(along, torch.tensor(QUANTILES, dtype=along.dtype, device=along.device), dim=1)
    return (along[None] > cuts[:, :, None]).flatten(0, 1)


def _group_means(centred: Tensor, sides: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Means (2 of (s, k)) of the groups that sides (s, n) makes of points (n, k), and margins (s, n) in favour of the first.

    An empty group has the mean 0, the mean of all.
    """
    inside = sides.to(centred)
    counts = inside.sum(1, keepdim=True)
    sums = inside @ centred
    first, second = sums / counts.clamp(min=1), -sums / (len(centred) - counts).clamp(min=1)
    margins = 2 * (first - second) @ centred.T - (first.square() - second.square()).sum(1, keepdim=True)
    return (first, second), margins


def _class_means(x: Tensor, codes: Tensor) -> Tensor:
    """Mean of the rows of each class: (c, d) float64."""
    sums = torch.zeros(int(codes.max()) + 1, x.shape[1], dtype=torch.float64, device=x.device)
    sums.index_add_(0, codes, x.to(torch.float64))
    return sums / torch.bincount(codes)[:, None]


def _about(label: np.integer[Any], split: Split, index: float, flagged: bool) -> dict[str, Any]:
    return {
        "label": int(label),
        "rows": len(split.margin),
        "smaller": split.smaller,
        "gain": split.gain,
        "index": float(index),
        "flagged": bool(flagged),
    }
