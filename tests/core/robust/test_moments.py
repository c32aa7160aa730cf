"""The fourth-moment operator of the filter against the dense Kronecker matrix, and its top eigenpair."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import eigsh
from torch import Tensor

from core.robust import excess_moment, top_excess_direction
from tests import reference
from tests.helpers import as_tensor, contaminated, gaussian


def whitened(n: int, k: int, m: int, seed: int) -> np.ndarray:
    """Contaminated rows (n, k) whose second moment is the identity, as in every round of the filter."""
    rows = contaminated(n, k, m, strength=6.0, seed=seed).rows
    return rows @ reference.inverse_root(rows.T @ rows / n)


def relative_residual(y: Tensor, value: float, v: Tensor) -> float:
    return float(torch.linalg.matrix_norm(excess_moment(y, v) - value * v)) / abs(value)


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("seed", [0, 1])
def test_operator_equals_the_dense_kronecker_matrix(d: int, seed: int) -> None:
    """On any matrix, symmetric or not, and on rows that are not whitened."""
    y, v = gaussian(30, d, seed), gaussian(d, d, seed + 50)
    dense = (reference.dense_operator(y) @ v.reshape(-1)).reshape(d, d)
    np.testing.assert_allclose(excess_moment(as_tensor(y), as_tensor(v)).numpy(), dense, atol=1e-10)


def test_identity_is_removed_once() -> None:
    """On whitened rows op(I) = E[||y||^2 y y^T] - d I: forgetting `- trace(V) I` leaves d I too much."""
    y = whitened(200, 5, 20, seed=3)
    expected = (y * (y**2).sum(1, keepdims=True)).T @ y / 200 - 5 * np.eye(5)
    np.testing.assert_allclose(
        excess_moment(as_tensor(y), torch.eye(5, dtype=torch.float64)).numpy(), expected, atol=1e-10
    )


@pytest.mark.parametrize("d", [1, 2, 4, 6, 8, 12, 25])
@pytest.mark.parametrize("m", [0, 15])
def test_top_eigenpair_matches_the_reference(d: int, m: int) -> None:
    y = whitened(300, d, m, seed=d)
    value, v = top_excess_direction(as_tensor(y))
    exact, exact_v = reference.top_eigenpair(y)
    assert value == pytest.approx(exact, rel=1e-9)
    assert abs(float((v.numpy() * exact_v).sum())) == pytest.approx(1, abs=1e-8)


def test_eigenvector_is_a_symmetric_matrix_of_norm_one() -> None:
    """The deviations of the filter are in units of this norm."""
    _, v = top_excess_direction(as_tensor(whitened(300, 10, 20, seed=4)))
    torch.testing.assert_close(v, v.T, rtol=0, atol=1e-14)
    assert float(torch.linalg.matrix_norm(v)) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("scale", [0.1, 0.5])
def test_largest_magnitude_wins_even_if_negative(scale: float) -> None:
    """Rows shrunk below unit variance make the operator negative along the identity."""
    y = gaussian(400, 4, seed=5) * scale
    value, _ = top_excess_direction(as_tensor(y))
    exact, _ = reference.top_eigenpair(y)
    assert exact < 0
    assert value == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("tolerance", [1e-4, 1e-7, 1e-10])
def test_residual_meets_the_tolerance(tolerance: float) -> None:
    """Clean rows at k = 36: the spectrum has no gap, which is the hard case."""
    y = as_tensor(whitened(500, 36, 0, seed=6))
    value, v = top_excess_direction(y, tolerance=tolerance)
    assert relative_residual(y, value, v) <= 2 * tolerance


@pytest.mark.parametrize("start", ["same", "second", "sixth"])
def test_a_start_changes_the_speed_and_not_the_answer(start: str) -> None:
    """Also when it is an exact eigenvector of a smaller eigenvalue, which traps a plain Krylov iteration."""
    y = whitened(300, 6, 20, seed=7)
    exact, exact_v = reference.top_eigenpair(y)
    vectors = np.linalg.eigh(reference.dense_operator(y))[1]
    given = {"same": exact_v, "second": vectors[:, -2].reshape(6, 6), "sixth": vectors[:, -6].reshape(6, 6)}
    value, v = top_excess_direction(as_tensor(y), start=as_tensor(given[start]))
    assert value == pytest.approx(exact, rel=1e-9)
    assert abs(float((v.numpy() * exact_v).sum())) == pytest.approx(1, abs=1e-8)


def test_gaussian_rows_have_an_excess_of_two() -> None:
    """The variance of y^T V y is 2 ||V||^2 for a Gaussian. 40,000 rows; the top of 10 sample values lies a little above."""
    rows = gaussian(40_000, 4, seed=8)
    value, _ = top_excess_direction(as_tensor(rows @ reference.inverse_root(rows.T @ rows / len(rows))))
    assert 2.0 < value < 2.2


def test_reference_operators_agree_with_each_other() -> None:
    """The reference's two ways to the top eigenpair (dense; explicit rows and ARPACK) give the same one."""
    y = whitened(150, 7, 10, seed=9)
    pairs = reference.kronecker_rows(y)
    identity = np.eye(7).reshape(-1)
    np.testing.assert_allclose(
        reference.dense_operator(y), pairs.T @ pairs / 150 - np.outer(identity, identity), atol=1e-10
    )
    values = np.linalg.eigvalsh(reference.dense_operator(y))
    by_arpack = eigsh(reference.explicit_operator(y), k=1, which="LM", tol=1e-12)[0][0]
    assert by_arpack == pytest.approx(values[-1], rel=1e-10)
