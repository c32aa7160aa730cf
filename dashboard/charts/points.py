"""What clouds of points share: which are drawn, and how each kind looks."""

from __future__ import annotations

import numpy as np

from dashboard.theme import Palette

SHOWN = 5000  # points at most in one picture; all poison and all removed are kept


def thin(n: int, keep: np.ndarray, seed: int = 0) -> np.ndarray:
    """Rows to draw, ascending: all of `keep` and a fixed random sample of the rest."""
    if n <= SHOWN:
        return np.arange(n)
    rest = np.flatnonzero(~keep)
    room = max(SHOWN - int(keep.sum()), 0)
    drawn = np.random.default_rng(seed).permutation(rest)[:room]
    return np.sort(np.concatenate([np.flatnonzero(keep), drawn]))


def groups(truth: np.ndarray | None, n: int, colours: Palette) -> list[tuple[str, np.ndarray, str, str]]:
    """(name, mask, colour, symbol) of each kind of point; shape repeats what colour says."""
    if truth is None:
        return [("truth hidden", np.ones(n, bool), colours.unknown, "circle")]
    return [("clean", ~truth, colours.clean, "circle"), ("poison", truth, colours.poison, "diamond")]
