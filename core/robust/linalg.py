"""Dense symmetric linear algebra in float64, on whatever device the rows live."""

from __future__ import annotations

import torch
from torch import Tensor

RANK_TOLERANCE = 1e-12  # a variance below this share of the largest is rounding, not data
EXACT_UP_TO = 1024  # below this order a full eigendecomposition is quicker than iterating


def eigh(a: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues (k,), ascending, and eigenvectors (k, k) of a symmetric matrix.

    Solved on the CPU: for k of a few hundred, LAPACK in float64 is quicker than a GPU, the copy included.
    """
    values, vectors = torch.linalg.eigh(a.cpu())
    return values.to(a.device), vectors.to(a.device)


def covariance(x: Tensor, ddof: int = 1) -> Tensor:
    """Covariance (k, k) of the rows of x (n, k), centred by their mean and divided by n - ddof."""
    centred = x - x.mean(0)
    return centred.T @ centred / max(len(x) - ddof, 1)


def inverse_root(sigma: Tensor) -> Tensor:
    """The symmetric inverse square root of a covariance matrix (k, k).

    Raises ValueError where sigma is singular, that is where its rows span fewer than k directions.
    """
    values, vectors = eigh(sigma)
    if not values[-1] > 0 or values[0] <= RANK_TOLERANCE * values[-1]:
        raise ValueError(f"covariance of {len(sigma)} dimensions is singular; lower k")
    return (vectors * values.rsqrt()) @ vectors.T


def top_eigenpairs(a: Tensor, k: int, tolerance: float = 1e-11) -> tuple[Tensor, Tensor]:
    """The k largest eigenvalues (k,), descending, and eigenvectors (order, k) of a positive semidefinite matrix.

    Exact for orders up to EXACT_UP_TO. Above, block Krylov with Rayleigh-Ritz, restarted until every residual is at
    most `tolerance` times the largest eigenvalue (Musco and Musco 2015 for the method and its convergence).
    Raises RuntimeError if it does not converge.
    """
    order = len(a)
    if order <= max(EXACT_UP_TO, 4 * k):
        values, vectors = eigh(a)
        return values.flip(0)[:k], vectors.flip(1)[:, :k]
    generator = torch.Generator().manual_seed(0)  # a fixed start: the same rows give the same digits
    width = k + max(10, k // 5)
    block = torch.randn(order, width, generator=generator, dtype=a.dtype).to(a.device)
    for _ in range(60):
        basis = _krylov_basis(a, block, depth=4)
        image = a @ basis
        values, mixing = eigh(basis.T @ image)
        values, mixing = values.flip(0)[:width], mixing.flip(1)[:, :width]
        block = basis @ mixing
        residual = torch.linalg.vector_norm(image @ mixing[:, :k] - block[:, :k] * values[:k], dim=0)
        if residual.max() <= tolerance * values[0]:
            return values[:k], block[:, :k]
    raise RuntimeError(f"principal components did not converge: residual {float(residual.max() / values[0]):.1e}")


def _krylov_basis(a: Tensor, block: Tensor, depth: int) -> Tensor:
    """An orthonormal basis of [b, ab, ..., a^(depth-1) b], each block orthogonalised against all before it."""
    blocks = [torch.linalg.qr(block)[0]]
    for _ in range(depth - 1):
        fresh = a @ blocks[-1]
        done = torch.cat(blocks, 1)
        for _ in range(2):  # twice is enough (Kahan, Parlett): once leaves errors the size of the cancellation
            fresh = fresh - done @ (done.T @ fresh)
            fresh = torch.linalg.qr(fresh)[0]
        blocks.append(fresh)
    return torch.cat(blocks, 1)
