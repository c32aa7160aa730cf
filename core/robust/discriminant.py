"""Rows of several classes against the centre of every class, under one robust covariance within the classes.

Linear discriminant analysis with medians for centres and a trimmed, reweighted covariance, as high-breakdown versions of it
do: Hawkins and McLachlan, "High-Breakdown Linear Discriminant Analysis", JASA 1997; Lee, Yun, Lee, Lee, Li and Shin, "Robust
Inference via Generative Classifiers for Handling Noisy Labels", ICML 2019, on the features of networks.

It needs no assumed number of wrong rows. It is blind to rows that lie in the middle of the class whose label they carry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from scipy import stats
from torch import Tensor

from core.robust.linalg import eigh

TRIMMED = 0.1  # share of the rows, the outermost, that the covariance is not told of
ROUNDS = 3
LARGE = 3.0  # times the median class: a larger class counts in the covariance as if it had no more rows than that
FLOOR = 1e-9  # of the largest variance: less is rounding of single precision features
CHUNK = 2**22  # distances that are in memory at once


@dataclass(frozen=True)
class Discriminant:
    """Distances are in deviations of the rows within a class."""

    rows: Tensor  # (n, r) whitened
    centres: Tensor  # (c, r)
    own: Tensor  # (n,) squared distance from the centre of the own class
    other: Tensor  # (n,) from the nearest other centre; infinite where there is one class only
    nearest: Tensor  # (n,) int64, the class of that centre
    gap: Tensor  # (n,) distance between the two centres

    @property
    def margin(self) -> Tensor:
        """How far each row lies beyond the middle between the two centres, along the line that joins them: (n,).

        Positive where another class is nearer than the own one.
        """
        return torch.where(self.gap.isinf(), -torch.inf, (self.own - self.other) / (2 * self.gap).clamp(min=1e-12))


def robust_discriminant(x: Tensor, index: Tensor, classes: int) -> Discriminant:
    """Whiten the rows of x (n, r) within their classes, and find for each the nearest other class.

    x: finite, best a few principal components of all rows. index: (n,) int64, 0 to classes - 1, every class with at least
    one row. Raises ValueError where no class has rows that differ.
    """
    x = x.to(torch.float64)
    centres = _medians(x, index, classes)
    residuals = x - centres[index]
    weights = _weights(index, classes)
    distances = torch.linalg.vector_norm(residuals, dim=1)
    for _ in range(ROUNDS):
        kept = (distances <= _quantile(distances, weights, 1 - TRIMMED)) & (weights > 0)
        transform = _whitening(residuals[kept], weights[kept])
        distances = torch.linalg.vector_norm(residuals @ transform, dim=1)
    # the trimmed rows are missing from the covariance: let the median distance be what it is for a Gaussian
    typical = _quantile(distances, weights, 0.5)
    transform = transform * (math.sqrt(stats.chi2.ppf(0.5, transform.shape[1])) / (typical or 1.0))
    return _against(x @ transform, centres @ transform, index)


def _medians(x: Tensor, index: Tensor, classes: int) -> Tensor:
    order = index.argsort(stable=True)
    parts = x[order].split(torch.bincount(index, minlength=classes).tolist())
    return torch.stack([part.median(0).values for part in parts])


def _weights(index: Tensor, classes: int) -> Tensor:
    """(n,) no class counts for much more than the median one; one with a single row has no spread to tell of."""
    sizes = torch.bincount(index, minlength=classes)
    limit = LARGE * float(sizes.to(torch.float64).median())
    each = (limit / sizes).clamp(max=1.0)
    each[sizes < 2] = 0.0
    if not bool((each > 0).any()):
        raise ValueError("every class has one row only: there is no spread within a class to measure by")
    return each[index].to(torch.float64)


def _quantile(values: Tensor, weights: Tensor, share: float) -> float:
    """The value below or at which that share of the weight lies."""
    order = values.argsort()
    total = weights[order].cumsum(0)
    return float(values[order[int((total < share * total[-1]).sum())]])


def _whitening(residuals: Tensor, weights: Tensor) -> Tensor:
    """(r, r'), r' the number of directions in which the rows differ."""
    second = (residuals * weights[:, None]).T @ residuals / weights.sum()
    values, vectors = eigh(second)
    real = values > FLOOR * values[-1]
    if not bool(real.any()):
        raise ValueError("the rows within each class are equal: there is no spread to measure by")
    return vectors[:, real] * values[real].rsqrt()


def _against(rows: Tensor, centres: Tensor, index: Tensor) -> Discriminant:
    n, c = len(rows), len(centres)
    own = (rows - centres[index]).square().sum(1)
    other, nearest = torch.full_like(own, math.inf), torch.zeros_like(index)
    if c > 1:
        for part in torch.arange(n, device=rows.device).split(max(1, CHUNK // c)):
            squares = torch.cdist(rows[part], centres).square_()
            squares.scatter_(1, index[part, None], math.inf)
            other[part], nearest[part] = squares.min(1)
    gap = (
        torch.linalg.vector_norm(centres[nearest] - centres[index], dim=1) if c > 1 else torch.full_like(own, math.inf)
    )
    return Discriminant(rows, centres, own, other, nearest, gap)
