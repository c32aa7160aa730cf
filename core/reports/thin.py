"""Fewer points where there are too many to draw: every marked row is kept, the others in strata of their score."""

from __future__ import annotations

import numpy as np


def thin(scores: np.ndarray, marked: np.ndarray, most: int) -> np.ndarray:
    """Which rows to draw: ascending positions. scores, marked: (n,). Marked rows all stay, whatever their number."""
    n = len(scores)
    if n <= most:
        return np.arange(n)
    own, others = np.flatnonzero(marked), np.flatnonzero(~marked)
    room = max(0, most - len(own))
    if room < len(others):
        order = others[np.argsort(scores[others], kind="stable")]
        # one from the middle of each of `room` strata of equal size, so that the spread stays as it is
        others = order[((np.arange(room) + 0.5) * len(order) / max(room, 1)).astype(np.int64)]
    return np.sort(np.concatenate([own, others]))
