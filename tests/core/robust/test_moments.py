"""The fourth-moment operator of the filter against the dense Kronecker matrix, and its top eigenpair."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import eigsh
from torch import Tensor

from core.robust import ExcessMoment, excess_moment, top_excess_direction
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


@pytest.mark.parametrize("m", [0, 20])
def test_operator_of_whitened_rows_is_positive_semidefinite(m: int) -> None:
    """It is the covariance of y kron y there, so the eigenvalue of largest magnitude is the largest one."""
    values = np.linalg.eigvalsh(reference.dense_operator(whitened(300, 5, m, seed=5)))
    assert values[0] > -1e-10


@pytest.mark.parametrize("tolerance", [1e-4, 1e-7, 1e-10])
def test_residual_meets_the_tolerance(tolerance: float) -> None:
    """Clean rows at k = 36: the spectrum has no gap, which is the hard case."""
    y = as_tensor(whitened(500, 36, 0, seed=6))
    value, v = top_excess_direction(y, tolerance=tolerance)
    assert relative_residual(y, value, v) <= 2 * tolerance


@pytest.mark.parametrize("k", [6, 12, 25])
def test_what_is_carried_over_changes_the_speed_and_not_the_answer(k: int) -> None:
    """Round after round with rows dropped in between, against a fresh start on the rows that are left."""
    rng = np.random.default_rng(k)
    rows = as_tensor(contaminated(500, k, 40, strength=8.0, seed=k).rows)
    carried = ExcessMoment(rows)
    kept = torch.arange(len(rows))
    steps = [0, 0]
    for _ in range(6):
        ours, fresh = carried.top(), ExcessMoment(rows[kept], tolerance=1e-10).top()
        assert ours.value == pytest.approx(fresh.value, rel=1e-9)
        forms = fresh.forms * torch.sign(fresh.forms @ ours.forms)
        np.testing.assert_allclose(ours.forms.numpy(), forms.numpy(), atol=1e-3 * float(forms.std()))
        steps = [steps[0] + ours.steps, steps[1] + ExcessMoment(rows[kept]).top().steps]
        mask = torch.from_numpy(rng.random(len(kept)) > 0.02)
        mask[ours.forms.abs().topk(8).indices] = False
        carried.keep(mask)
        kept = kept[mask]
    torch.testing.assert_close(carried.rows.T @ carried.rows / len(kept), torch.eye(k, dtype=torch.float64))
    assert k < 11 or steps[0] < 0.8 * steps[1]


def test_rows_that_carried_a_direction_leave_it_well_measured() -> None:
    """A difference of second moments loses all digits where the dropped rows had nearly all of a direction's."""
    rows = gaussian(400, 12, seed=3)
    rows[:, 0] *= 1e-4
    rows[:5, 0] = 30
    moments = ExcessMoment(as_tensor(rows))
    moments.keep(torch.arange(400) >= 5)
    torch.testing.assert_close(moments.rows.T @ moments.rows / 395, torch.eye(12, dtype=torch.float64))
    assert moments.top().value == pytest.approx(ExcessMoment(as_tensor(rows[5:])).top().value, rel=1e-8)


@pytest.mark.parametrize("k", [4, 12, 30])
def test_forms_are_those_of_the_matrix(k: int) -> None:
    """In double precision, whatever the search used."""
    y = as_tensor(whitened(400, k, 20, seed=k))
    pair = ExcessMoment(y).top()
    expected = ((y @ pair.matrix) * y).sum(1) - pair.matrix.trace()
    np.testing.assert_allclose(pair.forms.numpy(), expected.numpy(), atol=1e-11 * float(expected.abs().max()) + 1e-12)
    assert pair.residual <= 1e-6


def test_gaussian_rows_have_an_excess_of_two() -> None:
    """The variance of y^T V y is 2 ||V||^2 for a Gaussian. 40,000 rows; the top of 10 sample values lies a little above."""
    rows = gaussian(40_000, 4, seed=8)
    value, _ = top_excess_direction(as_tensor(rows @ reference.inverse_root(rows.T @ rows / len(rows))))
    assert 2.0 < value < 2.2


@pytest.mark.parametrize("d", [7, 12, 21])
def test_reference_operators_agree_with_each_other(d: int) -> None:
    """The reference's three ways (the matrix; the rows y kron y; neither) are one operator with one top eigenpair."""
    y = whitened(150, d, 10, seed=9)
    explicit, implicit = reference.explicit_operator(y), reference.implicit_operator(y)
    any_matrix = gaussian(d, d, seed=10).reshape(-1)
    np.testing.assert_allclose(implicit @ any_matrix, explicit @ any_matrix, atol=1e-10)
    top = [eigsh(operator, k=1, which="LM", tol=1e-12)[0][0] for operator in (explicit, implicit)]
    assert top[0] == pytest.approx(top[1], rel=1e-10)
    if d <= reference.DENSE_UP_TO:
        dense = reference.dense_operator(y)
        np.testing.assert_allclose(dense @ any_matrix, explicit @ any_matrix, atol=1e-10)
        assert top[0] == pytest.approx(np.linalg.eigvalsh(dense)[-1], rel=1e-10)
