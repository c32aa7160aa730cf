"""Principal components of the features of one class."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.robust.linalg import RANK_TOLERANCE, top_eigenpairs


@dataclass(frozen=True)
class Components:
    """Principal components: `scores = (x - mean) @ directions.T`, not rescaled."""

    mean: Tensor  # (d,)
    directions: Tensor  # (k, d), orthonormal rows, by falling variance
    scores: Tensor  # (n, k)
    variances: Tensor  # (k,), divided by n - 1

    @property
    def rank(self) -> int:
        """How many of the k directions carry variance beyond rounding."""
        # Subtracting a mean of this size leaves rounding of this variance, even where all rows are equal.
        rounding = 4 * torch.finfo(self.mean.dtype).eps * float(self.mean.abs().max())
        floor = max(RANK_TOLERANCE * float(self.variances[0]), len(self.mean) * rounding**2)
        return int((self.variances > floor).sum())

    def project(self, x: Tensor) -> Tensor:
        """Other rows (n', d) in the same coordinates: (n', k)."""
        return (x.to(self.mean) - self.mean) @ self.directions.T


def principal_components(x: Tensor, k: int) -> Components:
    """The top-k principal components of the rows of x (n, d), in float64 on the device of x.

    Through the smaller of the two Gram matrices, never a d x d matrix where n < d. float64: the Gram matrix squares
    the condition number. The sign of each direction is fixed (its largest entry is positive), so pictures do not
    flip from one fit to the next.
    Raises ValueError if k exceeds min(n, d).
    """
    n, d = x.shape
    if not 1 <= k <= min(n, d):
        raise ValueError(f"k = {k} must lie between 1 and min(n, d) = {min(n, d)}")
    rows = x.to(torch.float64)
    mean = rows.mean(0)
    rows = rows - mean
    if n < d:
        squares, left = top_eigenpairs(rows @ rows.T, k)
        directions = _unit_rows(left.T @ rows)
    else:
        squares, right = top_eigenpairs(rows.T @ rows, k)
        directions = right.T
    largest = directions.gather(1, directions.abs().argmax(1, keepdim=True))
    directions = torch.where(largest < 0, -directions, directions)
    return Components(mean, directions, rows @ directions.T, squares.clamp(min=0) / max(n - 1, 1))


def _unit_rows(a: Tensor) -> Tensor:
    """Rows scaled to length 1; rows of pure rounding error become 0."""
    lengths = torch.linalg.vector_norm(a, dim=1, keepdim=True)
    real = lengths > lengths.max() * RANK_TOLERANCE**0.5
    return torch.where(real, a / lengths.clamp(min=torch.finfo(a.dtype).tiny), 0.0)
