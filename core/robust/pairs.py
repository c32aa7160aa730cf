"""The excess moment from the rows' side, for rows that are few beside k^2.

Let A (n, k^2) hold the centred rows y_i kron y_i. The excess moment is A^T A / n. A A^T / n has the same eigenvalues, its
eigenvectors are the vectors of forms themselves, and its entries are the (y_i . y_j)^2 / n, centred. One product with
it reads n^2 numbers and no row; what a search carries along has n numbers each, not k^2.

The y_i . y_j of whitened rows are n times the hat matrix of the rows, whatever basis they are in. When r rows are dropped it
changes by a matrix of rank r (Woodbury), so nothing is whitened anew and no product of all rows is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from core.robust.linalg import ConvergenceError, eigh, pair_products, roots, symmetric_product
from core.robust.moments import TOLERANCE, TopForms
from core.robust.subspace import MAX_STEPS, FormSubspace, Workspace

FEW = 3  # with fewer rows than k^2 over this, the products of all pairs of rows cost less than two with the rows
RECYCLED = 20  # vectors of forms with which the next round's search starts
SHRUNK = 1e-3  # of a direction's second moment left: below, the differences are not trusted
SINGLE = 0.7  # of the tolerance: what is asked of single precision, so that double precision seldom has more to do
PANEL = 128  # rows of the pairs that are changed at once: they stay near the processor


def few_rows(z: Tensor) -> bool:
    """Whether rows (n, k) are so few that pairs of them are the shorter way."""
    return FEW * len(z) < z.shape[1] ** 2


class PairMoment:
    """The same as `ExcessMoment` to those who ask for norms and forms: rows, the top of their excess moment, rows dropped.

    Rows that were dropped stay in place as zeros until the pairs are made anew.
    """

    def __init__(self, z: Tensor, tolerance: float = TOLERANCE) -> None:
        """z: (n, k), float64. tolerance: on the relative residual, not below what single precision can tell.

        Raises SingularError where the rows span fewer than k directions.
        """
        self._tolerance = tolerance
        self._workspace = Workspace(z.device)
        self._found: Tensor | None = None  # (p, n) forms of the round before
        self._factor: Tensor  # (k, k) lower, of the second moment of the rows
        self._leverage: Tensor  # (n,) the diagonal of the hat matrix
        self._begin(z)

    @property
    def count(self) -> int:
        """How many rows are left."""
        return self._count

    @property
    def norms(self) -> Tensor:
        """The squared norms of the whitened rows that are left: (count,)."""
        return self._leverage[self._alive] * self._count

    def keep(self, mask: Tensor) -> None:
        """Drop the rows outside mask (count,) bool. Raises SingularError where the others span fewer than k directions."""
        gone = self._alive.nonzero()[:, 0][~mask]
        self._alive[gone] = False
        self._count -= len(gone)
        if self._found is not None:
            self._found[:, gone] = 0.0
        dropped = self._rows[gone]
        half = torch.linalg.solve_triangular(self._factor, dropped.T, upper=False)
        left, turn = eigh(torch.eye(len(gone), dtype=half.dtype, device=half.device) - half.T @ half)
        self._left *= max(float(left[0]), 0.0)
        if self._left < SHRUNK:
            self._found = None if self._found is None else self._found[:, self._alive]
            self._begin(self._rows[self._alive])
            return
        change = self._rows @ torch.linalg.solve_triangular(self._factor.T, half, upper=True) @ (turn * left.rsqrt())
        change[gone] = 0.0
        self._leverage += change.square().sum(1)
        self._rows[gone] = 0.0
        self._second -= dropped.T @ dropped
        self._factor = torch.linalg.cholesky(self._second)
        self._change_pairs(change, gone)

    def top(self) -> TopForms:
        """The top of the excess moment. Raises ConvergenceError if it does not converge."""
        start = _noise(len(self._rows), self._rows) if self._found is None else self._found
        goal = SINGLE * self._tolerance
        forms, self._found, steps = _search(self._by_pairs, self._centred(start), goal, self._workspace)
        for _ in range(MAX_STEPS):
            image = self._by_rows(forms)[0]
            value = float(forms @ image)
            rest = image - value * forms
            residual = float(torch.linalg.vector_norm(rest)) / value
            steps += 1
            if residual <= self._tolerance:
                return TopForms(value, image[self._alive] * math.sqrt(self._count / value), residual, steps)
            forms, _, more = _search(self._by_rows, torch.stack([forms, rest]), goal, self._workspace)
            steps += more
        raise ConvergenceError(f"the top eigenvector did not converge: relative residual {residual:.1e}")

    def _begin(self, z: Tensor) -> None:
        """Take rows (n, k), none of them dropped, and make all pairs."""
        n = len(z)
        for _ in range(2):  # once more: the first could be far from the identity
            z = z @ roots(z.T @ z / n).inverse
        self._rows, self._count, self._left = (
            z,
            n,
            1.0,
        )  # at least as much of the second moment is left in any direction
        self._alive = torch.ones(n, dtype=torch.bool, device=z.device)
        self._second = z.T @ z
        self._factor = torch.linalg.cholesky(self._second)  # lower
        self._leverage = z.square().sum(1) / n
        scaled = self._workspace.take("single", *z.shape, dtype=torch.float32).copy_(z).mul_(n**-0.5)
        self._products = pair_products(scaled, self._workspace.take("products", n, n, dtype=torch.float32))
        self._squares = torch.mul(
            self._products, self._products, out=self._workspace.take("squares", n, n, dtype=torch.float32)
        )

    def _change_pairs(self, change: Tensor, gone: Tensor) -> None:
        """Add change change^T to the products, less the rows that are gone."""
        self._products[gone] = 0.0
        self._products[:, gone] = 0.0
        change = change.to(torch.float32)
        parts = (change, self._products, self._squares)
        size = PANEL if change.device.type == "cpu" else len(change)
        for some, products, squares in zip(*(part.split(size) for part in parts), strict=True):
            torch.mul(products.addmm_(some, change.T), products, out=squares)

    def _centred(self, forms: Tensor) -> Tensor:
        """Forms (p, n) or (n,) less their mean over the rows that are left; 0 for the others."""
        return torch.where(self._alive, forms - forms.sum(-1, keepdim=True) / self._count, 0.0)

    def _by_pairs(self, forms: Tensor) -> Tensor:
        """The operator on forms (p, n), in single precision.

        Centred on both sides, or it would not be symmetric: the mean of a residual that is nearly rounding is not 0.
        """
        image = symmetric_product(self._squares, self._centred(forms).to(torch.float32))
        return self._centred(image.to(torch.float64).mul_(self._count))

    def _by_rows(self, forms: Tensor) -> Tensor:
        """The operator on forms (p, n), in double precision."""
        images = []
        for weights in self._centred(forms).view(-1, len(self._rows)):
            matrix = (self._rows * weights[:, None]).T @ self._rows
            for _ in range(2):
                matrix = torch.cholesky_solve(matrix, self._factor).T
            images.append((self._rows @ matrix).mul_(self._rows).sum(1))
        return self._centred(torch.stack(images).mul_(self._count))


def _noise(n: int, like: Tensor) -> Tensor:
    """(1, n) fixed random forms: the same rows give the same digits."""
    return torch.randn(1, n, generator=torch.Generator().manual_seed(n), dtype=torch.float64).to(like)


def _search(
    image: Callable[[Tensor], Tensor], start: Tensor, tolerance: float, workspace: Workspace
) -> tuple[Tensor, Tensor, int]:
    """The forms (n,), of norm 1, of the top eigenpair of an operator, as far as the operator's precision can tell.

    start: forms (p, n) to begin with. Returns also the best forms of the search (p', n), and the number of products.
    Raises ConvergenceError if it does not converge.
    """
    space = FormSubspace(start, image, workspace)
    steps = len(start)
    for _ in range(MAX_STEPS):
        value, forms, found = space.top()
        rest = found - value * forms
        size = float(torch.linalg.vector_norm(rest)) / value
        grown = 0 if size <= tolerance else space.grow(rest)
        if grown == 0:
            return forms, space.best(RECYCLED)[0], steps
        steps += grown
    raise ConvergenceError(f"the top eigenvector did not converge: relative residual {size:.1e}")
