"""Rows along one direction as two groups: a mixture of two normal distributions on a scale that tames both tails."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

STARTS = (0.5, 0.75, 0.9, 0.97, 0.99)  # quantiles above which the mixture's second group is first looked for
LEAST_VARIANCE = 1e-3  # added to that of each group


@dataclass(frozen=True)
class TwoGroups:
    """A fitted mixture of the rows `points` (n, 1)."""

    points: np.ndarray
    mixture: GaussianMixture
    second_group: float  # rows, the sum of their probabilities
    separation: float  # Ashman's D: distance of the means over the root of the mean variance

    @property
    def members(self) -> np.ndarray:
        """(n,) bool, rows that are more likely of the upper group."""
        return _upper(self.mixture, self.points) > 0.5


def robust_scale(values: np.ndarray) -> np.ndarray:
    """Values (n,) from their median, in robust deviations, turned so that the longer tail points upwards."""
    centred = values - np.median(values)
    spread = np.median(np.abs(centred)) * 1.4826
    scaled = centred / (spread or centred.std() or 1.0)
    return scaled if (np.arcsinh(scaled) ** 3).mean() >= 0 else -scaled


def two_groups(points: np.ndarray, starts: tuple[float, ...] = STARTS) -> TwoGroups:
    """The likeliest two-component mixture of points (n, 1) among those reached from several starts."""
    best: GaussianMixture | None = None
    for quantile in starts:
        above = points[:, 0] > np.quantile(points, quantile)
        high = points[above].mean() if above.any() else points.max()
        means = [[np.median(points)], [high]]
        mixture = fitted_mixture(points, means, [quantile, 1 - quantile], _precisions(points, above))
        if best is None or mixture.lower_bound_ > best.lower_bound_:
            best = mixture
    assert best is not None
    return _described(best, points)


def split_at(points: np.ndarray, above: np.ndarray) -> TwoGroups:
    """The mixture of points (n, 1) that is reached from one start: the rows `above` (n,) bool against the others."""
    share = float(np.clip(above.mean(), 1e-6, 1 - 1e-6))
    means = [[points[~above].mean()], [points[above].mean()]]
    return _described(fitted_mixture(points, means, [1 - share, share], _precisions(points, above)), points)


def fitted_mixture(points: np.ndarray, means: Any, weights: Any, precisions: Any) -> GaussianMixture:
    """Expectation-maximisation from given means (2, 1), weights (2,) and precisions (2, 1, 1).

    All three are needed: what is not given, scikit-learn takes from k-means, which starts elsewhere at every call.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture  # half a second to load, and a filter needs no mixture

    mixture = GaussianMixture(
        2,
        means_init=means,
        weights_init=weights,
        precisions_init=precisions,
        reg_covar=LEAST_VARIANCE,
        max_iter=500,
        tol=1e-5,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # equal points: one group, and a separation of 0
        return mixture.fit(points)


def _precisions(points: np.ndarray, above: np.ndarray) -> np.ndarray:
    """(2, 1, 1) of the rows below and `above` (n,) bool; of all rows where one of them is empty."""
    parts = [points[part] if part.any() else points for part in (~above, above)]
    return np.array([1 / (part.var() + LEAST_VARIANCE) for part in parts]).reshape(2, 1, 1)


def second_group(mixture: GaussianMixture, points: np.ndarray) -> float:
    """Rows in the upper group; a wide one also claims the far end below, which does not count."""
    return float(_upper(mixture, points).sum())


def _upper(mixture: GaussianMixture, points: np.ndarray) -> np.ndarray:
    probabilities: np.ndarray = mixture.predict_proba(points)[:, int(mixture.means_[:, 0].argmax())]
    return np.where(points[:, 0] > mixture.means_[:, 0].min(), probabilities, 0.0)


def _described(mixture: GaussianMixture, points: np.ndarray) -> TwoGroups:
    gap = abs(float(mixture.means_[1, 0] - mixture.means_[0, 0]))
    separation = gap / np.sqrt(mixture.covariances_.sum() / 2)
    return TwoGroups(points, mixture, second_group(mixture, points), float(separation))
