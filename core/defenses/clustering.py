"""Activation clustering, the fair version: no ground truth chooses the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from core.defenses.base import Defense, top_components
from core.foundation.params import param
from core.robust import Components

SILHOUETTE_ROWS = 4000  # it compares all pairs; above this a sample of so many rows


@dataclass(eq=False, repr=False)
class ActivationClustering(Defense):
    """2-means on the top components; the smaller cluster is removed, if the rule finds it suspicious.

    Rules: "smaller" always does; "size" where its share of the rows is at most `size_threshold` (a clean class falls
    into halves); "silhouette" where the mean silhouette of the two clusters is at least `silhouette_threshold` (one
    cloud cut in two has a low one). The thresholds are those of the authors' own implementation in the Adversarial
    Robustness Toolbox, set on last-layer activations. A clean round cloud has a silhouette of 0.07, but one with few
    strong directions can reach 0.11, so that rule alone may flag it.

    The paper reduces by ICA, which is PCA scaled to unit deviations and then rotated. 2-means and silhouettes do not
    see the rotation, so "ica" here is the scaling alone, without an iteration that might not converge.

    The script of the SPECTRE paper picks the cluster that holds more poison, which nobody can do in practice; here it
    is always the smaller one. With n_poisons = 0 nothing is removed. Scores: how much nearer a row lies to the centre
    of the smaller cluster than to that of the larger (difference of squared distances).

    `record_`: sizes and share of the clusters, `silhouette` (None where it is not defined), `rule`, and whether it
    finds the smaller one `suspicious`.
    """

    key: ClassVar[str] = "clustering"
    title: ClassVar[str] = "Activation clustering"
    summary: ClassVar[str] = "Splits the class in two by 2-means and removes the smaller part."
    citation: ClassVar[str] = "Chen et al. Detecting Backdoor Attacks by Activation Clustering. SafeAI 2019."

    n_components: int = param(10, "Components that are clustered", low=1, high=1000)
    reduction: str = param("pca", "Components as they are, or scaled to unit deviation", choices=("pca", "ica"))
    rule: str = param("smaller", "When the smaller cluster goes", choices=("smaller", "size", "silhouette"))
    size_threshold: float = param(
        0.35, "Largest suspicious share of the smaller cluster", low=0, high=0.5, when=("rule", ("size",))
    )
    silhouette_threshold: float = param(
        0.1, "Smallest suspicious silhouette", low=-1, high=1, when=("rule", ("silhouette",))
    )
    seed: int = param(0, "Seed of the cluster starts", low=0, high=2**32 - 1)

    @property
    def components_wanted(self) -> int:
        return self.n_components

    def _fit(self, x: Tensor, given: Components | None) -> None:
        self.components_ = top_components(x, self.n_components, given)
        self.scale_ = _scale(self.components_) if self.reduction == "ica" else None
        reduced = self._reduce(self.components_.scores)
        points = reduced.cpu().numpy()
        self.centers_, members = self._split(points)
        record = {"k": points.shape[1], "smaller": int(members.sum()), "larger": int((~members).sum())}
        record |= self._judge(points, members)
        removed = members if self.n_poisons and record["suspicious"] else np.zeros(len(points), bool)
        self._set_result(self._nearness(reduced), torch.from_numpy(removed), record)
        if removed.any():
            self.threshold_ = 0.0

    def _split(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Centres (2, k) of the smaller and the larger cluster of points (n, k), and who belongs to the smaller (n,)."""
        if self.components_.rank == 0:  # equal rows cannot be split in two
            return np.repeat(points[:1], 2, axis=0), np.zeros(len(points), bool)
        from sklearn.cluster import KMeans  # half a second to load, and other defenses need no clusters

        means = KMeans(2, n_init=10, random_state=self.seed).fit(points)
        small = int(np.bincount(means.labels_, minlength=2).argmin())
        return means.cluster_centers_[[small, 1 - small]], means.labels_ == small

    def _judge(self, points: np.ndarray, members: np.ndarray) -> dict[str, Any]:
        share, silhouette = float(members.mean()), _silhouette(points, members, self.seed)
        suspicious = {
            "smaller": True,
            "size": share <= self.size_threshold,
            "silhouette": silhouette is not None and silhouette >= self.silhouette_threshold,
        }[self.rule]
        return {
            "share": share,
            "silhouette": silhouette,
            "rule": self.rule,
            "suspicious": bool(suspicious and members.any()),
        }

    def _suspicion(self, x: Tensor) -> Tensor:
        return self._nearness(self._reduce(self.components_.project(x)))

    def _reduce(self, points: Tensor) -> Tensor:
        return points if self.scale_ is None else points[:, : len(self.scale_)] / self.scale_

    def _nearness(self, points: Tensor) -> Tensor:
        distances = torch.cdist(points, torch.from_numpy(self.centers_).to(points)).square()
        return distances[:, 1] - distances[:, 0]


def _scale(components: Components) -> Tensor:
    """Standard deviations of the components that have one beyond rounding."""
    return components.variances[: max(components.rank, 1)].sqrt().clamp(min=torch.finfo(torch.float64).tiny)


def _silhouette(points: np.ndarray, members: np.ndarray, seed: int) -> float | None:
    """The mean silhouette of the two clusters over a sample of the points (n, k); None where it is not defined."""
    if len(points) > SILHOUETTE_ROWS:
        sample = np.random.default_rng(seed).choice(len(points), SILHOUETTE_ROWS, replace=False)
        points, members = points[sample], members[sample]
    if len(points) < 3 or members.all() or not members.any():
        return None
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(points, members))
