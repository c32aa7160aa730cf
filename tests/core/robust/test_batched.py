"""Many tables filtered as one batch: what each of them gives by itself, round for round."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.robust import batched, fit_spectre, fit_spectre_of_many, spectre, trusted_rows, trusted_rows_of_many
from core.robust.linalg import ConvergenceError
from tests.helpers import as_tensor, contaminated


def table(n: int, k: int, m: int, seed: int, strength: float = 6.0) -> torch.Tensor:
    rows = as_tensor(contaminated(n, k, m, strength=strength, seed=seed).rows)
    return rows - rows.mean(0)


MANY = [
    (table(300, 16, 20, 0), 20 / 300, 40),
    (table(260, 30, 15, 1), 15 / 260, 30),
    (table(300, 4, 30, 2), 0.1, 60),
    (table(120, 12, 0, 3), 0.05, 10),
    (table(90, 9, 10, 4, strength=40.0), 0.1, 20),
    (table(600, 3, 1, 8, strength=1000.0), 0.05, 5),  # with a round of norms
    (table(40, 36, 6, 5), 0.15, 12),  # hardly more rows than columns
    (table(200, 1, 10, 6), 0.05, 20),
    (table(200, 8, 10, 7), 0.05, 0),
]


@pytest.mark.parametrize("tail", ["published", "upper"])
def test_each_table_has_the_rounds_that_it_has_alone(tail: str) -> None:
    tables, eps, allowances = zip(*MANY, strict=True)
    many = trusted_rows_of_many(tables, eps, allowances, tail=tail)
    reasons = set()
    for z, share, allowance, found in zip(tables, eps, allowances, many, strict=True):
        alone = trusted_rows(z, share, allowance, tail=tail)
        assert torch.equal(found.trusted, alone.trusted)
        assert found.stopped == alone.stopped
        assert len(found.rounds) == len(alone.rounds)
        for ours, theirs in zip(found.rounds, alone.rounds, strict=True):
            assert (ours.reason, ours.rows_before) == (theirs.reason, theirs.rows_before)
            np.testing.assert_array_equal(ours.dropped, theirs.dropped)
            # an eigenvector, and so the cut, is known to residual over gap
            for name, tolerance in (("eigenvalue", 1e-6), ("threshold", 1e-9), ("cut", 1e-2)):
                left, right = getattr(ours, name), getattr(theirs, name)
                assert (left is None) == (right is None), name
                assert left is None or left == pytest.approx(right, rel=tolerance), name
            assert (ours.residual is None) == (theirs.residual is None)
            assert ours.residual is None or ours.residual <= 1e-6
        reasons |= {found.stopped, *(entry.reason for entry in found.rounds)}
    expected = {
        "published": {"moment", "allowance used up", "converged"},
        "upper": {"moment", "no threshold", "converged"},
    }
    assert reasons >= {"norm", "no allowance", *expected[tail]}


def test_no_table_is_no_work() -> None:
    assert trusted_rows_of_many([], [], []) == []


def test_a_table_whose_rows_span_too_few_directions_ends_alone() -> None:
    flat = table(100, 6, 5, 0)
    flat[:, 5] = flat[:, 4]
    many = trusted_rows_of_many([flat, MANY[0][0]], [0.05, MANY[0][1]], [10, MANY[0][2]])
    assert many[0].stopped == trusted_rows(flat, 0.05, 10).stopped == "too few rows"
    assert torch.equal(many[1].trusted, trusted_rows(*MANY[0]).trusted)


def test_what_is_carried_over_is_thinned_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """With hardly any room for vectors the same rows go."""
    monkeypatch.setattr(batched, "CAPACITY", 16)
    monkeypatch.setattr(batched, "THINNED", 6)
    monkeypatch.setattr(batched, "RECYCLED", 4)
    z, eps, allowance = MANY[1]
    assert torch.equal(
        trusted_rows_of_many([z], [eps], [allowance])[0].trusted, trusted_rows(z, eps, allowance).trusted
    )


def test_no_convergence_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batched, "MOST", 1)
    with pytest.raises(ConvergenceError, match="residual"):
        trusted_rows_of_many([MANY[0][0]], [0.05], [10])


@pytest.mark.parametrize("options", [{}, {"k": 9}, {"k": 1}, {"robust_mean": True, "tail": "upper"}])
def test_fits_of_many_classes_are_those_of_each(options: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of a GPU, taken by the CPU."""
    xs = [table(200 + 10 * i, 40, 12, i) for i in range(3)]
    alone = [fit_spectre(x, 12, **options) for x in xs]
    monkeypatch.setattr(spectre, "_as_one_batch", lambda device: True)
    many = fit_spectre_of_many(xs, [12] * 3, **options)
    for ours, theirs in zip(many, alone, strict=True):
        assert not isinstance(ours, ValueError)
        assert (ours.k, ours.warnings) == (theirs.k, theirs.warnings)
        assert torch.equal(ours.removed, theirs.removed)
        torch.testing.assert_close(ours.scores, theirs.scores, rtol=1e-9, atol=1e-9)
        assert [c.stopped for c in ours.candidates] == [c.stopped for c in theirs.candidates]


@pytest.mark.parametrize("as_batch", [False, True])
def test_a_class_that_cannot_be_fitted_leaves_the_others_alone(as_batch: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectre, "_as_one_batch", lambda device: as_batch)
    good, bad = table(100, 20, 8, 0), torch.ones(50, 20, dtype=torch.float64)
    found = fit_spectre_of_many([bad, good, good], [5, 8, 80])
    assert isinstance(found[0], ValueError)
    assert torch.equal(found[1].removed, fit_spectre(good, 8).removed)
    assert isinstance(found[2], ValueError)
    assert fit_spectre_of_many([bad], [5])[0].args
    assert fit_spectre_of_many([], []) == []
