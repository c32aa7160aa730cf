"""scikit-learn's own checks of an estimator, run on every defense; at most one of some fifty does not apply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from core.defenses import DEFENSES, LABELLED_DEFENSES, RIVALS, Defense

# One poison: with none nothing is removed, and the checks expect detectors to find both kinds of rows in 10 rows or 300.
CATALOGUES = (DEFENSES, RIVALS, LABELLED_DEFENSES)
ESTIMATORS = [defense(n_poisons=1, device="cpu") for catalogue in CATALOGUES for defense in catalogue.values()]


def expected_failures(estimator: Defense) -> dict[str, str]:
    """Checks that do not apply, with the reason."""
    if estimator.needs_labels:
        return {
            "check_outliers_fit_predict": "calls fit_predict(X) without y, although the tags say that y is required"
        }
    return {}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)
def test_scikit_learns_own_checks(estimator: Defense, check: Callable[[Any], None]) -> None:
    check(estimator)
