"""Quantum entropy scores: outliers weighted by every direction of excess variance at once (Dong et al. 2019)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from core.robust.linalg import eigh


@dataclass(frozen=True)
class Que:
    """The QUE matrix of a whitened cloud. Its spectrum says how the score weighs the directions."""

    matrix: Tensor  # (k, k), symmetric, trace 1
    weights: Tensor  # (k,) its eigenvalues, falling: the share each direction has in the score
    variances: Tensor  # (k,) variance of the cloud along the same directions; 1 where it is like the trusted rows
    directions: Tensor  # (k, k) the same directions, as columns
    has_excess: bool  # False where no direction has more variance than the trusted rows: then alpha counts as 0

    @property
    def mean_score(self) -> float:
        """The mean QUE of the cloud, trace(cov Q): the objective by which k is chosen."""
        return float(self.weights @ self.variances)

    def sharpened(self, alpha: float) -> Que:
        """The matrix of the same cloud for another alpha."""
        return _que(self.variances, self.directions, alpha)


def que_matrix(cov: Tensor, alpha: float) -> Que:
    """Q = expm(alpha (T - I) / (||T||_2 - 1)) / trace, for the covariance T (k, k) of whitened rows.

    The matrix exponential, through the eigenvectors; the element-wise one depends on the basis.
    alpha = 0 gives I / k; large alpha the projector on the top eigenvector, and infinity exactly that. Where ||T||_2 - 1 <= 0, alpha counts as 0
    (the published code divides by it nevertheless).
    """
    variances, directions = eigh(cov)
    return _que(variances.flip(0), directions.flip(1), alpha)


def _que(variances: Tensor, directions: Tensor, alpha: float) -> Que:
    excess = float(variances.abs().max()) - 1
    # On clean data the excess can be <= 0: the exponent's sign would flip and the least suspicious directions win.
    has_excess = excess > 0
    if not has_excess:
        weights = torch.full_like(variances, 1 / len(variances))
    elif math.isinf(alpha):
        weights = torch.zeros_like(variances)
        weights[0] = 1.0
    else:
        weights = torch.softmax(alpha * (variances - 1) / excess, 0)
    return Que((directions * weights) @ directions.T, weights, variances, directions, has_excess)


def que_scores(w: Tensor, q: Tensor) -> Tensor:
    """w_i^T Q w_i for every row of w (n, k): (n,). Larger is more suspicious; about 1 for a trusted row."""
    return ((w @ q) * w).sum(1)


def remove_top(scores: Tensor, count: int) -> Tensor:
    """Mask (n,) of the `count` largest scores; ties at the cut go too; a count of 0 removes nothing."""
    if count <= 0:
        return torch.zeros(len(scores), dtype=torch.bool, device=scores.device)
    cut = scores.topk(min(count, len(scores))).values[-1]
    return scores >= cut
