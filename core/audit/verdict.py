"""Does one class stand out? An outlier test on the objectives of all classes. Plain numpy and scipy.

The poisoned class is compared with the clean ones as its control: under the null hypothesis that the logarithms of the
objectives are independent normals of one spread, the largest is judged by its externally studentised residual,

    t = (x_max - mean of the others) / (s of the others * sqrt(1 + 1/(c - 1))),   c - 2 degrees of freedom,

with Bonferroni's factor c for having picked the largest of c classes. This is Grubbs' test for one high outlier, and
its critical values are exact wherever the two largest cannot both pass, as for every customary level.

Classes of very different size cannot be compared that way: with the same assumed poisons a small class loses a larger
share of its rows, and its objective grows with that share, poisoned or not (Gaussian rows, 20 poisons assumed: 1.1 for
1,600 rows, 7 for 100). The logarithm grows about linearly, so there the residuals are those of a regression on the
share, at the cost of one degree of freedom.

The test is made for one poisoned class. Several poisoned alike widen the spread of the "others" and mask each other.

Grubbs, "Sample Criteria for Testing Outlying Observations", Annals of Mathematical Statistics 1950.
Cook and Weisberg, "Residuals and Influence in Regression", 1982, section 2.2 (the test in a regression).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.05  # share of clean data sets in which a class is wrongly suspected
# The least spread of the others, in log units, that the test reckons with. With many alike classes s is so small that
# a class a few percent above the rest would be "significant"; no poisoned class seen so far is that close.
MIN_SPREAD = 0.02
UNEVEN = 2.0  # largest share over smallest from which on the shares are allowed for
MIN_DEGREES = 2  # with one degree of freedom, t needs to be in the dozens: no test worth the name


@dataclass(frozen=True)
class Verdict:
    """Positions are those of the objectives that were judged."""

    largest: int | None  # whose objective deviates most upwards; None where there is no objective
    stands_out: bool
    level: float
    p_value: float | None  # None where no test is possible
    statistic: float | None  # t
    degrees: int | None  # of freedom
    classes: int  # that were compared
    over_next: float | None  # its objective divided by the largest of the others
    over_median: float | None  # ... by the median of the others
    shares_allowed_for: bool  # the classes differ so much in size that a trend was taken out

    @property
    def suspect(self) -> int | None:
        return self.largest if self.stands_out else None

    def in_words(self, name: str) -> str:
        """The verdict in one sentence; name: what the largest is called, for instance "class 7"."""
        if self.largest is None:
            return "no class could be judged"
        if self.p_value is None:
            needed = MIN_DEGREES + (3 if self.shares_allowed_for else 2)
            alike = " of such different size" if self.shares_allowed_for else ""
            return (
                f"no test is possible: {self.classes} classes{alike} can be compared, and it needs {needed}; "
                f"{name} has the largest objective, which alone says nothing"
            )
        p = f"p = {self.p_value:.2g}"
        if not self.stands_out:
            return f"none stands out: {name} comes closest, {p} (level {self.level:g})"
        return (
            f"{name} stands out: {p}, objective {self.over_next:.2f} times the next largest "
            f"and {self.over_median:.2f} times the median of the others"
        )


def judge(objectives: np.ndarray, shares: np.ndarray, level: float = LEVEL) -> Verdict:
    """Test whether one of the objectives stands out upwards.

    objectives: (c,) positive. shares: (c,) assumed poisons as a share of each class's rows. level: see LEVEL.
    """
    c = len(objectives)
    if c == 0:
        return Verdict(None, False, level, None, None, None, 0, None, None, False)
    uneven = bool(shares.max() > UNEVEN * shares.min())
    design = np.column_stack([np.ones(c), shares]) if uneven else np.ones((c, 1))
    degrees = c - design.shape[1] - 1
    if degrees < MIN_DEGREES:
        return _verdict(objectives, int(objectives.argmax()), level, None, None, uneven)
    deviates = studentised(np.log(objectives), design)
    largest = int(deviates.argmax())
    return _verdict(objectives, largest, level, float(deviates[largest]), degrees, uneven)


def studentised(x: np.ndarray, design: np.ndarray) -> np.ndarray:
    """Externally studentised residuals (c,) of x (c,) regressed on the columns of design (c, p).

    Each is the deviation from what the other rows predict, in units of its standard deviation as the others show it
    (MIN_SPREAD at least). 0 for a row that nothing else predicts, because it alone determines a coefficient.
    """
    c, p = design.shape
    q, _ = np.linalg.qr((design - [0, *design[:, 1:].mean(0)]) / np.maximum(np.abs(design).max(0), 1e-300))
    slack = 1 - np.square(q).sum(1)  # 1 - leverage
    residuals = x - q @ (q.T @ x)
    known = slack > 1e-9
    slack = np.where(known, slack, 1.0)
    without = np.square(residuals).sum() - np.square(residuals) / slack  # sum of squares with that row left out
    spread = np.sqrt(np.maximum(without / (c - p - 1), MIN_SPREAD**2))
    return np.where(known, residuals / (spread * np.sqrt(slack)), 0.0)


def _verdict(
    objectives: np.ndarray, largest: int, level: float, t: float | None, degrees: int | None, uneven: bool
) -> Verdict:
    c = len(objectives)
    others = np.delete(objectives, largest)
    p = None if t is None else min(1.0, c * float(stats.t.sf(t, degrees)))
    return Verdict(
        largest=largest,
        stands_out=p is not None and p <= level,
        level=level,
        p_value=p,
        statistic=t,
        degrees=degrees,
        classes=c,
        over_next=float(objectives[largest] / others.max()) if c > 1 else None,
        over_median=float(objectives[largest] / np.median(others)) if c > 1 else None,
        shares_allowed_for=uneven,
    )
