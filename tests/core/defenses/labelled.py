"""Makers of rows of several classes, one of them poisoned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Labelled:
    """rows: (n, d) float64; labels: (n,) as they stand in training; poison: (n,) bool."""

    rows: np.ndarray
    labels: np.ndarray
    poison: np.ndarray


def classes(
    sizes: list[int] | tuple[int, ...],
    d: int = 20,
    m: int = 0,
    *,
    shift: float = 8.0,
    noise: float = 1.0,
    apart: float = 8.0,
    stay: float | None = None,
    seed: int = 0,
) -> Labelled:
    """Gaussian classes with a common covariance that is not round; m rows of class 0 are poison.

    apart: how far the classes lie from the centre, in deviations. The poison lies `shift` from its class in a direction
    of its own, with `noise` times the deviation; or, where `stay` is given, that share of the way back to class 1.
    """
    rng = np.random.default_rng(seed)
    means = rng.standard_normal((len(sizes), d))
    means *= apart / np.linalg.norm(means, axis=1, keepdims=True)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    rows = rng.standard_normal((len(labels), d))
    poison = np.zeros(len(labels), bool)
    poison[rng.choice(sizes[0], m, replace=False)] = True
    direction = rng.standard_normal(d)
    away = shift * direction / np.linalg.norm(direction) if stay is None else stay * (means[1] - means[0])
    rows[poison] = noise * rows[poison] + away
    mixing = np.eye(d) + rng.standard_normal((d, d)) / np.sqrt(d)
    return Labelled((rows + means[labels]) @ mixing, labels, poison)
