"""What all defenses share: scikit-learn's conventions for outlier detectors, and the checks of the input."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator, OutlierMixin
from torch import Tensor

from core import devices
from core.errors import InputError
from core.params import param

LARGEST = 1e100  # squares and fourth moments of larger values overflow


@dataclass(eq=False, repr=False)
class Defense(OutlierMixin, BaseEstimator):
    """Scores the features of one class and marks the rows to remove.

    Fitted attributes: `scores_` (n,) float64, larger is more suspicious; `removed_` (n,) bool; `threshold_`, the score
    above which a row is removed; `record_`, the story of the fit as plain JSON values; `n_features_in_`.
    As in scikit-learn, `score_samples` is the negative of that (lower is more abnormal) and `predict` gives -1 for
    rows to remove, 1 for the others. Nothing here takes ground truth: `y` is ignored.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    citation: ClassVar[str]

    n_poisons: int = param(0, "How many poisons to expect among the rows; 0 removes nothing", unit="examples", low=0)
    device: str = param("auto", "Where to compute: auto, cpu, cuda or mps")

    def fit(self, X: Any, y: Any = None) -> Defense:
        """Score the rows of X (n, d) and mark those to remove. Raises InputError for unusable input."""
        rows = check_features(X, self.n_poisons)
        self.n_features_in_ = rows.shape[1]
        self._fit(self._tensor(rows))
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        """Minus the suspicion of each row of X (n, d), also for rows that were not in the fit: (n,)."""
        if not hasattr(self, "scores_"):
            raise InputError(f"{type(self).__name__} is not fitted yet; call fit first")
        rows = check_features(X, 0, at_least=1)
        if rows.shape[1] != self.n_features_in_:
            raise InputError(f"{rows.shape[1]} features, but the fit had {self.n_features_in_}")
        return -self._suspicion(self._tensor(rows)).cpu().numpy()

    def predict(self, X: Any) -> np.ndarray:
        """-1 for rows that look poisoned, 1 for the others: (n,) int64."""
        return np.where(-self.score_samples(X) > self.threshold_, -1, 1)

    def fit_predict(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit, and the verdict on the same rows."""
        return np.where(self.fit(X).removed_, -1, 1)

    def _tensor(self, rows: np.ndarray) -> Tensor:
        device = devices.for_linear_algebra(devices.resolve(self.device))
        with warnings.catch_warnings():
            # A memory-mapped file is read-only, and nothing here writes into its input.
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            return torch.from_numpy(np.ascontiguousarray(rows)).to(device)

    def _set_result(self, scores: Tensor, removed: Tensor, record: dict[str, Any]) -> None:
        self.scores_ = scores.cpu().numpy()
        self.removed_ = removed.cpu().numpy()
        self.threshold_ = _between(self.scores_, self.removed_)
        self.record_ = record

    def _fit(self, x: Tensor) -> None:
        raise NotImplementedError

    def _suspicion(self, x: Tensor) -> Tensor:
        raise NotImplementedError


def check_features(features: Any, n_poisons: int, at_least: int = 2) -> np.ndarray:
    """The features as an (n, d) float array, or an InputError that says what to mend."""
    rows = np.asarray(features)
    if rows.ndim != 2:
        raise InputError(f"features must be a table of shape (rows, features), not {rows.shape}")
    if rows.dtype.kind not in "fiu":
        raise InputError(f"features must be numbers, not {rows.dtype}")
    n, d = rows.shape
    if n < at_least or d < 1:
        raise InputError(
            f"features have {n} row(s) and {d} column(s); at least {at_least} rows and 1 column are needed"
        )
    if rows.dtype not in (np.float32, np.float64):
        rows = rows.astype(np.float64 if rows.dtype.itemsize > 2 else np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        total = rows.sum(dtype=np.float64)
    if not np.isfinite(total):  # one pass without a mask; look closer only where it fails
        bad = np.flatnonzero(~np.isfinite(rows).all(1))
        if len(bad):
            raise InputError(f"row {bad[0]} has a value that is not finite ({len(bad)} such row(s)); drop or mend them")
    if rows.dtype == np.float64 and (largest := float(np.abs(rows).max())) > LARGEST:
        raise InputError(f"a value of size {largest:.0e} is too large to be squared; scale the features down")
    if n_poisons < 0:
        raise InputError(f"{n_poisons} poisons: the count cannot be negative")
    if n_poisons > n / 2:
        raise InputError(f"{n_poisons} poisons are more than half of the {n} rows; give at most {n // 2}")
    return rows


def _between(scores: np.ndarray, removed: np.ndarray) -> float:
    """A cut between the lowest removed and the highest kept score, so that rounding does not move a row across."""
    if not removed.any():
        return float("inf")
    lowest = float(scores[removed].min())
    below = scores[scores < lowest]
    return (lowest + float(below.max())) / 2 if len(below) else -float("inf")
