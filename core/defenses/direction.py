"""Whitening by a robust covariance of scikit-learn, and the top direction after it: SPECTRE's idea in six lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from core.defenses.mahalanobis import Mahalanobis
from core.foundation.params import param
from core.robust import covariance


@dataclass(eq=False, repr=False)
class WhitenedDirection(Mahalanobis):
    """Removes the rows that lie farthest out along the direction in which robustly whitened rows vary most.

    Like `Mahalanobis`, but of the whitened rows only their squared projection on the top direction of their covariance
    counts. told: MCD trusts all rows but as many as will be removed, and so is told the number of poisons as SPECTRE is;
    else about half of them. The strongest simple rival of SPECTRE that docs/spectre.md found (k = 10, told).
    """

    key: ClassVar[str] = "direction"
    title: ClassVar[str] = "MCD and top direction"
    summary: ClassVar[str] = (
        "Whitens by a robust covariance of scikit-learn and looks along the direction of most variance."
    )

    told: bool = param(True, "Let MCD trust all rows but as many as are removed")

    def _support(self, n: int) -> float | None:
        return max(0.5, 1 - round(self.removal_factor * self.n_poisons) / n) if self.told else None

    def _moments(self, points: Tensor, notes: list[str]) -> tuple[Tensor, Tensor]:
        center, whitening = super()._moments(points, notes)
        self.direction_ = torch.linalg.eigh(covariance((points - center) @ whitening).cpu())[1][:, -1].to(points)
        return center, whitening

    def _distance(self, points: Tensor) -> Tensor:
        """Squared projections (n,) of points (n, k) on the top direction, after whitening."""
        return ((points - self.center_) @ self.whitening_ @ self.direction_).square()
