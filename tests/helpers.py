"""Makers of data that several tests share: Gaussians with a known share of poison."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Contaminated:
    """Rows and the truth about them. rows: (n, d) float64; poison: (n,) bool."""

    rows: np.ndarray
    poison: np.ndarray

    @property
    def tensor(self) -> Tensor:
        """The rows as a (n, d) float64 tensor."""
        return as_tensor(self.rows)

    @property
    def n_poisons(self) -> int:
        return int(self.poison.sum())


def as_tensor(rows: np.ndarray) -> Tensor:
    """A float64 tensor on the CPU that shares nothing with `rows`."""
    return torch.from_numpy(np.array(rows, dtype=np.float64))


def global_generators() -> tuple[bytes, int, bytes]:
    """What NumPy's and PyTorch's global random generators are at: equal before and after where nothing was drawn."""
    state = np.random.get_bit_generator().state["state"]
    return state["key"].tobytes(), state["pos"], torch.random.get_rng_state().numpy().tobytes()


def gaussian(n: int, d: int, seed: int, deviations: np.ndarray | None = None) -> np.ndarray:
    """Clean rows (n, d): independent normals with standard deviations (d,), or ones."""
    rows = np.random.default_rng(seed).standard_normal((n, d))
    return rows if deviations is None else rows * deviations


def contaminated(
    n: int,
    d: int,
    m: int,
    *,
    strength: float = 6.0,
    spread: bool = False,
    deviations: np.ndarray | None = None,
    direction: int | None = None,
    seed: int = 0,
) -> Contaminated:
    """n Gaussian rows of which m, at random places, are poison.

    strength: length of the poison's shift, in clean standard deviations.
    spread: False for one coherent cluster (all shifted alike, a tenth of the clean noise); True for full noise and a
        shift whose sign and size vary from row to row, so that the poison has no cluster of its own.
    deviations: (d,) clean standard deviations. direction: the axis of the shift; None for a random direction.
    """
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, d))
    axis = np.eye(d)[direction] if direction is not None else _unit(rng.standard_normal(d))
    poison = np.zeros(n, dtype=bool)
    poison[rng.choice(n, m, replace=False)] = True
    if spread:
        sizes = rng.choice([-1.0, 1.0], (m, 1)) * rng.uniform(0.6, 1.4, (m, 1))
        rows[poison] += strength * sizes * axis
    else:
        rows[poison] = strength * axis + 0.1 * rows[poison]
    return Contaminated(rows if deviations is None else rows * deviations, poison)


def anisotropic(n: int, d: int, m: int, *, strength: float = 6.0, seed: int = 0) -> Contaminated:
    """Poison that PCA alone cannot see: clean deviations fall from 8 to 0.5, and the shift lies along the weakest axis."""
    return contaminated(n, d, m, strength=strength, deviations=np.geomspace(8.0, 0.5, d), direction=d - 1, seed=seed)


def tight_cluster(seed: int = 0) -> Contaminated:
    """The specification's example for the tail condition: 200 poisons in a tight cluster, 2,200 rows, 16 dimensions."""
    return contaminated(2200, 16, 200, strength=6.0, seed=seed)


def rotation(d: int, seed: int) -> np.ndarray:
    """A random orthogonal matrix (d, d)."""
    q, r = np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))
    return q * np.sign(np.diag(r))


def positive_definite(k: int, seed: int, low: float = 0.5, high: float = 4.0) -> np.ndarray:
    """A random symmetric matrix (k, k) with eigenvalues from low to high."""
    basis = rotation(k, seed)
    return basis @ np.diag(np.linspace(low, high, k)) @ basis.T


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
