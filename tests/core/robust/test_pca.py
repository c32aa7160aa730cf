"""Principal components against a full SVD."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.robust import principal_components
from tests import reference
from tests.helpers import as_tensor, gaussian


def same_up_to_sign(ours: np.ndarray, theirs: np.ndarray, tolerance: float) -> bool:
    """Columns (n, k) agree, each up to its sign, to `tolerance` of the largest entry of that column."""
    signs = np.sign((ours * theirs).sum(axis=0))
    return bool((np.abs(ours - theirs * signs) <= tolerance * np.abs(theirs).max(axis=0)).all())


@pytest.mark.parametrize(("n", "d", "k"), [(50, 8, 8), (50, 8, 3), (12, 40, 5), (30, 30, 10), (200, 90, 64), (2, 5, 1)])
def test_scores_match_a_full_svd(n: int, d: int, k: int) -> None:
    rows = gaussian(n, d, seed=n, deviations=np.geomspace(3, 0.3, d)) + 5.0
    scores = principal_components(as_tensor(rows), k).scores.numpy()
    assert scores.shape == (n, k)
    assert same_up_to_sign(scores, reference.pca_scores(rows, k), 1e-8)


def test_small_directions_survive_the_gram_matrix() -> None:
    """Deviations from 1 to 1e-4: a Gram matrix in float32 would lose the last ones."""
    rows = gaussian(300, 6, seed=1, deviations=np.geomspace(1, 1e-4, 6))
    scores = principal_components(as_tensor(rows), 6).scores.numpy()
    assert same_up_to_sign(scores, reference.pca_scores(rows, 6), 1e-6)


@pytest.mark.parametrize(("n", "d"), [(1100, 1060), (1060, 1100)])
def test_many_rows_and_features_match_a_full_svd(n: int, d: int) -> None:
    """Beyond the order up to which an exact eigendecomposition is used; half of the spectrum is nearly flat."""
    deviations = np.ones(d)
    deviations[:8] = np.geomspace(20, 4, 8)
    rows = gaussian(n, d, seed=2, deviations=deviations)
    ours = principal_components(as_tensor(rows), 20)
    exact = np.linalg.svd(rows - rows.mean(0), full_matrices=False)[1][:20] ** 2 / (n - 1)
    np.testing.assert_allclose(ours.variances.numpy(), exact, rtol=1e-9)
    assert same_up_to_sign(ours.scores.numpy()[:, :8], reference.pca_scores(rows, 8), 1e-6)


@pytest.mark.parametrize(("n", "d", "k"), [(60, 9, 4), (9, 60, 4)])
def test_mean_directions_scores_and_variances_belong_together(n: int, d: int, k: int) -> None:
    rows = gaussian(n, d, seed=3) * np.linspace(1, 2, d) - 7
    found = principal_components(as_tensor(rows), k)
    directions = found.directions.numpy()
    assert directions.shape == (k, d)
    np.testing.assert_allclose(found.mean.numpy(), rows.mean(0), atol=1e-12)
    np.testing.assert_allclose(directions @ directions.T, np.eye(k), atol=1e-9)
    np.testing.assert_allclose(found.scores.numpy(), (rows - rows.mean(0)) @ directions.T, atol=1e-9)
    np.testing.assert_allclose(found.variances.numpy(), found.scores.numpy().var(0, ddof=1), rtol=1e-9)
    assert (np.diff(found.variances.numpy()) <= 0).all()


@pytest.mark.parametrize(("n", "d"), [(8, 20), (8, 8), (20, 8)])
def test_k_equal_n_does_not_crash(n: int, d: int) -> None:
    rows = gaussian(n, d, seed=4)
    k = min(n, d)
    scores = principal_components(as_tensor(rows), k).scores.numpy()
    exact = reference.pca_scores(rows, k)
    np.testing.assert_allclose((scores**2).sum(0), (exact**2).sum(0), atol=1e-9)


def test_rank_deficient_rows_have_no_variance_beyond_their_rank() -> None:
    rows = gaussian(80, 3, seed=5) @ gaussian(3, 25, seed=6)
    found = principal_components(as_tensor(rows), 10)
    assert torch.isfinite(found.scores).all()
    assert (found.variances[:3] > 0.1).all()
    assert (found.variances[3:] < 1e-10 * found.variances[0]).all()


def test_constant_rows_have_scores_of_zero() -> None:
    found = principal_components(as_tensor(np.full((10, 4), 3.0)), 2)
    assert torch.isfinite(found.directions).all()
    assert (found.scores == 0).all()
    assert (found.variances == 0).all()


def test_float32_features_give_float64_scores_and_are_not_changed() -> None:
    rows = as_tensor(gaussian(40, 6, seed=7)).float()
    before = rows.clone()
    found = principal_components(rows, 6)
    assert found.scores.dtype == torch.float64
    assert same_up_to_sign(found.scores.numpy(), reference.pca_scores(before.double().numpy(), 6), 1e-9)
    assert torch.equal(rows, before)


def test_more_components_than_rows_or_features_is_refused() -> None:
    with pytest.raises(ValueError, match="k = 5"):
        principal_components(as_tensor(gaussian(30, 4, seed=8)), 5)
    with pytest.raises(ValueError, match="k = 5"):
        principal_components(as_tensor(gaussian(4, 30, seed=8)), 5)
