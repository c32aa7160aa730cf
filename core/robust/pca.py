"""Principal components of the features of one class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from core.robust.linalg import RANK_TOLERANCE, top_eigenpairs

CHUNK = 256  # rows or columns that are converted to float64 at once


class EqualRowsError(ValueError):
    """Rows that differ in nothing."""


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

    def first(self, k: int) -> Components:
        """The top k of them; themselves where there are no more."""
        if k >= len(self.variances):
            return self
        return replace(self, directions=self.directions[:k], scores=self.scores[:, :k], variances=self.variances[:k])

    def require_spread(self, who: str = "all rows") -> Components:
        """Themselves. Raises EqualRowsError, in the name of `who`, where no direction carries variance."""
        if self.rank == 0:
            raise EqualRowsError(f"{who} are equal, so there is nothing to tell them apart by")
        return self

    def project(self, x: Tensor) -> Tensor:
        """Other rows (n', d) in the same coordinates: (n', k)."""
        scores = self.mean.new_empty(len(x), len(self.directions))
        for rows, out in zip(x.split(CHUNK), scores.split(CHUNK), strict=True):
            torch.mm(rows.to(self.mean, copy=True).sub_(self.mean), self.directions.T, out=out)
        return scores


def principal_components(x: Tensor, k: int) -> Components:
    """The top-k principal components of the rows of x (n, d), in float64 on the device of x.

    Through the smaller of the two Gram matrices, never a d x d matrix where n < d. float64: the Gram matrix squares
    the condition number. The rows are converted piece by piece, so that no copy of them is made. The sign of each
    direction is fixed (its largest entry is positive), so pictures do not flip from one fit to the next. (The published
    code of SPECTRE runs ARPACK on the rows in their own precision, once for each k, with signs as they come.)
    Raises ValueError if k exceeds min(n, d).
    """
    n, d = x.shape
    if not 1 <= k <= min(n, d):
        raise ValueError(f"k = {k} must lie between 1 and min(n, d) = {min(n, d)}")
    mean = _mean(x)
    squares, vectors = top_eigenpairs(_gram(x, mean), k)
    directions = _directions(x, mean, vectors) if n < d else vectors.T
    largest = directions.gather(1, directions.abs().argmax(1, keepdim=True))
    directions = torch.where(largest < 0, -directions, directions)
    found = Components(mean, directions, x.new_empty(0), squares.clamp(min=0) / max(n - 1, 1))
    return replace(found, scores=found.project(x))


def _mean(x: Tensor) -> Tensor:
    """(d,) in float64. Piece by piece: a sum in another precision first converts all that it is given."""
    total = torch.zeros(x.shape[1], dtype=torch.float64, device=x.device)
    for rows in x.split(CHUNK):
        total += rows.sum(0, dtype=torch.float64)
    return total / len(x)


def _gram(x: Tensor, mean: Tensor) -> Tensor:
    """The smaller Gram matrix of the centred rows: (d, d) or, where n < d, (n, n)."""
    order = min(x.shape)
    gram = mean.new_zeros(order, order)
    for piece in _pieces(x, mean):  # (order, some)
        for first in range(0, order, CHUNK):
            gram[first : first + CHUNK, first:].addmm_(piece[first : first + CHUNK], piece[first:].T)
    for first in range(0, order, CHUNK):  # only the upper blocks were computed
        last = first + CHUNK
        gram[last:, first:last] = gram[first:last, last:].T
    return gram


def _pieces(x: Tensor, mean: Tensor) -> Iterator[Tensor]:
    """The centred rows in float64, split along the longer side; each piece lies along the shorter: (min(n, d), some)."""
    if x.shape[0] < x.shape[1]:
        for columns, middle in zip(x.split(CHUNK, 1), mean.split(CHUNK), strict=True):
            yield columns.to(mean, copy=True).sub_(middle[None])
    else:
        for rows in x.split(CHUNK):
            yield rows.to(mean, copy=True).sub_(mean).T


def _directions(x: Tensor, mean: Tensor, left: Tensor) -> Tensor:
    """Right singular vectors (k, d) from the left ones (n, k); those of pure rounding error become 0."""
    a = mean.new_empty(left.shape[1], len(mean))
    for piece, out in zip(_pieces(x, mean), a.split(CHUNK, 1), strict=True):
        out.copy_(left.T @ piece)
    lengths = torch.linalg.vector_norm(a, dim=1, keepdim=True)
    real = lengths > lengths.max() * RANK_TOLERANCE**0.5
    return torch.where(real, a / lengths.clamp(min=torch.finfo(a.dtype).tiny), 0.0)
