"""What is set aside before anything is estimated."""

from __future__ import annotations

import pytest
import torch

from core.robust import aside

ROWS = torch.randn(200, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_sizes_and_constant_rows() -> None:
    rows = ROWS.clone()
    rows[3], rows[4] = 0.0, -2.5
    sizes, constant = aside.row_sizes(rows)
    assert constant.nonzero()[:, 0].tolist() == [3, 4]
    assert sizes[[3, 4]].tolist() == [0.0, 2.5]


def test_in_few_columns_equal_values_are_nothing_unusual() -> None:
    assert not aside.row_sizes(torch.zeros(4, aside.CONSTANT_FROM - 1))[1].any()


@pytest.mark.parametrize("times", [30.0, 1000.0, 1e-4])
def test_a_row_out_of_scale_is_told(times: float) -> None:
    sizes = ROWS.abs().amax(1)
    sizes[7] *= times
    assert aside.out_of_scale(sizes).nonzero()[:, 0].tolist() == [7]


@pytest.mark.parametrize("spread", [0.1, 1.0, 2.0])
def test_sizes_that_vary_by_nature_are_left_alone(spread: float) -> None:
    logs = spread * torch.randn(5000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert not aside.out_of_scale(logs.exp()).any()


@pytest.mark.parametrize("spread", [0.001, 0.05])
def test_near_copies_are_chained_to_the_first(spread: float) -> None:
    noise = torch.randn(10, 16, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    rows = torch.cat([ROWS, ROWS[5] + spread * noise])
    first = aside.first_of_close(rows)
    assert first[200:].tolist() == [5] * 10
    assert (first[:200] == torch.arange(200)).all()


def test_rows_of_half_the_spread_are_no_copies() -> None:
    noise = torch.randn(20, 16, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    rows = torch.cat([ROWS, 4 + 0.5 * noise])
    assert (aside.first_of_close(rows) == torch.arange(220)).all()


@pytest.mark.parametrize("d", [1, 2, 3])
def test_in_few_dimensions_rows_come_close_by_chance(d: int) -> None:
    rows = torch.randn(500, d, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    assert int((aside.first_of_close(rows) != torch.arange(500)).sum()) <= 2


def test_coarse_values_are_told() -> None:
    assert aside.too_coarse(torch.tensor([0, 0, 0, 0, 0, 1]).repeat(2))
    assert not aside.too_coarse(torch.arange(6))


def test_no_row_is_out_of_scale_where_most_are_zero() -> None:
    assert not aside.out_of_scale(torch.tensor([0.0, 0.0, 0.0, 1.0, 9.0], dtype=torch.float64)).any()
