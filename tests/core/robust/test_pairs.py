"""The search by the products of pairs of rows finds what the search by the rows finds, and the filter drops the same rows."""

import pytest
import torch

from core.robust import filter as robust_filter
from core.robust import moments
from core.robust.linalg import pair_products

SHAPES = [(1300, 64), (400, 60), (200, 30), (40, 12), (18, 12)]  # the last with hardly more rows than directions


def rows(n: int, k: int, planted: int = 0) -> torch.Tensor:
    """Gaussian rows with outliers in one direction that only the fourth moment shows."""
    z = torch.randn(n, k, generator=torch.Generator().manual_seed(n + k), dtype=torch.float64)
    if planted:
        z[:planted] *= 0.3
        z[:planted, :3] += 3.0
    return z - z.mean(0)


def both(monkeypatch, ask):
    """What is found by pairs, then by the rows; that pairs were asked, or were not, is seen to."""
    asked = []
    search = moments.search_pairs
    monkeypatch.setattr(moments, "search_pairs", lambda *given: asked.append(given) or search(*given))
    found = []
    for over, used in ((0.0, True), (1e9, False)):  # rows are never, and always, too many
        monkeypatch.setattr(moments, "BY_PAIRS", over)
        asked.clear()
        found.append(ask())
        assert bool(asked) == used
    return found


@pytest.mark.parametrize(("n", "k"), SHAPES)
def test_the_same_eigenpair(n, k, monkeypatch):
    by_pairs, by_rows = both(monkeypatch, lambda: moments.ExcessMoment(rows(n, k)).top())
    assert by_pairs.value == pytest.approx(by_rows.value, rel=1e-6)
    assert by_pairs.residual <= moments.TOLERANCE
    assert abs(float((by_pairs.matrix * by_rows.matrix).sum())) == pytest.approx(1, abs=1e-4)


def test_the_value_is_that_of_all_symmetric_matrices_at_once(monkeypatch):
    monkeypatch.setattr(moments, "BY_PAIRS", 0.0)
    found = moments.ExcessMoment(rows(300, 20))
    assert found.top().value == pytest.approx(moments._whole(found.rows).value, rel=1e-9)


@pytest.mark.parametrize(("n", "k", "planted"), [(700, 64, 40), (500, 49, 30), (120, 25, 12)])
def test_the_same_rows_go_in_the_same_rounds(n, k, planted, monkeypatch):
    by_pairs, by_rows = both(
        monkeypatch, lambda: robust_filter.trusted_rows(rows(n, k, planted), planted / n, 2 * planted)
    )
    assert sum(len(one.dropped) > 0 for one in by_rows.rounds) > 1
    assert [list(one.dropped) for one in by_pairs.rounds] == [list(one.dropped) for one in by_rows.rounds]
    assert torch.equal(by_pairs.trusted, by_rows.trusted)
    assert by_pairs.stopped == by_rows.stopped


def test_products_of_pairs():
    y = rows(50, 7).float()
    out = torch.full((50, 50), torch.nan)
    assert pair_products(y, out) is out
    torch.testing.assert_close(out, y @ y.T)
