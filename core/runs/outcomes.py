"""What became of a removal, in figures and in words. Plain numpy: the dashboard opens without loading torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Share:
    """`count` of `total`; `value` is None, not 0, where there is nothing to count."""

    count: int
    total: int

    @property
    def value(self) -> float | None:
        return self.count / self.total if self.total else None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "value": self.value}


def detection(removed: np.ndarray, is_poison: np.ndarray) -> dict[str, Any]:
    """How well a removal (n,) bool matches the truth (n,) bool, as JSON values.

    true_positive_rate: share of the poisons removed; false_positive_rate: share of the clean removed; precision: share
    of the removed that were poison. None where there is nothing to divide by.
    """
    hit = int((removed & is_poison).sum())
    return {
        "removed": int(removed.sum()),
        "rows": len(removed),
        "true_positive_rate": Share(hit, int(is_poison.sum())).as_json(),
        "false_positive_rate": Share(int((removed & ~is_poison).sum()), int((~is_poison).sum())).as_json(),
        "precision": Share(hit, int(removed.sum())).as_json(),
    }


def roc(scores: np.ndarray, is_poison: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rate as the cut goes from removing nothing to removing all: two arrays of equal length.

    Equal scores go together, for no cut parts them. Cuts between two corners of the curve are left out: there it is a straight line
    along one axis. A rate is NaN throughout where there is nothing to divide by.
    """
    order = np.argsort(-scores, kind="stable")
    ends = (
        np.flatnonzero(np.diff(scores[order], append=np.nan) != 0) + 1
    )  # rows removed by each cut; the last removes all
    cuts = np.concatenate([[0], ends])
    hits = np.concatenate([[0], np.cumsum(is_poison[order])])[cuts]
    misses = cuts - hits
    along = np.array([np.diff(misses) == 0, np.diff(hits) == 0])  # from cut to cut, only one of the two grows
    straight = (along[:, 1:] & along[:, :-1]).any(0)
    corner = np.concatenate([[True], ~straight, [True]])[: len(cuts)]
    poisons, clean = int(is_poison.sum()), int((~is_poison).sum())
    return misses[corner] / (clean or np.nan), hits[corner] / (poisons or np.nan)


def share_text(share: dict[str, Any] | None) -> str:
    """`{"count": 33, "total": 36, ...}` -> "92 % (33 of 36)", with as many digits as the total allows."""
    if share is None or share["value"] is None:
        return "-"
    return f"{percent(share)} ({share['count']:,} of {share['total']:,})"


def percent(share: dict[str, Any]) -> str:
    """A share as a percentage; one decimal from 500 cases up, and as many as it takes to say neither none nor all of some."""
    digits = 1 if share["total"] >= 500 else 0
    text = f"{100 * share['value']:.{digits}f}"
    while float(text) in (0, 100) and 0 < share["value"] < 1 and digits < 6:
        digits += 1
        text = f"{100 * share['value']:.{digits}f}"
    return f"{text} %"


def duration(seconds: float) -> str:
    """Seconds as people say them: "40 s", "12 min", "1.5 h"."""
    if seconds < 99.5:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def cost_text(result: dict[str, Any]) -> str:
    """What a finished run took, beside what was expected: "52 s in all, 48 s expected"."""
    took = duration(sum(result["seconds"].values()))
    expected = result.get("estimate")
    return f"{took} in all, {duration(expected['total'])} expected" if expected else f"{took} in all"


def scores_at(whitened: np.ndarray, variances: np.ndarray, alpha: float) -> np.ndarray:
    """QUE scores (n,) at any alpha from rows whitened along the QUE directions.

    whitened: (n, k) as in `make_views`; variances: (k,) along the same directions, falling. An alpha of infinity
    gives the squared projection on the top direction.
    """
    excess = float(np.abs(variances).max()) - 1
    if excess <= 0:
        weights = np.full(len(variances), 1 / len(variances))
    elif np.isinf(alpha):
        weights = (np.arange(len(variances)) == 0).astype(float)
    else:
        exponent = alpha * (variances - 1) / excess
        weights = np.exp(exponent - exponent.max())
        weights /= weights.sum()
    scores: np.ndarray = np.square(whitened, dtype=np.float64) @ weights
    return scores


def remove_count(scores: np.ndarray, count: int) -> tuple[np.ndarray, float]:
    """Mask (n,) of the `count` largest scores, ties at the cut included, and the cut itself (infinite for none)."""
    if count <= 0:
        return np.zeros(len(scores), bool), float("inf")
    cut = float(np.partition(scores, -min(count, len(scores)))[-min(count, len(scores))])
    return scores >= cut, cut
