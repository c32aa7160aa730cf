"""Dense symmetric linear algebra in float64, on whatever device the rows live."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import linalg
from scipy.linalg import blas, lapack
from torch import Tensor

RANK_TOLERANCE = 1e-12  # a variance below this share of the largest is rounding, not data
EXACT_UP_TO = 1536  # below this order LAPACK is quicker than iterating, unless the spectrum falls off steeply
ON_CPU_UP_TO = 512  # a GPU's eigendecomposition is the slower one below
BLOCK = 32  # columns that are multiplied at once


class SingularError(ValueError):
    """A covariance whose rows span fewer directions than it has."""


class ConvergenceError(RuntimeError):
    """An iteration that does not end; never seen on finite data."""


def _reserve() -> None:
    """Have SciPy's and NumPy's OpenBLAS take their buffer now: they do at their first call and keep it, but where the memory
    has run out by then, the call never comes back."""
    small = np.ones((4, 4)) + np.eye(4)
    lapack.dsyevr(small)
    np.linalg.eigvalsh(small)


_reserve()


def eigh(a: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues (k,), ascending, and eigenvectors (k, k) of a symmetric matrix.

    Solved on the CPU: for k of a few hundred, LAPACK in float64 is quicker than a GPU, the copy included.
    """
    values, vectors = torch.linalg.eigh(a.cpu())
    return values.to(a.device), vectors.to(a.device)


def top_pair(a: Tensor) -> tuple[float, Tensor]:
    """The largest eigenvalue and its eigenvector (k,) of a symmetric matrix on the CPU, float64, k at most some hundreds.

    LAPACK by itself: what SciPy does around it takes longer than a matrix of order 40.
    """
    k = len(a)
    values, vectors, _, _, failed = lapack.dsyevr(a.numpy(), range="I", il=k, iu=k)
    if failed:
        raise ConvergenceError(f"LAPACK's dsyevr ended with {failed}")
    return float(values[0]), torch.from_numpy(vectors[:, 0])


def symmetric_product(a: Tensor, x: Tensor) -> Tensor:
    """x @ a for x (p, n) and a symmetric matrix a (n, n), both float32: (p, n).

    On the CPU one vector is left to BLAS, which reads one half of the matrix; PyTorch reads all of it.
    """
    if a.device.type != "cpu" or len(x) > 1:
        return x @ a
    return torch.from_numpy(blas.ssymv(1.0, a.numpy().T, x[0].numpy()))[None]


def pair_products(y: Tensor, out: Tensor) -> Tensor:
    """y_i . y_j of all rows of y (n, k), into `out` (n, n).

    On the CPU NumPy does it, which sees that the result is symmetric and computes one half; PyTorch takes twice as long.
    """
    if y.device.type != "cpu":
        return torch.mm(y, y.T, out=out)
    np.matmul(y.numpy(), y.numpy().T, out=out.numpy())
    return out


def centred(values: Tensor, dim: int = -1) -> Tensor:
    """Less their mean along a dimension."""
    return values - values.mean(dim, keepdim=True)


def smallest(values: Tensor, count: int) -> Tensor:
    """Mask (n,) of exactly `count` smallest values (n,), of none where count is below 1; ties go to the earlier row."""
    mask = torch.zeros(len(values), dtype=torch.bool, device=values.device)
    mask[values.argsort(stable=True)[: max(count, 0)]] = True
    return mask


def covariance(x: Tensor, ddof: int = 1) -> Tensor:
    """Covariance (k, k) of the rows of x (n, k), centred by their mean and divided by n - ddof."""
    centred = x - x.mean(0)
    return centred.T @ centred / max(len(x) - ddof, 1)


@dataclass(frozen=True)
class Roots:
    """The symmetric square root of a covariance matrix and its inverse, both (k, k)."""

    root: Tensor
    inverse: Tensor
    condition: float  # largest over smallest eigenvalue of the covariance


def roots(sigma: Tensor, *, floored: bool = False) -> Roots:
    """Both square roots of a covariance matrix (k, k).

    floored: where a variance is below RANK_TOLERANCE of the largest, take that for it, so that a row that lies in a
    direction in which the others have nothing comes out very far rather than at infinity.
    Raises SingularError where sigma is zero, or singular and not floored: its rows span fewer than k directions.
    """
    values, vectors = eigh(sigma)
    if floored:
        values = values.clamp(min=2 * RANK_TOLERANCE * float(values[-1]))
    smallest, largest = float(values[0]), float(values[-1])
    if not largest > 0 or smallest <= RANK_TOLERANCE * largest:
        raise SingularError(f"covariance of {len(sigma)} dimensions is singular; lower k")
    return Roots((vectors * values.sqrt()) @ vectors.T, (vectors * values.rsqrt()) @ vectors.T, largest / smallest)


def inverse_root(sigma: Tensor, *, floored: bool = False) -> Tensor:
    """The symmetric inverse square root of a covariance matrix (k, k); see `roots`."""
    return roots(sigma, floored=floored).inverse


def top_eigenpairs(a: Tensor, k: int, tolerance: float = 1e-9) -> tuple[Tensor, Tensor]:
    """The k largest eigenvalues (k,), descending, and eigenvectors (order, k) of a positive semidefinite matrix.

    Exact for orders up to EXACT_UP_TO, or 4 k. Above, block Krylov with Rayleigh-Ritz on the whole Krylov space (Musco
    and Musco 2015), until the residual of every pair is at most `tolerance` times its own eigenvalue; where that takes more
    than half of the order, as on a spectrum without decay, exact again.
    """
    order = len(a)
    found = None if order <= max(EXACT_UP_TO, 4 * k) else _krylov(a, k, tolerance)
    return found or _exact(a, k)


def _exact(a: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """On the CPU: without the vectors that are not wanted it takes two thirds of the time of `eigh`. A large one stays on its GPU."""
    order = len(a)
    on_gpu = a.device.type == "cuda" and order > ON_CPU_UP_TO
    if on_gpu or 2 * k > order:
        values, vectors = torch.linalg.eigh(a) if on_gpu else eigh(a)
        return values.flip(0)[:k], vectors.flip(1)[:, :k]
    found = linalg.eigh(a.cpu().numpy(), subset_by_index=(order - k, order - 1), driver="evr", check_finite=False)
    values, vectors = (torch.from_numpy(part[..., ::-1].copy()).to(a.device) for part in found)
    return values, vectors


def _krylov(a: Tensor, k: int, tolerance: float) -> tuple[Tensor, Tensor] | None:
    """None where it has not converged within half of the order."""
    generator = torch.Generator().manual_seed(0)  # a fixed start: the same rows give the same digits
    block = torch.randn(len(a), BLOCK, generator=generator, dtype=a.dtype).to(a.device)
    space = a.new_empty(len(a) // 2 + BLOCK, len(a))  # one vector a row: pages that are not reached cost nothing
    space[:BLOCK] = torch.linalg.qr(block)[0].T
    size, projected = BLOCK, a.new_zeros(0, 0)
    check = k + 4 * BLOCK  # size of the space at which convergence is looked at next
    while size <= len(a) // 2:
        basis = space[:size].T
        image = a @ basis[:, -BLOCK:]
        column = basis.T @ image
        projected = _bordered(projected, column)
        image = image - basis @ column
        image = image - basis @ (basis.T @ image)  # twice is enough (Kahan, Parlett)
        block, rest = torch.linalg.qr(image)
        if size >= check:
            values, mixing = eigh(projected)
            values, mixing = values.flip(0)[:k], mixing.flip(1)[:, :k]
            residual = torch.linalg.vector_norm(rest @ mixing[-BLOCK:], dim=0)
            if bool((residual <= tolerance * values.clamp(min=RANK_TOLERANCE * values[0])).all()):
                return values, basis @ mixing
            check = int(1.1 * size)
        space[size : size + BLOCK] = block.T
        size += BLOCK
    return None


def _bordered(a: Tensor, column: Tensor) -> Tensor:
    """The symmetric matrix a with the columns (size + b, b) appended, and their transpose as rows."""
    size = len(a)
    grown = a.new_empty(len(column), len(column))
    grown[:size, :size] = a
    grown[:, size:] = column
    grown[size:, :size] = column[:size].T
    return grown
