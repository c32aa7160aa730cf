"""Groups that stand apart, and the test on tails: poison is found to the row, chance is not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.robust import fewest_rows, most_apart, whitened_by_inner
from core.robust.apart import SMALLEST, Tails, held_out, tails_of
from tests.helpers import anisotropic


@pytest.mark.parametrize("m", [8, 20, 60])
def test_poison_is_found_to_the_row(m: int) -> None:
    data = anisotropic(300, 16, m, strength=12.0)
    found = most_apart([whitened_by_inner(torch.from_numpy(data.rows), 0.75)])
    np.testing.assert_array_equal(found.members, data.poison)
    assert found.tails.p_value(3.0, fewest_rows(300)) < 1e-6


# The heaviest are the hardest.
@pytest.mark.parametrize("freedom", [3, *(pytest.param(freedom, marks=pytest.mark.slow) for freedom in (5, np.inf))])
def test_the_level_is_kept_on_clean_rows(freedom: float) -> None:
    """Tails no heavier than t^-3: p below 0.05 in about that share of 100 draws, at most."""
    rng = np.random.default_rng(0)
    low = 0
    for _ in range(100):
        rows = rng.standard_normal((150, 8))
        if np.isfinite(freedom):
            rows /= np.sqrt(rng.chisquare(freedom, (150, 1)) / freedom)
        found = most_apart([whitened_by_inner(torch.from_numpy(rows), 0.75)])
        low += found.tails.p_value(2.0, fewest_rows(150)) < 0.05
    assert low <= 10


def test_a_direction_that_few_rows_make_up_shows_nothing_held_out() -> None:
    w = torch.randn(60, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    inside = torch.linalg.eigh(torch.cov(w.T))[1][:, -1]
    assert float((w @ inside).std()) > 1.5
    assert float(held_out(w)[:, 0].abs().max()) < 6


def test_the_order_of_the_tests() -> None:
    tails = tails_of([torch.tensor([[3.0], [6.0], [-13.0]])])
    assert tails.beyond_start.tolist() == [2] * 4 + [1] * 4 + [1] * 8
    assert tails.beyond_cut.tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0]


def test_rows_of_which_most_are_equal_stay_finite() -> None:
    z = torch.zeros(40, 3, dtype=torch.float64)
    z[:5] = torch.eye(5, 3, dtype=torch.float64) + 1
    w = whitened_by_inner(z, 0.5)
    assert torch.isfinite(w).all()
    assert most_apart([w]).members.sum() in (0, 5)
    equal = most_apart([whitened_by_inner(torch.ones(40, 3, dtype=torch.float64), 0.5)])
    assert not equal.members.any()


def test_p_values_are_binomial_and_combined_by_their_harmonic_mean() -> None:
    tails = Tails(np.array([10, 10]), np.array([10, 4]), np.array([2.0, 2.0]))
    assert tails.p_values(1.0, 5).tolist() == pytest.approx([2.0**-10, 1.0])
    assert tails.p_value(1.0, 5) == pytest.approx(2 / (2**10 + 1))


def test_a_p_value_too_small_for_a_float_is_the_smallest() -> None:
    tails = Tails(np.array([5000]), np.array([5000]), np.array([5.0]))
    assert tails.p_value(3.0, 5) == pytest.approx(SMALLEST)


@pytest.mark.parametrize(("n", "fewest"), [(10, 5), (2500, 5), (5000, 10)])
def test_the_smallest_group(n: int, fewest: int) -> None:
    assert fewest_rows(n) == fewest
