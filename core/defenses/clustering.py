"""Activation clustering, the fair version: no ground truth chooses the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import Tensor

from core.defenses.base import Defense
from core.params import param
from core.robust import principal_components


@dataclass(eq=False, repr=False)
class ActivationClustering(Defense):
    """2-means on the top principal components; the smaller cluster is removed, whatever its size.

    The script of the SPECTRE paper picks the cluster that holds more poison, which nobody can do in practice; here it
    is always the smaller one. With n_poisons = 0 nothing is removed. Scores: how much nearer a row lies to the centre
    of the smaller cluster than to that of the larger (difference of squared distances).
    """

    key: ClassVar[str] = "clustering"
    title: ClassVar[str] = "Activation clustering"
    summary: ClassVar[str] = "Splits the class in two by 2-means and removes the smaller part."
    citation: ClassVar[str] = "Chen et al. Detecting Backdoor Attacks by Activation Clustering. SafeAI 2019."

    n_components: int = param(10, "Principal components that are clustered", low=1, high=1000)
    seed: int = param(0, "Seed of the cluster starts", low=0, high=2**32 - 1)

    def _fit(self, x: Tensor) -> None:
        k = min(self.n_components, *x.shape)
        self.components_ = principal_components(x, k)
        points = self.components_.scores.cpu().numpy()
        # equal rows cannot be split in two
        if self.components_.rank == 0:
            self.centers_ = np.repeat(points[:1], 2, axis=0)
            members = np.zeros(len(points), bool)
        else:
            means = KMeans(2, n_init=10, random_state=self.seed).fit(points)
            small = int(np.bincount(means.labels_, minlength=2).argmin())
            self.centers_ = means.cluster_centers_[[small, 1 - small]]  # (2, k): smaller, larger
            members = means.labels_ == small
        removed = members if self.n_poisons else np.zeros(len(points), bool)
        sizes = {"smaller": int(members.sum()), "larger": int((~members).sum())}
        self._set_result(self._nearness(self.components_.scores), torch.from_numpy(removed), {"k": k, **sizes})
        if removed.any():
            self.threshold_ = 0.0

    def _suspicion(self, x: Tensor) -> Tensor:
        return self._nearness(self.components_.project(x))

    def _nearness(self, points: Tensor) -> Tensor:
        distances = torch.cdist(points, torch.from_numpy(self.centers_).to(points)).square()
        return distances[:, 1] - distances[:, 0]
