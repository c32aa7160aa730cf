"""The fourth-moment operator of the covariance filter, and its top eigenpair, without ever building it."""

from __future__ import annotations

import torch
from torch import Tensor

from core.robust.linalg import eigh

MAX_STEPS = 300  # Lanczos steps before a restart from the best estimate


def excess_moment(y: Tensor, v: Tensor) -> Tensor:
    """Apply the operator (1/n) sum (y_i kron y_i)(y_i kron y_i)^T - vec(I) vec(I)^T to a symmetric matrix.

    y: (n, k) whitened rows; v: (k, k). Returns (k, k). Costs O(n k^2); the k^2 x k^2 matrix is never built.
    For a Gaussian its top eigenvalue is 2; a cluster of outliers raises it.
    """
    weights = ((y @ v) * y).sum(1)
    moment = (y * weights[:, None]).T @ y / len(y)
    moment.diagonal().sub_(v.diagonal().sum())
    return moment


def quadratic_forms(y: Tensor, v: Tensor) -> Tensor:
    """y_i^T v y_i for every row: (n,)."""
    return ((y @ v) * y).sum(1)


def top_excess_direction(y: Tensor, start: Tensor | None = None, tolerance: float = 1e-7) -> tuple[float, Tensor]:
    """The eigenpair of largest magnitude of `excess_moment`, as (eigenvalue, symmetric (k, k) of Frobenius norm 1).

    Lanczos with full reorthogonalisation in the space of symmetric matrices (antisymmetric ones lie in the kernel).
    start: an earlier solution; it is mixed with a fixed random matrix, so that a direction which has since vanished
    cannot trap the iteration. tolerance: on the residual, relative to the eigenvalue; at 1e-5 and below the
    removed rows no longer change, at 1e-3 they do.
    Raises RuntimeError if it does not converge.
    """
    k = y.shape[1]
    vector = _start(k, start).to(y)
    for _ in range(20):
        value, vector, residual = _lanczos(y, vector, tolerance)
        if residual <= tolerance * abs(value):
            matrix = vector.view(k, k)
            return value, (matrix + matrix.T) / 2
    raise RuntimeError(f"the top eigenvector did not converge: relative residual {residual / abs(value):.1e}")


def _start(k: int, earlier: Tensor | None) -> Tensor:
    generator = torch.Generator().manual_seed(k)
    noise = torch.randn(k, k, generator=generator, dtype=torch.float64)
    noise = noise + noise.T
    noise = noise / torch.linalg.matrix_norm(noise)
    if earlier is not None:
        noise = 0.1 * noise + earlier.cpu() / torch.linalg.matrix_norm(earlier).cpu()
    return (noise / torch.linalg.matrix_norm(noise)).flatten()


def _lanczos(y: Tensor, start: Tensor, tolerance: float) -> tuple[float, Tensor, float]:
    """One Lanczos run: (Ritz value of largest magnitude, its vector (k*k,), norm of its residual)."""
    k = y.shape[1]
    steps = min(MAX_STEPS, k * (k + 1) // 2)
    basis = start.new_zeros(steps, k * k)
    basis[0] = start / torch.linalg.vector_norm(start)
    small = torch.zeros(steps, steps, dtype=torch.float64)  # the tridiagonal matrix, on the CPU
    for step in range(steps):
        image = excess_moment(y, basis[step].view(k, k)).flatten()
        small[step, step] = float(image @ basis[step])
        done = basis[: step + 1]
        for _ in range(2):
            image = image - (image @ done.T) @ done
        beta = float(torch.linalg.vector_norm(image))
        values, vectors = eigh(small[: step + 1, : step + 1])
        best = int(values.abs().argmax())
        value, mixing = float(values[best]), vectors[:, best]
        residual = beta * abs(float(mixing[-1]))
        if residual <= tolerance * abs(value) or step + 1 == steps or beta == 0.0:
            break
        small[step, step + 1] = small[step + 1, step] = beta
        basis[step + 1] = image / beta
    return value, mixing.to(y) @ basis[: len(mixing)], residual
