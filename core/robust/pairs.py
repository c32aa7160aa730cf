"""The top eigenpair of the excess moment from the rows' side, for rows that are few beside k^2.

Let A (n, k^2) hold the centred rows y_i kron y_i. The excess moment is A^T A / n. A A^T / n has the same eigenvalues, its
eigenvectors are the vectors of forms themselves, and its entries are the (y_i . y_j)^2 / n, centred. One product with
it reads n^2 numbers and no row; what a search carries along has n numbers each, not k^2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from core.robust.linalg import ConvergenceError, centred, pair_products
from core.robust.subspace import MAX_STEPS, SPENT, FormSubspace, Workspace

TOGETHER = 2  # vectors that are added to the subspace before its best pair is asked for again, which costs as much as a product


def search_pairs(
    y: Tensor, start: Tensor, tolerance: float, kept: int, workspace: Workspace
) -> tuple[Tensor, Tensor, int]:
    """The forms of the top eigenpair, as far as single precision sees.

    y: (n, k), float64, whitened. start: forms (p, n) to begin with. tolerance: on the relative residual. Returns the forms (n,),
    of norm 1; the best `kept` vectors of the search (kept, n), with which the next one can begin; and the number of products.
    Raises ConvergenceError if it does not converge.
    """
    n = len(y)
    scaled = workspace.take("single", *y.shape, dtype=torch.float32).copy_(y).mul_(n**-0.25)
    products = pair_products(scaled, workspace.take("pairs", n, n, dtype=torch.float32)).square_()

    def image(forms: Tensor) -> Tensor:
        return centred((forms.to(torch.float32) @ products).to(torch.float64))

    begin = centred(start)
    begin = begin / torch.linalg.vector_norm(begin, dim=1, keepdim=True)
    space = FormSubspace(begin, image(begin), workspace)
    for step in range(1, MAX_STEPS + 1):
        value, vector, found = space.top()
        direction = found - value * vector
        size = float(torch.linalg.vector_norm(direction)) / value
        if size <= tolerance:
            return vector, space.best(kept)[0], TOGETHER * step
        before = space.size
        for _ in range(TOGETHER):  # the residual, then its image
            fresh = space.outside(direction)
            length = torch.linalg.vector_norm(fresh)
            if length < SPENT * torch.linalg.vector_norm(direction):
                break
            fresh /= length
            direction = image(fresh)
            space.append(fresh, direction)
        if space.size == before:  # single precision sees no more
            return vector, space.best(kept)[0], TOGETHER * step
    raise ConvergenceError(f"the top eigenvector did not converge: relative residual {size:.1e}")
