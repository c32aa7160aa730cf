from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.audit.verdict import LEVEL, MIN_SPREAD, judge, studentised

ALIKE = np.full(10, 0.05)
UNEVEN = np.array([0.01, 0.02, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3])


def objectives(c: int = 10, seed: int = 0, spread: float = 0.5) -> np.ndarray:
    return np.exp(1 + spread * np.random.default_rng(seed).standard_normal(c))


def test_the_statistic_is_the_leave_one_out_deviate() -> None:
    x = np.log(objectives())
    found = studentised(x, np.ones((10, 1)))
    for i in range(10):
        others = np.delete(x, i)
        expected = (x[i] - others.mean()) / (others.std(ddof=1) * np.sqrt(1 + 1 / 9))
        assert found[i] == pytest.approx(expected)


def test_with_a_trend_the_statistic_is_the_deviation_from_what_the_others_predict() -> None:
    x = np.log(objectives()) + 10 * UNEVEN
    design = np.column_stack([np.ones(10), UNEVEN])
    found = studentised(x, design)
    for i in range(10):
        a, b = np.delete(design, i, 0), np.delete(x, i)
        fit, *_ = np.linalg.lstsq(a, b, rcond=None)
        variance = np.square(b - a @ fit).sum() / (9 - 2)
        scale = np.sqrt(variance * (1 + design[i] @ np.linalg.inv(a.T @ a) @ design[i]))
        assert found[i] == pytest.approx((x[i] - design[i] @ fit) / scale)


@pytest.mark.parametrize(("c", "critical"), [(5, 1.672), (10, 2.176), (20, 2.557)])
def test_the_limit_is_that_of_grubbs_tables(c: int, critical: float) -> None:
    """ASTM E178, one-sided, 5 %: (largest - mean) / deviation."""

    def with_statistic(g: float) -> np.ndarray:
        others = np.random.default_rng(c).standard_normal(c - 1)
        low, high = others.max(), 1000.0
        for _ in range(200):
            x = np.append(others, (low + high) / 2)
            low, high = (x[-1], high) if (x[-1] - x.mean()) / x.std(ddof=1) < g else (low, x[-1])
        return np.exp(x)

    assert not judge(with_statistic(critical - 0.002), np.full(c, 0.05)).stands_out
    assert judge(with_statistic(critical + 0.002), np.full(c, 0.05)).stands_out


@pytest.mark.parametrize(
    "shares", [np.full(4, 0.1), ALIKE, np.full(100, 0.1), UNEVEN], ids=["4", "10", "100", "uneven"]
)
def test_false_alarms_are_as_many_as_the_level_says(shares: np.ndarray) -> None:
    sets, c = 4000, len(shares)
    rng = np.random.default_rng(1)
    logs = rng.normal(1.0, 0.5, (sets, c)) + (10 * shares if np.ptp(shares) else 0)
    alarms = sum(judge(np.exp(x), shares).stands_out for x in logs)
    low, high = stats.binom.interval(0.998, sets, LEVEL)
    assert low <= alarms <= high, f"{alarms} of {sets}"


def test_a_smaller_level_alarms_less() -> None:
    values = objectives()
    values[3] = values.max() * 3
    p = judge(values, ALIKE).p_value
    assert p is not None
    assert judge(values, ALIKE, level=p * 1.01).stands_out
    assert not judge(values, ALIKE, level=p * 0.99).stands_out


def test_the_class_and_its_margin_are_named() -> None:
    values = np.array([2.0, 2.2, 1.8, 2.1, 9.0, 1.9])
    verdict = judge(values, np.full(6, 0.1))
    assert verdict.suspect == verdict.largest == 4
    assert verdict.over_next == pytest.approx(9 / 2.2)
    assert verdict.over_median == pytest.approx(4.5)
    words = verdict.in_words("class 7")
    assert words.startswith("class 7 stands out: p = ")
    assert "4.09 times the next" in words


def test_only_an_objective_that_is_too_large_stands_out() -> None:
    verdict = judge(np.array([2.0, 2.2, 1.8, 2.1, 0.01, 1.9]), np.full(6, 0.1))
    assert verdict.suspect is None
    assert verdict.in_words("class 1").startswith("none stands out: class 1 comes closest, p = ")


@pytest.mark.parametrize("c", [0, 1, 2, 3])
def test_too_few_classes_are_not_tested(c: int) -> None:
    verdict = judge(np.array([1.0, 1000.0, 1.1])[:c], np.full(c, 0.1))
    assert (verdict.p_value, verdict.suspect) == (None, None)
    assert verdict.largest == (None, 0, 1, 1)[c]
    assert ("no test is possible" in verdict.in_words("class 1")) == (c > 0)


def test_too_few_classes_of_different_size_are_not_tested() -> None:
    verdict = judge(np.array([1.0, 1.1, 1.2, 50.0]), np.array([0.05, 0.1, 0.2, 0.3]))
    assert verdict.p_value is None
    assert "4 classes of such different size can be compared, and it needs 5" in verdict.in_words("class 1")


def test_a_small_class_is_not_suspected_for_its_size() -> None:
    """Objectives of clean Gaussian classes of 1,600 to 100 rows with 20 assumed poisons, as measured."""
    shares = 20 / np.array([1600, 1600, 1600, 800, 800, 800, 400, 400, 400, 200, 200, 200, 100])
    measured = np.array([1.117, 1.124, 1.118, 1.259, 1.256, 1.253, 1.711, 1.701, 1.750, 2.658, 2.835, 2.691, 7.159])
    assert judge(measured, np.full(13, 0.1)).stands_out, "it would be, were its size not allowed for"
    verdict = judge(measured, shares)
    assert verdict.shares_allowed_for
    assert verdict.suspect is None
    poisoned = measured.copy()
    poisoned[4] *= 3
    assert judge(poisoned, shares).suspect == 4


def test_one_class_of_another_size_cannot_be_suspected_for_lack_of_a_control() -> None:
    shares = np.array([0.02] * 9 + [0.3])
    assert judge(np.append(objectives(9), 1e6), shares).suspect is None


def test_differences_of_a_few_percent_never_stand_out() -> None:
    nearly = 1.5 * np.exp(1e-3 * np.random.default_rng(0).standard_normal(50))
    nearly[7] = 1.5 * np.exp(2 * MIN_SPREAD)
    assert not judge(nearly, np.full(50, 0.1)).stands_out
    nearly[7] = 1.5 * np.exp(10 * MIN_SPREAD)
    assert judge(nearly, np.full(50, 0.1)).suspect == 7
    assert judge(np.full(5, 2.0), np.full(5, 0.1)).p_value == 1.0


def test_the_order_of_classes_and_the_unit_of_objectives_do_not_matter() -> None:
    values = objectives(10, seed=4)
    first = judge(values, UNEVEN)
    order = np.random.default_rng(0).permutation(10)
    other = judge(3.7 * values[order], UNEVEN[order])
    assert other.p_value == pytest.approx(first.p_value)
    assert order[other.largest] == first.largest
