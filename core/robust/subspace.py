"""Rayleigh-Ritz over symmetric matrices that are known by the values of their quadratic forms on the rows, or over such values."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from core.robust.linalg import eigh, top_pair

CAPACITY = 64  # matrices, before the space is thinned out
THINNED = 24
MAX_STEPS = 3000  # of a search
SPENT = 0.01  # share of a residual outside of the subspace, 1 in exact arithmetic, below which it is rounding
REPEAT = 0.7  # share of a matrix left over below which its projection is subtracted once more
TOGETHER = 3  # vectors of forms that are added before their best pair, which costs as much as a product, is asked for
INDEPENDENT = 1e-10  # squared length, of unit matrices, below which a direction is rounding


class Workspace:
    """Memory that serves again from round to round: fresh pages cost more than what is computed on them."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._flat: dict[tuple[str, torch.dtype], Tensor] = {}

    def take(self, name: str, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
        """A tensor of that shape with whatever it holds; it ends the use of the last one of that name."""
        size = math.prod(shape)
        flat = self._flat.get((name, dtype))
        if flat is None or len(flat) < size:
            flat = torch.empty(size, dtype=dtype, device=self._device)
            self._flat[name, dtype] = flat
        return flat[:size].view(shape)


class Subspace:
    """Orthonormal symmetric (k, k) matrices, and the values of their forms on n whitened rows.

    The excess moment projected on their span is the covariance of these forms, so nothing needs to be multiplied out
    again when rows are dropped.
    """

    def __init__(self, matrices: Tensor, forms: Tensor, workspace: Workspace) -> None:
        """matrices: (p, k * k); forms: (p, n), p up to CAPACITY. Any independent ones; they are made orthonormal, the
        forms centred."""
        basis = _orthonormal(matrices)
        self.size = basis.shape[1]
        self._matrices = workspace.take("matrices", CAPACITY, matrices.shape[1])
        self._forms = workspace.take("forms", CAPACITY, forms.shape[1])
        self._projected = torch.zeros(CAPACITY, CAPACITY, dtype=torch.float64)
        torch.mm(basis.T, matrices, out=self._matrices[: self.size])
        torch.mm(basis.T, forms - forms.mean(1, keepdim=True), out=self._forms[: self.size])
        projected = self._against(self.forms)
        self._projected[: self.size, : self.size] = (projected + projected.T) / 2

    @property
    def matrices(self) -> Tensor:
        """(p, k * k)"""
        return self._matrices[: self.size]

    @property
    def forms(self) -> Tensor:
        """(p, n)"""
        return self._forms[: self.size]

    def top(self) -> tuple[float, Tensor, Tensor]:
        """The Ritz pair of largest value: value, matrix (k * k,), values of its form (n,)."""
        value, vector = top_pair(self._projected[: self.size, : self.size])
        mixing = vector.to(self.matrices)
        return value, mixing @ self.matrices, mixing @ self.forms

    def outside(self, matrix: Tensor) -> Tensor:
        """The part of a matrix (k * k,) that is orthogonal to the span."""
        rest = matrix - (self.matrices @ matrix) @ self.matrices
        if torch.linalg.vector_norm(rest) > REPEAT * torch.linalg.vector_norm(matrix):
            return rest
        return rest - (self.matrices @ rest) @ self.matrices  # twice is enough (Kahan, Parlett)

    def append(self, matrix: Tensor, forms: Tensor) -> None:
        """Add a unit matrix (k * k,) that is orthogonal to the others, with its forms (n,), already centred."""
        if self.size == len(self._matrices):
            self._thin()
        self._matrices[self.size] = matrix
        self._forms[self.size] = forms
        self.size += 1
        column = self._against(forms[None])[:, 0]
        self._projected[: self.size, self.size - 1] = column
        self._projected[self.size - 1, : self.size] = column

    def best(self, count: int) -> tuple[Tensor, Tensor]:
        """The `count` Ritz matrices of largest value (count, k * k) and their forms (count, n)."""
        mixing = self._ritz()[1][:, -count:].T.to(self.matrices)
        return mixing @ self.matrices, mixing @ self.forms

    def _against(self, forms: Tensor) -> Tensor:
        """The excess moment between the span and matrices of these forms (q, n): (p, q), on the CPU."""
        return (self.forms @ forms.T / forms.shape[1]).cpu()

    def _ritz(self) -> tuple[Tensor, Tensor]:
        return eigh(self._projected[: self.size, : self.size])

    def _thin(self) -> None:
        values, vectors = self._ritz()
        mixing = vectors[:, -THINNED:].T.to(self.matrices)
        self._matrices[:THINNED], self._forms[:THINNED] = mixing @ self.matrices, mixing @ self.forms
        self._projected[:THINNED, :THINNED] = values[-THINNED:].diag()
        self.size = THINNED


class FormSubspace(Subspace):
    """Orthonormal vectors of n values that are themselves the forms of some matrices, and what an operator makes of them.

    `matrices` are the vectors (p, n) here, `forms` their images (p, n).
    """

    def __init__(self, vectors: Tensor, image: Callable[[Tensor], Tensor], workspace: Workspace) -> None:
        """vectors: (p, n), p up to CAPACITY, any independent ones. image: the operator on vectors (q, n), symmetric."""
        self._image = image
        super().__init__(vectors, image(vectors), workspace)

    def grow(self, direction: Tensor) -> int:
        """Add the part of a direction (n,) that is new, what the operator makes of that, and so on; how many were new."""
        for added in range(TOGETHER):
            fresh = self.outside(direction)
            length = torch.linalg.vector_norm(fresh)
            if length < SPENT * torch.linalg.vector_norm(direction):
                return added
            fresh /= length
            direction = self._image(fresh[None])[0]
            self.append(fresh, direction)
        return TOGETHER

    def _against(self, forms: Tensor) -> Tensor:
        return (self.matrices @ forms.T).cpu()


def _orthonormal(matrices: Tensor) -> Tensor:
    """Mixing (p, r) such that mixing.T @ matrices are orthonormal and span what the (p, k * k) matrices do."""
    lengths = torch.linalg.vector_norm(matrices, dim=1)
    unit = matrices / lengths[:, None]
    values, vectors = eigh(unit @ unit.T)
    real = values > INDEPENDENT
    return (vectors[:, real] * values[real].rsqrt()) / lengths[:, None]
