"""SPECTRE as a scikit-learn outlier detector."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from core.defenses.base import Defense, UnfittedError
from core.foundation.errors import InputError
from core.foundation.params import param
from core.robust import Candidate, Components, ConvergenceError, EqualRowsError, SpectreFit, fit_spectre, que_scores


@dataclass(eq=False, repr=False)
class Spectre(Defense):
    """Robust whitening and QUE scores.

    >>> Spectre(n_poisons=50).fit(features).removed_  # (n,) bool

    After the fit, `fit_` holds every candidate k with its scores, trusted rows and filter rounds.
    """

    key: ClassVar[str] = "spectre"
    title: ClassVar[str] = "SPECTRE"
    summary: ClassVar[str] = (
        "Estimates the covariance of the clean examples robustly, whitens by it, and scores what still stands out."
    )
    citation: ClassVar[str] = "Hayase, Kong, Somani, Oh. SPECTRE. ICML 2021."

    alpha: float = param(
        4.0, "Sharpness of the score: 0 is the plain norm, large is the top direction", low=0, high=100
    )
    n_components: int | None = param(None, "Principal components k; empty chooses by the objective", low=1)
    max_components: int = param(100, "The largest k that is tried", low=1, high=1000)
    removal_factor: float = param(1.5, "Rows removed for each expected poison", low=0, high=10)
    allowance_factor: float = param(2.0, "Rows the filter may distrust for each expected poison", low=0, high=10)
    tail: str = param("published", "Tail test: the authors' code, or the text of 2017", choices=("published", "upper"))
    robust_mean: bool = param(False, "Measure scores from the mean of the trusted rows, not of all rows")

    @property
    def components_wanted(self) -> int:
        return max(self.max_components, self.n_components or 1)

    def _fit(self, x: Tensor, given: Components | None) -> None:
        try:
            self.fit_ = fit_spectre(
                x,
                self.n_poisons,
                components=given,
                k=self.n_components,
                max_k=self.max_components,
                alpha=self.alpha,
                removal_factor=self.removal_factor,
                allowance_factor=self.allowance_factor,
                tail=self.tail,
                robust_mean=self.robust_mean,
            )
        except EqualRowsError:
            raise
        except (ValueError, ConvergenceError) as problem:
            raise InputError(str(problem)) from None
        self._set_result(self.fit_.scores, self.fit_.removed, fit_record(self.fit_))

    def rescore(self, alpha: float | None = None, k: int | None = None) -> np.ndarray:
        """Scores (n,) of the fitted rows at another alpha, or at another k of those tried, in milliseconds.

        Raises InputError for an alpha out of its limits, or a k that was not tried.
        """
        if not hasattr(self, "fit_"):
            raise UnfittedError("Spectre is not fitted yet; call fit first")
        if alpha is not None:
            alpha = self._checked(alpha=alpha).alpha
        try:
            return self.fit_.rescore(alpha, k).cpu().numpy()
        except ValueError as problem:
            raise InputError(str(problem)) from None

    def _suspicion(self, x: Tensor) -> Tensor:
        best = self.fit_.best
        return que_scores(best.whiten(self.fit_.components.project(x)), best.que.matrix)


def fit_record(fit: SpectreFit) -> dict[str, Any]:
    """The story of a fit as JSON values: what the dashboard shows and `summary.json` holds."""
    return {
        "k": fit.k,
        "alpha": fit.settings.alpha,
        "chosen": fit.chosen,
        "dimensions": fit.dimensions,
        "warnings": list(fit.warnings),
        "variances": _numbers(fit.components.variances),
        "candidates": [_candidate_record(c) for c in fit.candidates],
    }


def _candidate_record(candidate: Candidate) -> dict[str, Any]:
    return {
        "k": candidate.k,
        "objective": None if math.isnan(candidate.objective) else candidate.objective,
        "removed": int(candidate.removed.sum()),
        "trusted": int(candidate.trusted.sum()),
        "stopped": candidate.stopped,
        "condition": candidate.condition,
        "has_excess": candidate.has_excess,
        "que_weights": _numbers(candidate.que.weights),
        "whitened_variances": _numbers(candidate.que.variances),
        "rounds": [
            {
                "reason": r.reason,
                "rows": r.rows_before,
                "dropped": r.dropped.tolist(),
                "eigenvalue": r.eigenvalue,
                "threshold": r.threshold,
                "cut": r.cut,
                "residual": r.residual,
            }
            for r in candidate.rounds
        ],
    }


def _numbers(values: Tensor) -> list[float]:
    """Nine digits each: enough to draw, and a third of the size."""
    return [float(f"{value:.9g}") for value in values.cpu().tolist()]
