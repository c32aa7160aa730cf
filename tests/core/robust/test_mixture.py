"""Mixtures of two groups on a line: scikit-learn's, many side by side."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from core.robust.mixture import LEAST_VARIANCE, MAX_STEPS, TOLERANCE, Mixture, fitted_mixtures, split_at, two_groups

START = Mixture(np.array([0.0, 2.0]), np.array([1.0, 0.5]), np.array([0.8, 0.2]))


def points_of(name: str) -> np.ndarray:
    """Points (n,), as a scan or an estimate meets them."""
    rng = np.random.default_rng(0)
    apart = np.concatenate([rng.standard_normal(300), rng.uniform(5.5, 6.5, 12)])
    return {
        "apart": apart,
        "tails": np.arcsinh(rng.standard_t(3, 500)),
        "overlapping": np.concatenate([rng.standard_normal(200), rng.normal(1.5, 1, 100)]),
        "few values": np.round(apart),
        "equal": np.full(20, 0.5),
        "below": -apart,
    }[name]


NAMES = ("apart", "tails", "overlapping", "few values", "equal", "below")


def by_scikit_learn(points: np.ndarray, start: Mixture) -> GaussianMixture:
    model = GaussianMixture(
        2,
        means_init=start.means[:, None],
        weights_init=start.weights,
        precisions_init=1 / start.variances[:, None, None],
        reg_covar=LEAST_VARIANCE,
        max_iter=MAX_STEPS,
        tol=TOLERANCE,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # equal points
        return model.fit(points[:, None])


@pytest.mark.parametrize("name", NAMES)
def test_a_mixture_is_that_of_scikit_learn(name: str) -> None:
    points = points_of(name)
    found, other = fitted_mixtures(points[None], [START])[0], by_scikit_learn(points, START)
    np.testing.assert_allclose(found.means, other.means_[:, 0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.variances, other.covariances_[:, 0, 0], rtol=1e-9)
    np.testing.assert_allclose(found.weights, other.weights_, rtol=1e-9, atol=1e-12)
    assert found.likelihood == pytest.approx(other.lower_bound_, rel=1e-9)
    upper = int(other.means_[:, 0].argmax())
    expected = np.where(points > other.means_.min(), other.predict_proba(points[:, None])[:, upper], 0.0)
    np.testing.assert_allclose(found.upper(points), expected, atol=1e-9)


def test_side_by_side_is_as_one_by_one() -> None:
    """They stop after different numbers of steps, each at its own."""
    rng = np.random.default_rng(1)
    rows = np.stack([rng.choice(points_of(name), 200) for name in NAMES])
    starts = [replace(START, means=START.means + i) for i in range(len(NAMES))]
    together = fitted_mixtures(rows, starts)
    for row, start, found in zip(rows, starts, together, strict=True):
        alone = fitted_mixtures(row[None], [start])[0]
        np.testing.assert_allclose(found.means, alone.means, rtol=1e-12)
        assert found.likelihood == pytest.approx(alone.likelihood, rel=1e-12)


def test_the_starts_stay_what_they_were() -> None:
    fitted_mixtures(points_of("apart")[None], [START])
    assert START.means.tolist() == [0.0, 2.0]


def test_two_groups_are_counted_from_every_side() -> None:
    points = points_of("apart")
    assert two_groups(points).second_group == pytest.approx(12, abs=0.01)
    members = split_at(points, points > 5).members
    np.testing.assert_array_equal(members, np.arange(len(points)) >= 300)


def test_equal_points_are_one_group() -> None:
    assert two_groups(points_of("equal")).separation == 0.0
