"""The filter as an estimator: what it drops and how well it measures, on many clean and contaminated Gaussians.

The tolerances are those of the seeds below with room to spare; they are stated as what holds, not as what was measured.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from core.robust import excess_moment, fit_spectre, trusted_rows
from tests import reference
from tests.helpers import as_tensor, contaminated, gaussian

CLEAN_SEEDS = range(20)
POISON_SEEDS = range(10)


def error_of_covariance(rows: np.ndarray, clean: np.ndarray) -> float:
    """|| R cov(rows) R - I ||_F with R = cov(clean)^(-1/2): 0 where whitening by the rows whitens the clean ones."""
    root = reference.inverse_root(np.cov(clean, rowvar=False))
    return float(np.linalg.norm(root @ np.cov(rows, rowvar=False) @ root - np.eye(rows.shape[1])))


# ---- clean Gaussians ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("eps", [0.02, 0.05, 0.1])
@pytest.mark.parametrize(("n", "k"), [(500, 2), (500, 4), (1000, 8)])
def test_clean_gaussians_lose_no_row(n: int, k: int, eps: float) -> None:
    """A filter that always used up its allowance would take 2 eps of them."""
    fits = [trusted_rows(as_tensor(gaussian(n, k, seed)), eps, round(2 * eps * n)) for seed in CLEAN_SEEDS]
    assert all(fit.trusted.all() for fit in fits)
    assert {fit.stopped for fit in fits} == {"converged"}


def test_too_many_dimensions_for_the_rows_cost_clean_gaussians_a_few() -> None:
    """1,000 rows for the 325 free entries of 25 x 25: the top eigenvalue is about the threshold of 5.5 by chance."""
    fits = [trusted_rows(as_tensor(gaussian(1000, 25, seed)), 0.05, 100) for seed in CLEAN_SEEDS]
    shares = [float((~fit.trusted).double().mean()) for fit in fits]
    assert 0 < np.mean(shares) < 0.003
    assert max(shares) < 0.01


@pytest.mark.parametrize(("n", "k"), [(20_000, 2), (20_000, 4), (40_000, 6)])
def test_every_eigenvalue_of_a_clean_gaussian_is_near_two(n: int, k: int) -> None:
    """The variance of y^T V y is 2 for each of the k (k + 1) / 2 symmetric V of norm 1, the identity among them.

    The k (k - 1) / 2 antisymmetric ones have no form. Sampling widens 2 to 2 (1 +- sqrt(p / n))^2 for p entries.
    """
    rows = gaussian(n, k, seed=1)
    y = as_tensor(rows @ reference.inverse_root(rows.T @ rows / n))
    units = torch.eye(k * k, dtype=torch.float64).view(-1, k, k)
    values = np.linalg.eigvalsh(torch.stack([excess_moment(y, unit).flatten() for unit in units]).numpy())
    symmetric = k * (k + 1) // 2
    np.testing.assert_allclose(values[:-symmetric], 0, atol=1e-10)
    np.testing.assert_allclose(values[-symmetric:], 2, atol=2 * 2 * 2 * math.sqrt(symmetric / n))
    assert np.mean(values[-symmetric:]) == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize(("n", "k"), [(500, 2), (500, 4), (1000, 8), (2000, 16)])
def test_top_eigenvalue_of_clean_gaussians_grows_as_that_of_a_random_covariance(n: int, k: int) -> None:
    """Marchenko and Pastur's edge; products of Gaussians have heavier tails, so a little above it."""
    fits = [trusted_rows(as_tensor(gaussian(n, k, seed)), 0.1, 1) for seed in CLEAN_SEEDS]
    values = [fit.rounds[0].eigenvalue for fit in fits]
    edge = 2 * (1 + math.sqrt(k * (k + 1) / 2 / n)) ** 2
    assert 0.97 * edge < np.mean(values) < 1.12 * edge


# ---- contaminated Gaussians ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spread", "m", "strength", "caught", "error"),
    [
        (False, 20, 5.0, 1.0, 0.03),
        (False, 50, 6.0, 1.0, 0.03),
        (False, 100, 10.0, 1.0, 0.03),
        (False, 100, 15.0, 1.0, 0.01),
        (True, 20, 5.0, 0.4, 0.4),
        (True, 20, 8.0, 0.8, 0.07),
        (True, 50, 8.0, 0.8, 0.07),
        (True, 100, 8.0, 0.8, 0.07),
        (True, 100, 15.0, 0.99, 0.01),
    ],
)
def test_the_filter_takes_the_poison_leaves_the_rest_and_measures_the_clean_covariance(
    spread: bool, m: int, strength: float, caught: float, error: float
) -> None:
    """1,000 rows of 8 dimensions; means over the seeds. caught: share of the poison dropped, at least.

    error: of the covariance of the trusted rows, as a share of the naive one's, at most.
    """
    poison, clean, errors, naive = [], [], [], []
    for seed in POISON_SEEDS:
        data = contaminated(1000, 8, m, strength=strength, spread=spread, seed=seed)
        dropped = ~trusted_rows(as_tensor(data.rows - data.rows.mean(0)), m / 1000, 2 * m).trusted.numpy()
        poison.append(dropped[data.poison].mean())
        clean.append(dropped[~data.poison].mean())
        errors.append(error_of_covariance(data.rows[~dropped], data.rows[~data.poison]))
        naive.append(error_of_covariance(data.rows, data.rows[~data.poison]))
    assert np.mean(poison) >= caught
    assert np.mean(clean) < 0.004
    assert np.mean(errors) <= error * np.mean(naive)


@pytest.mark.parametrize("spread", [False, True])
@pytest.mark.parametrize("m", [20, 50, 100])
def test_poison_too_weak_to_be_seen_costs_no_clean_row(m: int, spread: bool) -> None:
    """Three deviations are below the threshold: the covariance is then the naive one, never a worse one."""
    for seed in POISON_SEEDS:
        data = contaminated(1000, 8, m, strength=3.0, spread=spread, seed=seed)
        trusted = trusted_rows(as_tensor(data.rows - data.rows.mean(0)), m / 1000, 2 * m).trusted.numpy()
        assert trusted[~data.poison].mean() > 0.999
        kept, clean = data.rows[trusted], data.rows[~data.poison]
        assert error_of_covariance(kept, clean) <= error_of_covariance(data.rows, clean) + 1e-9


@pytest.mark.parametrize("assumed", [40, 80, 160])
def test_a_budget_off_by_half_or_by_twice_finds_the_same_poison(assumed: int) -> None:
    """80 poisons; the allowance of twice as many as are assumed leaves room for that much error."""
    for seed in POISON_SEEDS:
        data = contaminated(1000, 8, 80, strength=9.0, seed=seed)
        dropped = ~trusted_rows(as_tensor(data.rows - data.rows.mean(0)), assumed / 1000, 2 * assumed).trusted.numpy()
        assert dropped[data.poison].all()
        assert dropped[~data.poison].mean() < 0.005


@pytest.mark.parametrize("spread", [False, True])
def test_clean_rows_score_one_and_poison_far_above(spread: bool) -> None:
    """What the trusted rows are for: in units of all rows, the poison's own variance would hide it.

    A cluster also moves the mean, by 0.08 times 9 deviations, and the rows are not centred again.
    """
    for seed in POISON_SEEDS:
        data = contaminated(1000, 8, 80, strength=9.0, spread=spread, seed=seed)
        scores = fit_spectre(data.tensor, 80, k=8).scores.numpy()
        assert scores[~data.poison].mean() == pytest.approx(1 if spread else 1 + 0.72**2, abs=0.2)
        assert np.median(scores[data.poison]) > 20
