"""SPECTRE at every sharpness and every number of components that was tried, so that a page need not compute anything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.defenses import nearest
from core.robust import SpectreFit, objective_of, remove_top

ALPHAS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, math.inf)
NEIGHBOURS = 12


def score_grid(fit: SpectreFit, alphas: Sequence[float] = ALPHAS) -> tuple[np.ndarray, dict[str, Any]]:
    """QUE scores of the fitted rows at every alpha and every k that was tried: (alphas, ks, n) float32.

    Beside them, as JSON values, the `alphas` ("inf" for the top direction alone), the `ks`, and the `objectives`
    (alphas, ks): the mean QUE by which k would be chosen at that alpha, None where it cannot be told. Robust whitening
    does not depend on alpha, so nothing is fitted anew. k = 1 is not whitened: its scores are the same at every alpha.
    """
    points, removed_count = fit.components.scores, round(fit.settings.removal_factor * fit.poisons)
    scores = torch.empty(len(alphas), len(fit.candidates), len(points), dtype=torch.float64, device=points.device)
    values: list[list[float | None]] = [[] for _ in alphas]
    for column, candidate in enumerate(fit.candidates):
        squares = (candidate.whiten(points) @ candidate.que.directions).square()
        for row, alpha in enumerate(alphas):
            weights = candidate.que.sharpened(0.0 if candidate.k == 1 else alpha).weights
            scores[row, column] = squares @ weights
            value = objective_of(points[:, : fit.dimensions], remove_top(scores[row, column], removed_count), alpha)
            values[row].append(None if math.isnan(value) else value)
    about = {
        "alphas": ["inf" if math.isinf(a) else a for a in alphas],
        "ks": [c.k for c in fit.candidates],
        "objectives": values,
    }
    return scores.cpu().numpy().astype(np.float32), about


def neighbour_table(points: Tensor, count: int = NEIGHBOURS) -> tuple[np.ndarray, np.ndarray]:
    """The nearest other rows of each row of points (n, K), nearest first: rows (n, m) int32 and distances (n, m).

    Euclidean, m = min(count, n - 1).
    """
    rows = nearest(points, min(count, len(points) - 1))
    distances = torch.stack([(points - points[column]).norm(dim=1) for column in rows.T], dim=1)
    return rows.cpu().numpy().astype(np.int32), distances.cpu().numpy().astype(np.float32)
