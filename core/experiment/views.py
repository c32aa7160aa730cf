"""Plane pictures of the rows that a defense saw: raw, naively whitened, robustly whitened.

Each picture is a linear projection of the same principal components, so that every mixture of two pictures is a
projection too: a slider from one to the next shows real views of the real points all the way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from core.defenses import Spectre
from core.robust import SpectreFit, covariance, inverse_root, remove_top


def make_views(spectre: Spectre) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The pictures of a fitted SPECTRE, and what would be removed in each.

    Arrays: `raw`, `naive`, `robust` (n, 2) float32, in units of standard deviations (raw: of the first component;
    naive: of all rows; robust: of the trusted rows); `naive_removed` (n,) bool, the rows farthest from the centre
    after naive whitening; `whitened` (n, k) float32, robustly whitened rows along the QUE directions, by falling
    variance, from which the score at any alpha follows; `trusted` (n,) bool; `components` (n, K) float32.
    JSON: the k of the picture and the variances along the two axes of each.
    """
    fit = spectre.fit_
    pictured = _pictured(fit)
    candidate = fit.candidates[pictured]
    k = candidate.k
    z = fit.components.scores[:, :k]
    deviations = fit.components.variances[:k].clamp(min=1e-300).sqrt()
    whitened = candidate.whiten(fit.components.scores) @ candidate.que.directions
    naive = z @ inverse_root(covariance(z)) if k > 1 else z / deviations
    arrays = {
        "raw": _plane(z) / float(deviations[0]),
        "naive": _plane(z / deviations),
        "robust": _plane(whitened),
        "naive_removed": remove_top(naive.square().sum(1), round(spectre.removal_factor * fit.poisons)).cpu().numpy(),
        "whitened": whitened.cpu().numpy().astype(np.float32),
        "trusted": candidate.trusted.cpu().numpy(),
        "components": fit.components.scores.cpu().numpy().astype(np.float32),
    }
    about = {"k": k, "candidate": pictured, "is_chosen": pictured == fit.chosen}
    return arrays, about


def _pictured(fit: SpectreFit) -> int:
    """The chosen candidate, or, where that is k = 1 and there is no whitening to show, the best with more."""
    if fit.k > 1 or len(fit.candidates) == 1:
        return fit.chosen
    wider = [i for i, c in enumerate(fit.candidates) if c.k > 1]
    return max(wider, key=lambda i: fit.candidates[i].objective) if wider else fit.chosen


def _plane(points: Any) -> np.ndarray:
    """The first two columns as float32; a second column of zeros where there is one only."""
    flat = points[:, :2].cpu().numpy().astype(np.float32)
    return flat if flat.shape[1] == 2 else np.hstack([flat, np.zeros_like(flat)])
