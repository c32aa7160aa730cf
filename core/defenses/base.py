"""What all defenses share: scikit-learn's conventions for outlier detectors, and the checks of the input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data
from torch import Tensor

from core.foundation import devices
from core.foundation.errors import InputError
from core.foundation.params import build, describe, param, values_of
from core.foundation.rows import as_tensor, check_features, check_labels
from core.robust import Components, EqualRowsError, principal_components


class UnfittedError(InputError, NotFittedError):
    """Something was asked of a defense before its fit."""


def _judges_new_rows(defense: Defense) -> bool:
    if defense.needs_labels:
        raise AttributeError(f"{type(defense).__name__} judges the rows of its fit only; use fit_predict or removed_")
    return True


@dataclass(eq=False, repr=False)
class Defense(OutlierMixin, BaseEstimator):
    """Scores the features of one class and marks the rows to remove.

    Fitted attributes: `scores_` (n,) float64, larger is more suspicious; `removed_` (n,) bool; `threshold_`, the score
    above which a row is removed; `record_`, the story of the fit as plain JSON values; `n_features_in_`.
    As in scikit-learn, `score_samples` is the negative of that (lower is more abnormal), `decision_function` is
    `score_samples - offset_` and `predict` gives -1 for rows to remove, 1 for the others.

    Nothing here takes ground truth: `y` is ignored, unless the defense `needs_labels`. Then X holds the rows of all
    classes and y (n,) the label that each row carries in training: public, and false where a row is poisoned. Such
    defenses judge the rows of their fit only, as LocalOutlierFactor does, for a new row comes without a label.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    citation: ClassVar[str]
    needs_labels: ClassVar[bool] = False

    n_poisons: int = param(0, "How many poisons to expect among the rows; 0 removes nothing", unit="examples", low=0)
    device: str = param("auto", "Where to compute: auto, cpu, cuda or mps")

    def fit(self, X: Any, y: Any = None, *, components: Components | None = None) -> Defense:
        """Score the rows of X (n, d) and mark those to remove. Raises InputError for unusable input or parameters.

        components: principal components of X that are at hand (`shared_components`); as far as they go, they need not be
        computed again. They change nothing but the time.
        """
        asked = self._checked()  # its parameters are of their own types
        rows = check_features(X, asked.n_poisons)
        labels = check_labels(y, len(rows), who=type(self).__name__, classes=2) if self.needs_labels else None
        if components is not None and (len(components.scores), len(components.mean)) != rows.shape:
            raise InputError("the principal components are those of other rows")
        asked._check_columns(X, reset=True)
        try:
            if labels is None:
                asked._fit(asked._tensor(rows), components)
            else:
                asked._fit_labelled(asked._tensor(rows), labels)
        except EqualRowsError as problem:
            apart = float(np.ptp(rows, 0).max())
            why = f"rows lie {apart:.0e} apart at most, too little to compute with: centre and scale the features"
            raise InputError(why if apart > 0 and labels is None else str(problem)) from None
        asked._check_result(len(rows))
        parameters = {one.name for one in describe(type(self))}
        for name in [name for name in vars(self) if name.endswith("_") and name not in parameters]:
            delattr(self, name)  # of a fit before
        self.__dict__.update((name, value) for name, value in vars(asked).items() if name not in parameters)
        return self

    @property
    def components_wanted(self) -> int:
        """How many principal components of its rows a fit looks at, at most; 0 for none."""
        return 0

    @available_if(_judges_new_rows)
    def score_samples(self, X: Any) -> np.ndarray:
        """Minus the suspicion of each row of X (n, d), also for rows that were not in the fit: (n,)."""
        if not hasattr(self, "scores_"):
            raise UnfittedError(f"{type(self).__name__} is not fitted yet; call fit first")
        rows = check_features(X, 0, at_least=1)
        self._check_columns(X, reset=False)
        return -self._suspicion(self._tensor(rows)).cpu().numpy()

    @available_if(_judges_new_rows)
    def decision_function(self, X: Any) -> np.ndarray:
        """`score_samples` moved so that rows to remove are negative: (n,). Infinite where the fit removed none."""
        scores: np.ndarray = self.score_samples(X)
        return scores - self.offset_

    @available_if(_judges_new_rows)
    def predict(self, X: Any) -> np.ndarray:
        """-1 for rows that look poisoned, 1 for the others: (n,) int64."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def fit_predict(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit, and the verdict on the same rows."""
        return np.where(self.fit(X, y).removed_, -1, 1)

    @property
    def offset_(self) -> float:
        """scikit-learn's name for minus the threshold."""
        return -float(self.threshold_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.needs_labels
        return tags

    def _checked(self, **changes: Any) -> Self:
        """One with these parameters, or with some in their place. Raises InputError for those out of their limits, and for words and
        the like where a number belongs: unlike a command, a program knows its types."""
        values = values_of(self) | changes
        for one in describe(type(self)):
            value = values[one.name]
            if one.type is bool and not isinstance(value, (bool, np.bool_)):
                raise InputError(f"{type(self).__name__}: {one.name} = {value!r} is neither True nor False")
            if one.type in (int, float) and value is not None and (type(value) is bool or not isinstance(value, Real)):
                raise InputError(f"{type(self).__name__}: {one.name} = {value!r} is not a number")
        made: Self = build(type(self), values)
        return made

    def _check_columns(self, X: Any, *, reset: bool) -> None:
        """Note number and names of the columns, or hold X against those of the fit."""
        try:
            validate_data(self, X, "no_validation", reset=reset, skip_check_array=True)
        except (ValueError, TypeError) as problem:  # the latter of names that are no words
            raise InputError(" ".join(str(problem).split())) from None

    def _tensor(self, rows: np.ndarray) -> Tensor:
        return as_tensor(rows, devices.for_linear_algebra(devices.resolve(str(self.device))))

    def _set_result(self, scores: Tensor, removed: Tensor, record: dict[str, Any]) -> None:
        """What a fit ends with. scores: (n,); removed: (n,) bool; record: plain JSON values. Raises InputError for anything else."""
        given: tuple[object, ...] = (scores, removed, record)
        if not all(isinstance(one, kind) for one, kind in zip(given, (Tensor, Tensor, dict), strict=True)):
            kinds = ", ".join(type(one).__name__ for one in given)
            raise InputError(f"{type(self).__name__} gives {kinds}; _set_result takes two tensors and a dictionary")
        self.scores_ = scores.double().cpu().numpy()
        self.removed_ = removed.cpu().numpy()
        self._check_result(len(np.atleast_1d(self.removed_)))
        self.threshold_ = _between(self.scores_, self.removed_)
        self.record_ = record

    def _check_result(self, n: int) -> None:
        """Raise InputError where the fit of a new defense gives none, or other than a score and a mark for each of n rows."""
        name = type(self).__name__
        if not hasattr(self, "scores_"):
            raise InputError(f"{name} gives no result; let its fit end with _set_result(scores, removed, record)")
        if self.scores_.shape != (n,) or self.removed_.shape != (n,) or self.removed_.dtype != bool:
            raise InputError(
                f"{name} gives scores {self.scores_.shape} and {self.removed_.dtype} marks {self.removed_.shape} for {n} rows; "
                f"both must be of shape ({n},), and the marks bool"
            )
        if not np.isfinite(self.scores_).all():
            raise InputError(
                f"{name} gives scores that are not finite (NaN or inf) to {(~np.isfinite(self.scores_)).sum()} rows"
            )

    def _fit(self, x: Tensor, given: Components | None) -> None:
        raise InputError(f"{type(self).__name__} has no _fit(x, given), so it fits nothing")

    def _fit_labelled(self, x: Tensor, labels: np.ndarray) -> None:
        raise InputError(f"{type(self).__name__} has no _fit_labelled(x, labels), so it fits nothing")

    def _suspicion(self, x: Tensor) -> Tensor:
        raise InputError(f"{type(self).__name__} has no _suspicion(x), so it judges no new rows")


def top_components(x: Tensor, k: int, given: Components | None = None) -> Components:
    """The top k principal components of x (n, d), k capped at n and d; those given where they are as many."""
    k = min(k, *x.shape)
    return given.first(k) if given is not None and len(given.variances) >= k else principal_components(x, k)


def shared_components(features: Any, defenses: Sequence[Defense]) -> Components:
    """As many principal components of features (n, d) as any of the defenses looks at, on the device of the first.

    For `fit(features, components=...)` of each. Raises InputError for unusable features.
    """
    wanted = max(defense._checked().components_wanted for defense in defenses)
    return top_components(defenses[0]._tensor(check_features(features, 0)), max(wanted, 1))


def _between(scores: np.ndarray, removed: np.ndarray) -> float:
    """A cut between the lowest removed and the highest kept score, so that rounding does not move a row across."""
    if not removed.any():
        return float("inf")
    lowest = float(scores[removed].min())
    below = scores[scores < lowest]
    return (lowest + float(below.max())) / 2 if len(below) else -float("inf")
