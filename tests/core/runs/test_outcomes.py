from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.runs import Share, cost_text, detection, duration, roc, scores_at, share_text

YES, NO = True, False


def triple(share: dict[str, Any]) -> tuple[int, int, float | None]:
    return share["count"], share["total"], share["value"]


def test_detection_counts_made_by_hand() -> None:
    removed = np.array([YES, YES, YES, NO, NO, NO, NO, NO])
    poison = np.array([YES, YES, NO, YES, NO, NO, NO, NO])
    found = detection(removed, poison)
    assert (found["removed"], found["rows"]) == (3, 8)
    assert triple(found["true_positive_rate"]) == (2, 3, 2 / 3)
    assert triple(found["false_positive_rate"]) == (1, 5, 0.2)
    assert triple(found["precision"]) == (2, 3, 2 / 3)


@pytest.mark.parametrize(
    ("removed", "poison", "undefined"),
    [
        ([YES, NO], [NO, NO], {"true_positive_rate"}),
        ([YES, NO], [YES, YES], {"false_positive_rate"}),
        ([NO, NO], [YES, NO], {"precision"}),
        ([NO, NO], [NO, NO], {"true_positive_rate", "precision"}),
    ],
)
def test_a_rate_with_nothing_to_divide_by_is_none_and_only_that(
    removed: list[bool], poison: list[bool], undefined: set[str]
) -> None:
    found = detection(np.array(removed), np.array(poison))
    rates = ("true_positive_rate", "false_positive_rate", "precision")
    assert {name for name in rates if found[name]["value"] is None} == undefined


def test_where_nothing_is_flagged_all_poison_is_missed_and_nobody_accused() -> None:
    """Public versions swap the false negatives and the false positives there."""
    found = detection(np.zeros(8, bool), np.array([YES, YES, YES, NO, NO, NO, NO, NO]))
    assert found["removed"] == 0
    assert triple(found["true_positive_rate"]) == (0, 3, 0.0)
    assert triple(found["false_positive_rate"]) == (0, 5, 0.0)
    assert triple(found["precision"]) == (0, 0, None)


def test_share_text_has_as_many_digits_as_the_total_allows() -> None:
    assert share_text(Share(33, 36).as_json()) == "92 % (33 of 36)"
    assert share_text(Share(1999, 2000).as_json()) == "99.95 % (1,999 of 2,000)"
    assert share_text(Share(0, 5).as_json()) == "0 % (0 of 5)"
    assert share_text(Share(0, 0).as_json()) == "-"
    assert share_text(None) == "-"


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.lists(st.booleans(), min_size=2, max_size=12).filter(lambda p: any(p) and not all(p)), st.integers(0, 99))
def test_roc_against_counting(poison: list[bool], seed: int) -> None:
    is_poison = np.array(poison)
    scores = np.random.default_rng(seed).permutation(len(poison)).astype(float)
    false, true = roc(scores, is_poison)
    curve = set()
    for cut in [np.inf, *scores]:
        found = detection(scores >= cut, is_poison)
        curve.add((found["false_positive_rate"]["value"], found["true_positive_rate"]["value"]))
    corners = list(zip(false.tolist(), true.tolist(), strict=True))
    assert corners[0] == (0, 0)
    assert corners[-1] == (1, 1)
    assert {(round(a, 9), round(b, 9)) for a, b in corners} <= {(round(a, 9), round(b, 9)) for a, b in curve}
    for a, b in curve:  # every cut lies on a straight piece between two corners
        assert any(
            (a == pytest.approx(p[0]) == pytest.approx(q[0]) and p[1] - 1e-9 <= b <= q[1] + 1e-9)
            or (b == pytest.approx(p[1]) == pytest.approx(q[1]) and p[0] - 1e-9 <= a <= q[0] + 1e-9)
            for p, q in itertools.pairwise(corners)
        )


@pytest.mark.parametrize("seed", range(5))
def test_roc_does_not_depend_on_the_order_of_equal_scores(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, poison = rng.integers(0, 4, 60).astype(float), rng.random(60) < 0.3
    turned = rng.permutation(60)
    first, again = roc(scores, poison), roc(scores[turned], poison[turned])
    np.testing.assert_allclose(first, again)
    area = np.trapezoid(first[1], first[0])
    above = scores[poison][:, None] - scores[~poison][None]
    assert area == pytest.approx(((above > 0) + 0.5 * (above == 0)).mean()), "the share of pairs in the right order"


def test_roc_of_equal_scores_is_the_diagonal() -> None:
    false, true = roc(np.zeros(6), np.arange(6) < 3)
    assert (false.tolist(), true.tolist()) == ([0, 1], [0, 1])
    assert [len(part) for part in roc(np.zeros(0), np.zeros(0, bool))] == [1, 1]


def whitened(variances: np.ndarray, n: int = 50) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, len(variances))) * np.sqrt(variances)


def slow_scores(rows: np.ndarray, variances: np.ndarray, alpha: float) -> np.ndarray:
    weights = np.exp(alpha * (variances - 1) / (np.abs(variances).max() - 1))
    return (rows**2 * weights / weights.sum()).sum(1)


VARIANCES = np.array([4.0, 2.0, 1.1, 0.7])


@pytest.mark.parametrize("alpha", [0.0, 0.5, 4.0, 40.0])
def test_scores_at_alpha_follow_the_formula(alpha: float) -> None:
    rows = whitened(VARIANCES)
    np.testing.assert_allclose(scores_at(rows, VARIANCES, alpha), slow_scores(rows, VARIANCES, alpha), rtol=1e-12)


def test_alpha_zero_is_the_plain_norm_and_infinity_the_top_direction() -> None:
    rows = whitened(VARIANCES)
    np.testing.assert_allclose(scores_at(rows, VARIANCES, 0.0), (rows**2).mean(1))
    np.testing.assert_allclose(scores_at(rows, VARIANCES, np.inf), rows[:, 0] ** 2)
    np.testing.assert_allclose(scores_at(rows, VARIANCES, 1e6), rows[:, 0] ** 2)  # nor does a large alpha overflow


@pytest.mark.parametrize("alpha", [0.0, 4.0, np.inf])
def test_without_excess_variance_alpha_does_not_matter(alpha: float) -> None:
    variances = np.array([0.9, 0.8, 0.5])
    rows = whitened(variances)
    np.testing.assert_allclose(scores_at(rows, variances, alpha), (rows**2).mean(1))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (40.4, "40 s"), (99.4, "99 s"), (100, "2 min"), (1234, "21 min"), (5399, "90 min"), (5400, "1.5 h")],
)
def test_durations_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_what_a_run_took_stands_beside_what_was_expected() -> None:
    result = {"seconds": {"train": 40.0, "defend": 12.0}, "estimate": {"total": 48.0}}
    assert cost_text(result) == "52 s in all, 48 s expected"
    assert cost_text({**result, "estimate": None}) == "52 s in all"
