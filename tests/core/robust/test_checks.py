"""What the mathematics is asked for and cannot be is one line, before anything is computed."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from core.robust import fit_spectre, fit_spectre_of_many, principal_components, trusted_rows
from core.robust.batched import trusted_rows_of_many
from core.robust.checks import check_rows

X = torch.randn(60, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
BAD = X.clone()
BAD[[7, 9], 2] = torch.tensor([float("nan"), float("inf")], dtype=torch.float64)
OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"alpha": float("nan")}, "alpha = nan must be a number at least 0"),
    ({"alpha": -1}, "alpha = -1 must be a number at least 0"),
    ({"alpha": "4"}, "alpha = '4' must be a number"),
    ({"removal_factor": -0.5}, "removal_factor = -0.5"),
    ({"allowance_factor": float("inf")}, "allowance_factor = inf"),
    ({"max_k": 0}, "max_k = 0 must be a whole number, 1 or more"),
    ({"k": 2.5}, "k = 2.5 must be a whole number"),
    ({"k": True}, "k = True must be a whole number"),
    ({"tail": "lower"}, "tail 'lower' is not one of published, upper"),
]


@pytest.mark.parametrize(("options", "words"), OPTIONS)
def test_options_that_are_none_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fit_spectre(X, 3, **options)
    with pytest.raises(ValueError, match=words):
        fit_spectre_of_many([X], [3], **options)


@pytest.mark.parametrize(
    ("x", "poisons", "words"),
    [
        (BAD, 3, r"row 7 has a value that is not finite \(NaN or inf; 2 such row\(s\)\)"),
        (X[0], 3, r"numbers of shape \(n, d\), not torch.float64 of shape \(6,\)"),
        (X > 0, 3, "numbers of shape"),
        (X, 2.5, "poisons = 2.5 must be a whole number, 0 or more"),
        (X, -1, "poisons = -1"),
    ],
)
def test_rows_and_numbers_of_poisons_that_are_none_are_refused(x: torch.Tensor, poisons: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fit_spectre(x, poisons)
    (found,) = fit_spectre_of_many([x], [poisons])
    with pytest.raises(ValueError, match=words):
        raise found  # type: ignore[misc]


def test_a_sum_that_overflows_makes_no_row_a_bad_one() -> None:
    check_rows(torch.full((40, 3), 1e307, dtype=torch.float64))


def test_components_of_other_rows_are_refused() -> None:
    for other in (X[:50], X[:, :5]):
        with pytest.raises(ValueError, match="those of other rows"):
            fit_spectre(X, 3, components=principal_components(other, 4))


@pytest.mark.parametrize(
    ("z", "eps", "allowance", "tail", "words"),
    [
        (BAD, 0.1, 3, "published", "row 7 has a value"),
        (X, 0.0, 3, "published", "eps = 0.0 must be a number above 0 and at most 0.5"),
        (X, 0.6, 3, "published", "eps = 0.6"),
        (X, 0.1, 2.5, "published", "allowance = 2.5 must be a whole number"),
        (X, 0.1, 3, "both", "tail 'both'"),
    ],
)
def test_the_filter_refuses_what_it_cannot_run_with(
    z: torch.Tensor, eps: float, allowance: Any, tail: Any, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        trusted_rows(z, eps, allowance, tail=tail)
    with pytest.raises(ValueError, match=words):
        trusted_rows_of_many([X, z], [0.1, eps], [3, allowance], tail=tail)
