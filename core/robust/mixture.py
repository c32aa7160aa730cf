"""Rows along one direction as two groups: a mixture of two normal distributions on a scale that tames both tails."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

STARTS = (0.5, 0.75, 0.9, 0.97, 0.99)  # quantiles above which the mixture's second group is first looked for
LEAST_VARIANCE = 1e-3  # added to that of each group
TOLERANCE = 1e-5  # gain of the mean log-likelihood in a step, below which a mixture has converged
MAX_STEPS = 500
EMPTY = 10 * float(np.finfo(np.float64).eps)  # rows in a group of none: it keeps a mean


@dataclass(frozen=True)
class Mixture:
    """Two normal distributions on a line. Arrays are (2,)."""

    means: np.ndarray
    variances: np.ndarray
    weights: np.ndarray
    likelihood: float = -math.inf  # mean logarithm, of the points it was fitted to, before the last step

    def upper(self, points: np.ndarray) -> np.ndarray:
        """Of points (n,) the probability to be of the upper group: (n,). A wide one also claims the far end below, which
        does not count."""
        upper = int(self.means.argmax())
        shares = _shares(points[None], self.means[None], self.variances[None], self.weights[None])[0][0]
        return np.where(points > self.means.min(), shares if upper else 1 - shares, 0.0)


@dataclass(frozen=True)
class TwoGroups:
    """A fitted mixture of the rows `points` (n,)."""

    points: np.ndarray
    mixture: Mixture
    second_group: float  # rows, the sum of their probabilities
    separation: float  # Ashman's D: distance of the means over the root of the mean variance

    @property
    def members(self) -> np.ndarray:
        """(n,) bool, rows that are more likely of the upper group."""
        return self.mixture.upper(self.points) > 0.5


def robust_scale(values: np.ndarray) -> np.ndarray:
    """Values (n,) from their median, in robust deviations, turned so that the longer tail points upwards."""
    centred = values - np.median(values)
    spread = np.median(np.abs(centred)) * 1.4826
    scaled = centred / (spread or centred.std() or 1.0)
    return scaled if (np.arcsinh(scaled) ** 3).mean() >= 0 else -scaled


def two_groups(points: np.ndarray, starts: Sequence[float] = STARTS) -> TwoGroups:
    """The likeliest two-component mixture of points (n,) among those reached from several starts."""
    begun = []
    for quantile in starts:
        above = points > np.quantile(points, quantile)
        high = points[above].mean() if above.any() else points.max()
        means = np.array([np.median(points), high])
        begun.append(Mixture(means, _variances(points, above), np.array([quantile, 1 - quantile])))
    found = fitted_mixtures(np.broadcast_to(points, (len(begun), len(points))), begun)
    return _described(max(found, key=lambda mixture: mixture.likelihood), points)


def split_at(points: np.ndarray, above: np.ndarray) -> TwoGroups:
    """The mixture of points (n,) that is reached from one start: the rows `above` (n,) bool against the others."""
    share = float(np.clip(above.mean(), 1e-6, 1 - 1e-6))
    means = np.array([points[~above].mean(), points[above].mean()])
    start = Mixture(means, _variances(points, above), np.array([1 - share, share]))
    return _described(fitted_mixtures(points[None], [start])[0], points)


def fitted_mixtures(points: np.ndarray, starts: Sequence[Mixture]) -> list[Mixture]:
    """Expectation-maximisation of many mixtures side by side (Dempster, Laird and Rubin 1977): each of the points of its own row
    of points (b, n), from a start of its own.

    Steps and end are those of scikit-learn's GaussianMixture, of which one dimension and two groups need a small part: it was a
    third of the time of a scan.
    """
    means, variances, weights = (np.array([getattr(start, name) for start in starts]) for name in _PARTS)
    likelihoods = np.full(len(starts), -math.inf)
    left = np.arange(len(starts))  # mixtures that have not converged
    own = points
    for _ in range(MAX_STEPS):
        second, likelihood = _shares(own, means[left], variances[left], weights[left])
        means[left], variances[left], weights[left] = _groups(own, second)
        gain = np.abs(likelihood - likelihoods[left])
        likelihoods[left] = likelihood
        if (gain < TOLERANCE).any():
            left = left[gain >= TOLERANCE]
            own = points[left]
            if len(left) == 0:
                break
    return [Mixture(*parts) for parts in zip(means, variances, weights, likelihoods.tolist(), strict=True)]


_PARTS = ("means", "variances", "weights")


def _shares(
    points: np.ndarray, means: np.ndarray, variances: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of points (b, n) under mixtures (b, 2): the probability to be of the second group (b, n), and the mean log-likelihood (b,)."""
    constant = np.log(weights) - 0.5 * np.log(2 * math.pi * variances)
    first, second = (
        constant[:, i, None] - np.square(points - means[:, i, None]) * (0.5 / variances[:, i, None]) for i in range(2)
    )
    lead = second - first
    less = np.exp(-np.abs(lead))  # the likelihood of the less likely group over that of the other
    likelihood = (np.maximum(first, second) + np.log1p(less)).mean(1)
    return np.where(lead > 0, 1.0, less) / (1.0 + less), likelihood


def _groups(points: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mixtures (b, 2) that points (b, n) make, where `second` (b, n) is how much of each is of the second group: means, variances, weights."""
    means, variances, sizes = (np.empty((len(points), 2)) for _ in range(3))
    for i, share in enumerate((1 - second, second)):
        sizes[:, i] = share.sum(1) + EMPTY
        means[:, i] = np.vecdot(share, points) / sizes[:, i]
        variances[:, i] = np.vecdot(share, np.square(points - means[:, i, None])) / sizes[:, i] + LEAST_VARIANCE
    return means, variances, sizes / sizes.sum(1, keepdims=True)


def _variances(points: np.ndarray, above: np.ndarray) -> np.ndarray:
    """(2,) of the points below and `above` (n,) bool; of all points where one of them is empty."""
    parts = [points[part] if part.any() else points for part in (~above, above)]
    return np.array([part.var() + LEAST_VARIANCE for part in parts])


def _described(mixture: Mixture, points: np.ndarray) -> TwoGroups:
    gap = abs(float(mixture.means[1] - mixture.means[0]))
    separation = gap / math.sqrt(mixture.variances.sum() / 2)
    return TwoGroups(points, mixture, float(mixture.upper(points).sum()), separation)
