"""Whitening and quantum entropy scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from core.robust import covariance, inverse_root, que_matrix, que_scores, remove_top
from tests import reference
from tests.helpers import as_tensor, gaussian, positive_definite, rotation


def elementwise_que(t: np.ndarray, alpha: float) -> np.ndarray:
    """The mistake of two public benchmarks: exp of every entry."""
    q = np.exp(alpha * (t - np.eye(len(t))) / (np.linalg.norm(t, 2) - 1))
    return q / np.trace(q)


@pytest.mark.parametrize("k", [1, 2, 5, 16, 40])
@pytest.mark.parametrize("alpha", [0.0, 1.0, 4.0, 30.0])
def test_matrix_exponential_matches_scipy(k: int, alpha: float) -> None:
    t = positive_definite(k, seed=k, low=2.0 if k == 1 else 0.4, high=5.0)
    q = expm(alpha * (t - np.eye(k)) / (np.linalg.norm(t, 2) - 1))
    found = que_matrix(as_tensor(t), alpha)
    np.testing.assert_allclose(found.matrix.numpy(), q / np.trace(q), atol=1e-12)
    assert found.has_excess


@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), k=st.integers(2, 8))
def test_elementwise_exp_would_make_scores_depend_on_basis(seed: int, k: int) -> None:
    t, basis, w = positive_definite(k, seed, 0.5, 3.0), rotation(k, seed + 1), gaussian(20, k, seed)
    turned = basis @ t @ basis.T
    plain = que_scores(as_tensor(w), que_matrix(as_tensor(t), 4.0).matrix).numpy()
    rotated = que_scores(as_tensor(w @ basis.T), que_matrix(as_tensor(turned), 4.0).matrix).numpy()
    np.testing.assert_allclose(plain, rotated, rtol=1e-8)
    wrong = np.einsum("ni,ij,nj->n", w @ basis.T, elementwise_que(turned, 4.0), w @ basis.T)
    right_basis = np.einsum("ni,ij,nj->n", w, elementwise_que(t, 4.0), w)
    assert not np.allclose(wrong, right_basis, rtol=1e-3)


def test_alpha_zero_scores_the_squared_norm_over_k() -> None:
    w, t = gaussian(50, 6, seed=1), positive_definite(6, seed=2)
    scores = que_scores(as_tensor(w), que_matrix(as_tensor(t), 0.0).matrix).numpy()
    np.testing.assert_allclose(scores, (w**2).sum(1) / 6, rtol=1e-12)


@pytest.mark.parametrize("alpha", [1e4, 1e12])
def test_large_alpha_scores_the_top_direction(alpha: float) -> None:
    w, t = gaussian(50, 6, seed=3), positive_definite(6, seed=4)
    top = np.linalg.eigh(t)[1][:, -1]
    scores = que_scores(as_tensor(w), que_matrix(as_tensor(t), alpha).matrix).numpy()
    np.testing.assert_allclose(scores, (w @ top) ** 2, atol=1e-9)


@pytest.mark.parametrize("high", [0.9, 0.99, 1.0])
def test_unguarded_sign_of_excess_would_favour_the_smallest_direction(high: float) -> None:
    """||T|| - 1 <= 0: no excess direction, which counts as alpha = 0 and is reported."""
    t = np.diag(np.linspace(0.3, high, 5))
    found = que_matrix(as_tensor(t), 4.0)
    assert not found.has_excess
    np.testing.assert_allclose(found.matrix.numpy(), np.eye(5) / 5, atol=1e-14)


@pytest.mark.parametrize("seed", range(3))
def test_que_matrix_has_trace_one_and_is_symmetric_positive(seed: int) -> None:
    q = que_matrix(as_tensor(positive_definite(9, seed)), 4.0).matrix.numpy()
    assert np.trace(q) == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(q, q.T, atol=1e-14)
    assert np.linalg.eigvalsh(q).min() > 0


def test_elementwise_product_is_not_the_mean_score() -> None:
    """Mean QUE is trace(T Q) = sum of T o Q; the trace of T o Q is the mistake."""
    x = gaussian(400, 5, seed=5) @ positive_definite(5, seed=6)
    w = x - x.mean(0)
    t = covariance(as_tensor(w), ddof=0)
    q = que_matrix(t, 4.0).matrix
    mean = float(que_scores(as_tensor(w), q).mean())
    assert mean == pytest.approx(float(torch.trace(t @ q)), rel=1e-12)
    assert mean != pytest.approx(float(torch.trace(t * q)), rel=0.05)


@pytest.mark.parametrize("ddof", [0, 1])
def test_covariance_is_centred_and_divided_as_asked(ddof: int) -> None:
    x = gaussian(25, 4, seed=7) + 9.0
    found = covariance(as_tensor(x), ddof).numpy()
    np.testing.assert_allclose(found, np.cov(x, rowvar=False, ddof=ddof), atol=1e-12)


@pytest.mark.parametrize("scale", [1e-12, 1e-4, 1.0, 1e6])
def test_sqrt_plus_a_thousandth_would_not_whiten_small_features(scale: float) -> None:
    """Nothing is added to the roots, on the diagonal or off it: R S R is the identity at every scale."""
    s = positive_definite(6, seed=8) * scale
    root = inverse_root(as_tensor(s)).numpy()
    np.testing.assert_allclose(root, root.T, atol=1e-12 * np.abs(root).max())
    np.testing.assert_allclose(root @ s @ root, np.eye(6), atol=1e-10)
    np.testing.assert_allclose(root, reference.inverse_root(s), rtol=1e-8, atol=1e-10 * np.abs(root).max())


def test_inverse_root_of_a_diagonal_stays_diagonal() -> None:
    root = inverse_root(as_tensor(np.diag([4.0, 9.0, 0.25]))).numpy()
    np.testing.assert_allclose(root, np.diag([1 / 2, 1 / 3, 2.0]), atol=1e-14)


def test_singular_covariance_is_refused() -> None:
    x = gaussian(20, 2, seed=9)
    with pytest.raises(ValueError, match="singular"):
        inverse_root(covariance(as_tensor(np.hstack([x, x[:, :1]])), 0))


def test_budget_zero_removes_nothing() -> None:
    """`scores.argsort()[-0:]` is everything."""
    assert not remove_top(as_tensor(np.arange(10.0)), 0).any()


@pytest.mark.parametrize("count", [1, 3, 10])
def test_remove_top_marks_the_largest(count: int) -> None:
    scores = np.random.default_rng(10).permutation(10).astype(float)
    np.testing.assert_array_equal(remove_top(as_tensor(scores), count).numpy(), scores >= 10 - count)


def test_ties_at_the_cut_go_too() -> None:
    scores = np.array([1.0, 5.0, 3.0, 3.0, 3.0, 0.0])
    np.testing.assert_array_equal(remove_top(as_tensor(scores), 2).numpy(), [False, True, True, True, True, False])
