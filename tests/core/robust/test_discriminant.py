"""Rows against all class centres, as statistics: wrong labels are found, and shape and scale of the features do not matter."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.robust import robust_discriminant
from tests.helpers import rotation


def drawn(wrong: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Four classes of 100 rows in 12 dimensions; the first `wrong` rows of each carry the next label."""
    rng = np.random.default_rng(seed)
    centres = 4 * rng.standard_normal((4, 12))
    true = np.repeat(np.arange(4), 100)
    rows = centres[true] + rng.standard_normal((400, 12)) * np.geomspace(3, 0.2, 12)
    mask = np.arange(400) % 100 < wrong
    labels = np.where(mask, (true + 1) % 4, true)
    return torch.from_numpy(rows), torch.from_numpy(labels), mask


@pytest.mark.parametrize("wrong", [0, 2, 10, 25])
def test_wrong_labels_are_found_with_their_class(wrong: int) -> None:
    rows, labels, mask = drawn(wrong)
    found = robust_discriminant(rows, labels, 4)
    np.testing.assert_array_equal((found.margin > 0).numpy(), mask)
    assert (found.nearest[mask] == (labels[mask] - 1) % 4).all()


def test_ordinary_rows_are_white() -> None:
    rows, labels, _ = drawn(0)
    found = robust_discriminant(rows, labels, 4)
    spread = (found.whitened() - found.centres[labels]).square().mean(0)
    np.testing.assert_allclose(spread.numpy(), 1, atol=0.35)


def test_a_row_has_no_say_in_how_far_it_lies_by_the_others() -> None:
    """Against the covariance without it, for rows that are in it and for trimmed ones; 300 rows in 60 dimensions, where a say is much."""
    rng = np.random.default_rng(0)
    rows, labels = torch.from_numpy(rng.standard_normal((300, 60))), torch.arange(300) % 3
    found = robust_discriminant(rows, labels, 3)
    z = (found.whitened() - found.centres[labels]).numpy()
    trimmed = np.isclose(found.own.numpy(), found.without.numpy(), rtol=1e-9)
    assert trimmed.sum() == pytest.approx(30, abs=1)
    second = z[~trimmed].T @ z[~trimmed]
    for i in (0, 5, int(np.flatnonzero(trimmed)[0])):
        without = second - (0 if trimmed[i] else np.outer(z[i], z[i]))
        count = (~trimmed).sum() - (not trimmed[i])
        factor = np.trace(second) / (~trimmed).sum() / 60
        expected = z[i] @ np.linalg.solve(without / count / factor, z[i])
        assert float(found.without[i]) == pytest.approx(expected, rel=1e-6)
    without, own = (
        float(d[trimmed].mean() / d[~trimmed].mean()) for d in (found.without.sqrt().numpy(), found.own.sqrt().numpy())
    )
    assert without < 1.2, "trimmed rows are the outermost tenth, and not a kind of their own"
    assert own > 1.3


def test_scale_and_place_change_nothing_and_a_rotation_little() -> None:
    rows, labels, _ = drawn(0)
    turned = rows @ torch.from_numpy(rotation(12, 0))  # medians of columns do not turn along
    one, moved, other = (robust_discriminant(x, labels, 4) for x in (rows, 0.01 * rows + 3, turned))
    np.testing.assert_allclose(one.margin.numpy(), moved.margin.numpy(), rtol=1e-6)
    np.testing.assert_allclose(one.margin.numpy(), other.margin.numpy(), rtol=0.25)
    assert (one.nearest == other.nearest).all()


def test_a_large_class_does_not_set_the_spread() -> None:
    rows, labels, _ = drawn(0)
    tight = rows[labels == 0].mean(0) + 0.01 * torch.randn(
        4000, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )
    found = robust_discriminant(torch.cat([rows, tight]), torch.cat([labels, torch.zeros(4000, dtype=labels.dtype)]), 4)
    usual = float(found.own[:400].sqrt().median())
    assert usual < 3 * 12**0.5


def test_one_class_has_no_other() -> None:
    rows, labels, _ = drawn(0)
    found = robust_discriminant(rows[labels == 0], labels[labels == 0], 1)
    assert found.other.isinf().all()
    assert (found.margin == -torch.inf).all()


@pytest.mark.parametrize("x", [torch.zeros(6, 3), torch.eye(3)])
def test_without_spread_there_is_an_error(x: torch.Tensor) -> None:
    index = torch.arange(3).repeat(len(x) // 3)
    with pytest.raises(ValueError, match="spread"):
        robust_discriminant(x, index, 3)
