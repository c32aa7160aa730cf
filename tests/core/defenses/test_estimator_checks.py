"""scikit-learn's own checks of an estimator, run on every defense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from core.defenses import DEFENSES, Defense

# One poison: with none nothing is removed, and the checks expect detectors to find both kinds of rows in 10 rows or 300.
ESTIMATORS = [defense(n_poisons=1, device="cpu") for defense in DEFENSES.values()]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learns_own_checks(estimator: Defense, check: Callable[[Any], None]) -> None:
    check(estimator)
