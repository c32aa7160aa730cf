"""The fourth-moment operator of the covariance filter, and its top eigenpair, without ever building it.

On whitened rows the operator is the covariance of y kron y. So its top eigenvector is the symmetric matrix V of
Frobenius norm 1 whose quadratic form y^T V y varies most from row to row, and its eigenvalue is that variance.

The published code of SPECTRE solves each round afresh, by a Krylov method on all vectors of length k^2. Here symmetric
matrices are searched only, in single precision first, from what the round before has found; the residual that counts is
measured in double precision. The same rows go. Where rows are few for k, `pairs` has another way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from core.robust.linalg import ConvergenceError, centred, eigh, roots
from core.robust.subspace import MAX_STEPS, SPENT, Subspace, Workspace

TOLERANCE = 1e-6  # on the relative residual; solutions at 1e-5 and 1e-8 remove the same rows, at 1e-3 others
DENSE_UP_TO = 64  # with that many free entries (k up to 10) all symmetric matrices are taken at once
RECYCLED = 20  # matrices with which the next round's search starts
SHRUNK = 0.1  # second moment of a direction, was 1, below which the difference is not trusted


@dataclass(frozen=True)
class TopForms:
    """The top of the excess moment of some whitened rows, by the values of its form on them."""

    value: float
    forms: Tensor  # (n,) y_i^T V y_i less their mean, which is trace V
    residual: float  # Frobenius norm of op(V) - value V over the value, or a bound on it, measured in float64
    steps: int  # applications of the operator


@dataclass(frozen=True)
class Eigenpair(TopForms):
    """The same with the matrix itself."""

    matrix: Tensor  # (k, k), symmetric, Frobenius norm 1


def excess_moment(y: Tensor, v: Tensor) -> Tensor:
    """Apply the operator (1/n) sum (y_i kron y_i)(y_i kron y_i)^T - vec(I) vec(I)^T to a matrix.

    y: (n, k) whitened rows; v: (k, k). Returns (k, k). Costs O(n k^2); the k^2 x k^2 matrix is never built.
    For a Gaussian its top eigenvalue is 2; a cluster of outliers raises it.
    """
    moment = (y * quadratic_forms(y, v)[:, None]).T @ y / len(y)
    moment.diagonal().sub_(v.diagonal().sum())
    return moment


def quadratic_forms(y: Tensor, v: Tensor) -> Tensor:
    """y_i^T v y_i for every row: (n,)."""
    return torch.linalg.vecdot(y @ v, y)


class ExcessMoment:
    """Rows whitened by their own second moment, and the top eigenpair of their excess moment, while rows are dropped.

    One search serves the next: the best matrices of its subspace are carried over together with the values of their
    forms, which stay what they are when rows are dropped and when the rest is whitened anew. `rows` (n, k) are the
    whitened ones; what it was before `keep` is overwritten in time.

    The rest is whitened from rows that were white before the drop; the published code starts from the unwhitened ones.
    The two differ by a rotation, which changes no norm, no eigenvalue and no form.
    """

    def __init__(self, z: Tensor, tolerance: float = TOLERANCE) -> None:
        """z: (n, k), float64. tolerance: on the relative residual of the eigenpairs.

        Raises ValueError where the rows span fewer than k directions.
        """
        self._tolerance = tolerance
        self._recycled: tuple[Tensor, Tensor] | None = None  # matrices (p, k * k), forms (p, n)
        self._workspace = Workspace(z.device)
        self.rows = z
        self._whiten(z.T @ z / len(z))

    @property
    def count(self) -> int:
        """How many rows are left."""
        return len(self.rows)

    @property
    def norms(self) -> Tensor:
        """Their squared norms: (n,)."""
        return self.rows.square().sum(1)

    def keep(self, mask: Tensor) -> None:
        """Drop the rows outside mask (n,) bool, and whiten the others by their own second moment.

        Raises ValueError where they span fewer than k directions.
        """
        moment = self._moment_without(~mask)
        kept = mask.nonzero()[:, 0]
        self.rows = torch.index_select(self.rows, 0, kept, out=self._room_for_rows(len(kept)))
        if self._recycled is not None:
            matrices, forms = self._recycled
            self._recycled = matrices, forms[:, mask]
        if moment is None:
            self._whiten(self.rows.T @ self.rows / len(self.rows))
            moment = self.rows.T @ self.rows / len(self.rows)  # once more: the first could be far from the identity
        self._whiten(moment)

    def _moment_without(self, dropped: Tensor) -> Tensor | None:
        """Second moment of the rows outside `dropped` (n,), as a difference: all rows together have the identity.

        None where that loses digits because the dropped rows carried most of some direction.
        """
        rows = self.rows[dropped]
        moment = -rows.T @ rows
        moment.diagonal().add_(len(self.rows))
        moment /= len(self.rows) - len(rows)
        return moment if float(eigh(moment)[0][0]) > SHRUNK else None

    def top(self) -> Eigenpair:
        """The eigenpair of largest eigenvalue. Raises ConvergenceError if it does not converge."""
        k = self.rows.shape[1]
        if k * (k + 1) // 2 <= DENSE_UP_TO:
            return _whole(self.rows)
        pair, space = _search(self.rows, self._recycled or _start(self.rows), self._tolerance, self._workspace)
        self._recycled = space.best(RECYCLED)
        return pair

    def _room_for_rows(self, count: int) -> Tensor:
        """Where the rows are not."""
        shape = count, self.rows.shape[1]
        room = self._workspace.take("rows", *shape)
        return self._workspace.take("other rows", *shape) if room.data_ptr() == self.rows.data_ptr() else room

    def _whiten(self, moment: Tensor) -> None:
        """Divide out a second moment (k, k)."""
        found = roots(moment)
        self.rows = torch.mm(self.rows, found.inverse, out=self._room_for_rows(len(self.rows)))
        if self._recycled is not None:
            matrices, forms = self._recycled
            stack = matrices.view(-1, *moment.shape)
            self._recycled = (found.root @ stack @ found.root).flatten(1), forms


def top_excess_direction(y: Tensor, tolerance: float = TOLERANCE) -> tuple[float, Tensor]:
    """The top eigenvalue of `excess_moment`, and its eigenvector as a symmetric (k, k) matrix of Frobenius norm 1.

    y: (n, k), float64, whitened: y^T y / n is the identity.
    """
    pair = ExcessMoment(y, tolerance).top()
    return pair.value, pair.matrix


def _start(y: Tensor) -> tuple[Tensor, Tensor]:
    """A fixed random matrix: the same rows give the same digits."""
    k = y.shape[1]
    noise = torch.randn(k, k, generator=torch.Generator().manual_seed(k), dtype=torch.float64).to(y)
    matrix = noise + noise.T
    return matrix.view(1, -1), quadratic_forms(y, matrix)[None]


def _search(
    y: Tensor, start: tuple[Tensor, Tensor], tolerance: float, workspace: Workspace
) -> tuple[Eigenpair, Subspace]:
    """Davidson's method without a preconditioner: add the residual of the best pair so far, until it is small.

    The rows are multiplied in single precision until the residual is small by that measure; the last steps, and the
    residual that counts, are in double precision. A tolerance below what single precision can tell skips that part.
    """
    space = Subspace(*start, workspace)
    double = Rows(y, workspace)
    rows = double
    if tolerance >= TOLERANCE:
        rows = Rows(workspace.take("single", *y.shape, dtype=torch.float32).copy_(y), workspace)
    for step in range(1, MAX_STEPS + 1):
        value, matrix, forms = space.top()
        if rows is double:
            forms = rows.forms(matrix)
            value = float(forms.square().mean())
        residual = rows.moment(forms).sub_(matrix, alpha=value)
        size = float(torch.linalg.vector_norm(residual)) / value
        if size <= tolerance and rows is double:
            square = matrix.view(y.shape[1], -1)
            return Eigenpair(value, forms, size, step, (square + square.T) / 2), space
        fresh = space.outside(residual)
        exhausted = float(torch.linalg.vector_norm(fresh)) < SPENT * size * value
        if size <= tolerance or (exhausted and rows is not double):
            rows = double
        elif exhausted:  # nothing but the rounding of the forms is left to see: take them in double precision
            matrices = space.matrices.clone()
            space = Subspace(matrices, torch.stack([double.forms(m) for m in matrices]), workspace)
        else:
            fresh /= torch.linalg.vector_norm(fresh)
            space.append(fresh, rows.forms(fresh))
    raise ConvergenceError(f"the top eigenvector did not converge: relative residual {size:.1e}")


class Rows:
    """Whitened rows (n, k) in one precision, with room for their products; takes and gives float64."""

    def __init__(self, y: Tensor, workspace: Workspace) -> None:
        self._y = y
        self._products = workspace.take("products", *y.shape, dtype=y.dtype)

    def forms(self, matrix: Tensor) -> Tensor:
        """y_i^T V y_i less their mean, (n,), for V given as (k * k,)."""
        torch.mm(self._y, matrix.view(self._y.shape[1], -1).to(self._y), out=self._products)
        return centred(self._products.mul_(self._y).sum(1).to(torch.float64))

    def moment(self, weights: Tensor) -> Tensor:
        """The mean of weight_i y_i y_i^T as (k * k,). With forms as weights, the excess moment of their matrix."""
        torch.mul(self._y, weights[:, None].to(self._y.dtype), out=self._products)
        return (self._products.T @ self._y).flatten().to(torch.float64).div_(len(self._y))


def _whole(y: Tensor) -> Eigenpair:
    """All symmetric matrices at once, for small k: the covariance of the products y_a y_b, a <= b."""
    k = y.shape[1]
    a, b = torch.triu_indices(k, k, device=y.device)
    scale = torch.where(a == b, y.new_tensor(1.0), y.new_tensor(math.sqrt(2)))
    products = centred(y[:, a] * y[:, b] * scale, dim=0)
    moment = products.T @ products / len(y)
    values, vectors = eigh(moment)
    top, value = vectors[:, -1], float(values[-1])
    matrix = y.new_zeros(k, k)
    matrix[a, b] = top / scale
    matrix[b, a] = top / scale
    residual = float(torch.linalg.vector_norm(moment @ top - value * top)) / value if value > 0 else 0.0
    return Eigenpair(value, products @ top, residual, 1, matrix)
