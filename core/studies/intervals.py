"""Intervals: of a share within one run, and of a mean over runs with different seeds. Plain arithmetic and SciPy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

LEVEL = 0.95
SEEDS_FOR_T = 3  # with two runs Student's t is so wide (12.7 standard errors) that it says nothing


@dataclass(frozen=True)
class Interval:
    """A centre and the range around it, as shares 0..1; `kind` says what the range is."""

    centre: float
    low: float
    high: float
    kind: str  # "seeds": Student's t over runs; "images": Wilson over what was counted; "none": no range can be given
    runs: int


def wilson(count: int, total: int) -> tuple[float, float]:
    """The Wilson score interval of a share, 95 %. Needs total > 0. Wilson, JASA 22 (1927)."""
    z = float(special.ndtri(0.5 + LEVEL / 2))
    share = count / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    # count = 0 gives 0, and count = total gives 1, but for rounding
    return (0.0 if count == 0 else middle - half), (1.0 if count == total else middle + half)


def student(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the mean of at least two values by Student's t, cut to 0..1, for the values are shares."""
    n = len(values)
    mean = sum(values) / n
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1))
    half = float(special.stdtrit(n - 1, 0.5 + LEVEL / 2)) * deviation / math.sqrt(n)
    return max(0.0, mean - half), min(1.0, mean + half)


def over_runs(shares: Sequence[tuple[int, int]]) -> Interval | None:
    """The mean of (count, total) over runs, and an interval: Student's t over three or more, Wilson for one alone.

    Where three or more agree to the last case, t would give an interval of no width; then it is Wilson's over all that
    was counted in them. Two runs get their mean without a range. Runs with nothing to count are left out; None where
    there is no other.
    """
    known = [(count, total) for count, total in shares if total]
    if not known:
        return None
    values = [count / total for count, total in known]
    mean = sum(values) / len(values)
    if len(values) >= SEEDS_FOR_T and max(values) == min(values):
        pooled = wilson(sum(count for count, _ in known), sum(total for _, total in known))
        return Interval(mean, *pooled, "images", len(values))
    if len(values) >= SEEDS_FOR_T:
        return Interval(mean, *student(values), "seeds", len(values))
    if len(values) == 1:
        return Interval(mean, *wilson(*known[0]), "images", 1)
    return Interval(mean, mean, mean, "none", len(values))


def whole_percent(share: float) -> str:
    """A share 0..1 in whole per cent, but never none or all where it is neither: "<1", ">99"."""
    text = f"{100 * share:.0f}"
    if text == "0" and share > 0:
        return "<1"
    return ">99" if text == "100" and share < 1 else text


def interval_text(interval: Interval | None) -> str:
    """A mean with its range: "92 % (81 to 100)"; a dash for none."""
    if interval is None:
        return "-"
    mean = f"{whole_percent(interval.centre)} %"
    return mean if interval.kind == "none" else f"{mean} ({100 * interval.low:.0f} to {100 * interval.high:.0f})"
