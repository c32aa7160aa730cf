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
from scipy import special
from torch import Tensor

from core.robust.linalg import eigh

TRIMMED = 0.1  # share of the rows, the outermost, that the covariance is not told of
ROUNDS = 3
LARGE = 3.0  # times the median class: a larger class counts in the covariance as if it had no more rows than that
FLOOR = 1e-9  # of the largest variance: less is rounding of single precision features
CHUNK = 2**22  # distances, or values of rows, that are in memory at once in double precision


@dataclass(frozen=True)
class Discriminant:
    """Distances are in deviations of the rows within a class."""

    x: Tensor  # (n, r) the rows as they were given: a copy in double precision of a million would fill the memory
    transform: Tensor  # (r, r') float64
    centres: Tensor  # (c, r') whitened
    own: Tensor  # (n,) squared distance from the centre of the own class
    without: Tensor  # (n,) the same by the covariance of the other rows, so that the row has no say in it
    other: Tensor  # (n,) from the nearest other centre; infinite where there is one class only
    nearest: Tensor  # (n,) int64, the class of that centre
    gap: Tensor  # (n,) distance between the two centres

    def whitened(self, rows: Tensor | None = None) -> Tensor:
        """Those rows, by their positions (m,), or all of them, in deviations of the rows within a class: (m, r') float64."""
        return (self.x if rows is None else self.x[rows]).to(torch.float64) @ self.transform

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
    centres = _medians(x, index, classes)
    weights = _weights(index, classes)
    distances = _lengths(x, centres, index, None)
    for _ in range(ROUNDS):
        kept = (distances <= _quantile(distances, weights, 1 - TRIMMED)) & (weights > 0)
        transform = _whitening(x, centres, index, weights, kept)
        distances = _lengths(x, centres, index, transform)
    shares = torch.where(kept, weights, 0.0) / weights[kept].sum()
    # the trimmed rows are missing from the covariance: let the median distance be what it is for a Gaussian
    typical = _quantile(distances, weights, 0.5)
    scale = math.sqrt(special.chdtri(transform.shape[1], 0.5)) / (typical or 1.0)
    without = scale**2 * _left_out(distances.square(), shares)
    return _against(x, scale * transform, scale * centres @ transform, index, without)


def _medians(x: Tensor, index: Tensor, classes: int) -> Tensor:
    order = index.argsort(stable=True)
    parts = order.split(torch.bincount(index, minlength=classes).tolist())
    return torch.stack([x[part].median(0).values for part in parts]).to(torch.float64)


def _parts(n: int, width: int, device: torch.device) -> tuple[Tensor, ...]:
    """Positions of n rows, as many at a time as may be in memory with so many values each."""
    return torch.arange(n, device=device).split(max(1, CHUNK // width))


def _residuals(x: Tensor, centres: Tensor, index: Tensor, part: Tensor) -> Tensor:
    return x[part].to(torch.float64) - centres[index[part]]


def _lengths(x: Tensor, centres: Tensor, index: Tensor, transform: Tensor | None) -> Tensor:
    """(n,) the distance of each row from the centre of its class, under the transform where there is one."""
    found = torch.empty(len(x), dtype=torch.float64, device=x.device)
    for part in _parts(len(x), x.shape[1], x.device):
        residuals = _residuals(x, centres, index, part)
        found[part] = torch.linalg.vector_norm(residuals if transform is None else residuals @ transform, dim=1)
    return found


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


def _whitening(x: Tensor, centres: Tensor, index: Tensor, weights: Tensor, kept: Tensor) -> Tensor:
    """(r, r'), r' the number of directions in which the kept rows differ from their centres. kept: (n,) bool."""
    rows, second = kept.nonzero()[:, 0], torch.zeros((), dtype=torch.float64, device=x.device)
    for part in rows.split(max(1, CHUNK // x.shape[1])):
        residuals = _residuals(x, centres, index, part)
        second = second + (residuals * weights[part, None]).T @ residuals
    second = second / weights[rows].sum()
    values, vectors = eigh(second)
    real = values > FLOOR * values[-1]
    if not bool(real.any()):
        raise ValueError("the rows within each class are equal: there is no spread to measure by")
    return vectors[:, real] * values[real].rsqrt()


def _left_out(squares: Tensor, shares: Tensor) -> Tensor:
    """Squared distances (n,) under a covariance, by that of all rows but the one (Sherman and Morrison). shares: (n,) that each has in
    the covariance, 0 for a trimmed row. Few rows for many directions lie near in a covariance of their own, and a trimmed one does not."""
    return squares * (1 - shares) / (1 - shares * squares).clamp(min=FLOOR)


def _against(x: Tensor, transform: Tensor, centres: Tensor, index: Tensor, without: Tensor) -> Discriminant:
    n, c = len(x), len(centres)
    own = torch.empty(n, dtype=torch.float64, device=x.device)
    other, nearest = torch.full_like(own, math.inf), torch.zeros_like(index)
    for part in _parts(n, max(c, x.shape[1]), x.device):
        rows = x[part].to(torch.float64) @ transform
        own[part] = (rows - centres[index[part]]).square().sum(1)
        if c > 1:
            squares = torch.cdist(rows, centres).square_()
            squares.scatter_(1, index[part, None], math.inf)
            other[part], nearest[part] = squares.min(1)
    gap = torch.full_like(own, math.inf)
    for part in _parts(n, centres.shape[1], x.device) if c > 1 else ():
        gap[part] = torch.linalg.vector_norm(centres[nearest[part]] - centres[index[part]], dim=1)
    return Discriminant(x, transform, centres, own, without, other, nearest, gap)
