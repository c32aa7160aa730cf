"""Mahalanobis distance: how far a row lies from the centre, in units of the spread in its direction."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from core.defenses.base import Defense, top_components
from core.foundation.params import param
from core.robust import Components, covariance, inverse_root, remove_top

ROWS_PER_COMPONENT = 5  # fewer, and the half of the rows that MCD looks for fits any k of them (scikit-learn's advice)


@dataclass(eq=False, repr=False)
class Mahalanobis(Defense):
    """Removes the rows of largest squared Mahalanobis distance, on the top-k principal components.

    Centre and covariance come from the half of the rows whose covariance has the smallest determinant (MCD, by
    scikit-learn's FastMCD), so that far rows do not hide themselves by stretching the covariance; or from all rows
    ("plain"). Few components by default: over many, the distance adds up the noise of all directions and drowns a
    shift along one; and FastMCD takes tight clusters for the core of the data.

    k is capped at a fifth of the rows and at the rank. Where MCD's half of the rows spans fewer than k directions, as
    with many equal rows, the plain covariance takes its place. Both are told in `record_["warnings"]`.
    Rousseeuw, Van Driessen. A Fast Algorithm for the Minimum Covariance Determinant Estimator. Technometrics 1999.
    """

    key: ClassVar[str] = "mahalanobis"
    title: ClassVar[str] = "Mahalanobis distance"
    summary: ClassVar[str] = "Measures the distance from the centre by a covariance that far rows cannot stretch."
    citation: ClassVar[str] = "Rousseeuw, Van Driessen. A Fast Algorithm for the MCD Estimator. Technometrics 1999."

    n_components: int = param(10, "Principal components to look at", low=1, high=200)
    estimator: str = param("mcd", "Covariance: robust, or of all rows", choices=("mcd", "plain"))
    removal_factor: float = param(1.5, "Rows removed for each expected poison", low=0, high=10)
    seed: int = param(0, "Seed of the starts of MCD", low=0, high=2**32 - 1)

    @property
    def components_wanted(self) -> int:
        return self.n_components

    def _fit(self, x: Tensor, given: Components | None) -> None:
        components = top_components(x, self.n_components, given).require_spread()
        k = min(self.n_components, components.rank, max(1, len(x) // ROWS_PER_COMPONENT))
        notes = [] if k == self.n_components else [_why_fewer(self.n_components, k, len(x), components.rank)]
        self.components_ = components
        self.scale_ = components.variances[:k].sqrt()  # unit deviations, so that no determinant underflows
        points = components.scores[:, :k] / self.scale_
        self.center_, self.whitening_ = self._moments(points, notes)
        scores = self._distance(points)
        removed = remove_top(scores, round(self.removal_factor * self.n_poisons))
        self._set_result(scores, removed, {"k": k, "estimator": self.estimator, "warnings": notes})

    def _suspicion(self, x: Tensor) -> Tensor:
        return self._distance(self.components_.project(x)[:, : len(self.scale_)] / self.scale_)

    def _distance(self, points: Tensor) -> Tensor:
        """Squared distances (n,) of points (n, k)."""
        return ((points - self.center_) @ self.whitening_).square().sum(1)

    def _support(self, n: int) -> float | None:
        """The share of n rows that MCD trusts; None for the smallest that can be."""
        return None

    def _moments(self, points: Tensor, notes: list[str]) -> tuple[Tensor, Tensor]:
        """The centre (k,) and the inverse root of the covariance (k, k) of points (n, k)."""
        if self.estimator == "mcd":
            try:
                return self._robust_moments(points)
            except ValueError:  # also from scikit-learn, where its half of the rows has no spread at all
                notes.append("the robust covariance is singular: many rows are equal; all rows were taken instead")
        return points.mean(0), inverse_root(covariance(points))

    def _robust_moments(self, points: Tensor) -> tuple[Tensor, Tensor]:
        from sklearn.covariance import MinCovDet  # loads much, and other defenses do not need it

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a singular covariance, which inverse_root refuses below
            found = MinCovDet(support_fraction=self._support(len(points)), random_state=self.seed).fit(
                points.cpu().numpy()
            )
        return points.new_tensor(found.location_), inverse_root(points.new_tensor(np.asarray(found.covariance_)))


def _why_fewer(asked: int, k: int, n: int, rank: int) -> str:
    reason = f"the rows span {rank} directions" if k == rank else f"{n} rows carry a fifth as many components"
    return f"k was lowered from {asked} to {k}: {reason}"
