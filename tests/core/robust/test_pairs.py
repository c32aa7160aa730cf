"""The search by the products of pairs of rows finds what the search by the rows finds, and the filter drops the same rows."""

import pytest
import torch

from core.robust import filter as robust_filter
from core.robust import moments
from core.robust.linalg import SingularError, pair_products, symmetric_product, top_pair
from core.robust.moments import ExcessMoment
from core.robust.pairs import PairMoment, few_rows

SHAPES = [(1300, 64), (400, 60), (200, 30), (40, 12), (18, 12)]  # the last with hardly more rows than directions


def rows(n: int, k: int, planted: int = 0) -> torch.Tensor:
    """Gaussian rows with outliers in one direction that only the fourth moment shows."""
    z = torch.randn(n, k, generator=torch.Generator().manual_seed(n + k), dtype=torch.float64)
    if planted:
        z[:planted] *= 0.3
        z[:planted, :3] += 3.0
    return z - z.mean(0)


@pytest.mark.parametrize(("n", "k"), SHAPES)
def test_the_same_eigenpair(n, k):
    by_pairs, by_rows = PairMoment(rows(n, k)).top(), ExcessMoment(rows(n, k)).top()
    assert by_pairs.value == pytest.approx(by_rows.value, rel=1e-6)
    assert by_pairs.residual <= moments.TOLERANCE
    cosine = by_pairs.forms @ by_rows.forms / by_pairs.forms.norm() / by_rows.forms.norm()
    assert abs(float(cosine)) == pytest.approx(1, abs=1e-6)
    assert float(by_pairs.forms.square().mean()) == pytest.approx(by_pairs.value, rel=1e-6)


def test_the_value_is_that_of_all_symmetric_matrices_at_once():
    whole = moments._whole(ExcessMoment(rows(300, 20)).rows)
    assert PairMoment(rows(300, 20)).top().value == pytest.approx(whole.value, rel=1e-9)


def test_the_norms_are_those_of_the_whitened_rows():
    z = rows(300, 30, planted=20)
    torch.testing.assert_close(PairMoment(z).norms, ExcessMoment(z).norms)


@pytest.mark.parametrize(("n", "k", "anew"), [(300, 30, False), (90, 25, True)])
def test_dropping_rows_is_the_same_as_a_fresh_start_without_them(n, k, anew):
    """Round after round, rows far out and any others; the pairs are changed, and now and then made anew."""
    z = rows(n, k, planted=n // 10)
    found, kept = PairMoment(z), torch.arange(n)
    begun = []
    begin = found._begin
    found._begin = lambda left: begun.append(len(left)) or begin(left)
    generator = torch.Generator().manual_seed(0)
    for _ in range(12):
        mask = torch.rand(len(kept), generator=generator) > 0.03
        mask[found.top().forms.abs().topk(2).indices] = False
        found.keep(mask)
        kept = kept[mask]
        fresh = ExcessMoment(z[kept] @ torch.diag(torch.linspace(1, 5, k, dtype=torch.float64)))
        assert found.count == len(kept)
        torch.testing.assert_close(found.norms, fresh.norms, rtol=1e-8, atol=1e-8)
        assert found.top().value == pytest.approx(fresh.top().value, rel=1e-6)
    assert len(begun) < 12
    assert bool(begun) == anew


def test_rows_that_carried_a_direction_leave_it_well_measured():
    z = rows(400, 40)
    z[:, 0] *= 1e-4
    z[:5, 0] = 30
    found = PairMoment(z)
    found.keep(torch.arange(400) >= 5)
    fresh = ExcessMoment(z[5:])
    torch.testing.assert_close(found.norms, fresh.norms)
    assert found.top().value == pytest.approx(fresh.top().value, rel=1e-6)


@pytest.mark.parametrize("way", ["_by_pairs", "_by_rows"])
def test_the_operator_is_symmetric_whatever_the_mean_of_the_forms_is(way):
    """Of a residual that is nearly rounding the mean is not zero, and a search on a lopsided operator runs away."""
    found = PairMoment(rows(100, 20))
    found.keep(torch.arange(100) > 3)
    a, b = (rows(100, 2).T + 5) * found._alive
    apply = getattr(found, way)
    assert float(a @ apply(b[None])[0]) == pytest.approx(float(b @ apply(a[None])[0]), rel=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_a_search_to_the_end_of_single_precision_converges(seed):
    z = torch.randn(400, 64, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    z = (z - z.mean(0)) * torch.linspace(1, 4, 64, dtype=torch.float64)
    found = PairMoment(z).top()
    assert found.residual <= moments.TOLERANCE
    assert found.steps < 100


def test_too_few_rows_are_told():
    found = PairMoment(rows(60, 40))
    with pytest.raises(SingularError):
        found.keep(torch.arange(60) < 35)


@pytest.mark.parametrize(("n", "k", "planted"), [(700, 64, 40), (500, 49, 30), (120, 25, 12)])
def test_the_same_rows_go_in_the_same_rounds(n, k, planted, monkeypatch):
    found = []
    for few in (True, False):
        monkeypatch.setattr(robust_filter, "few_rows", lambda z, few=few: few)
        found.append(robust_filter.trusted_rows(rows(n, k, planted), planted / n, 2 * planted))
    by_pairs, by_rows = found
    assert sum(len(one.dropped) > 0 for one in by_rows.rounds) > 1
    assert [list(one.dropped) for one in by_pairs.rounds] == [list(one.dropped) for one in by_rows.rounds]
    assert torch.equal(by_pairs.trusted, by_rows.trusted)
    assert by_pairs.stopped == by_rows.stopped


def test_rows_count_as_few_by_the_square_of_k():
    assert few_rows(torch.zeros(1300, 64))
    assert not few_rows(torch.zeros(1300, 49))


def test_where_single_precision_is_not_enough_double_precision_goes_on(monkeypatch):
    """With pairs to which every vector is as good as any other, all that is found is found by the rows."""
    z = rows(200, 30)
    wanted = PairMoment(z).top().value
    monkeypatch.setattr(PairMoment, "_by_pairs", lambda self, forms: self._centred(forms))
    found = PairMoment(z).top()
    assert found.residual <= moments.TOLERANCE
    assert found.value == pytest.approx(wanted, rel=1e-6)


def test_products_of_pairs():
    y = rows(50, 7).float()
    out = torch.full((50, 50), torch.nan)
    assert pair_products(y, out) is out
    torch.testing.assert_close(out, y @ y.T)


@pytest.mark.parametrize("p", [1, 4])
def test_product_with_a_symmetric_matrix(p):
    a = rows(60, 60).float()
    a, x = a + a.T, rows(60, p).T.float()
    torch.testing.assert_close(symmetric_product(a, x), x @ a)


@pytest.mark.parametrize("k", [1, 2, 30])
def test_top_pair(k):
    a = rows(80, k)
    a = a.T @ a
    value, vector = top_pair(a)
    values, vectors = torch.linalg.eigh(a)
    assert value == pytest.approx(float(values[-1]), rel=1e-12)
    assert abs(float(vector @ vectors[:, -1])) == pytest.approx(1, abs=1e-9)
