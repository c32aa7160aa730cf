"""The cost of a wrong budget: what each defense removes when it is told a wrong number of poisons.

On traffic signs (1,050 rows x 4,096 features, five budgets, four defenses): 22 s on one core.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from core.defenses import DEFENSES, Defense, shared_components
from core.experiment import RunConfig, config_of
from core.foundation import devices
from core.foundation.errors import InputError
from core.runs import RunFolder, detection
from core.studies.store import VERSION, Progress

FACTORS = (Fraction(1, 4), Fraction(1, 2), Fraction(1), Fraction(2), Fraction(4))


def assumed_budgets(true: int, rows: int) -> list[int]:
    """A quarter, half, once, twice and four times the true number, each once; at least 1, at most half of the rows."""
    return sorted({min(max(round(factor * true), 1), rows // 2) for factor in FACTORS})


def study_budgets(run: RunFolder, progress: Progress, device: str = "auto") -> dict[str, Any]:
    """Refit every defense at wrong budgets on the features of the run: JSON values for study-budgets.json.

    One row for each budget: `assumed`, and for each defense `removed`, the rates of `core.runs.outcomes.detection`, `kept`
    (rows that are also removed at the true number; the truth is not needed to tell), k where it has one, and seconds.
    Raises InputError where the run has no features or no poisons.
    """
    config, frame = config_of(run), run.load_scores()
    features = run.load_array("features.npy")
    truth = frame["is_poison"].to_numpy(bool)
    true = int(run.result["poisons_in_target"])
    if not true:
        raise InputError(f"{run.id} has no poisons in the class that was looked at, so no budget is wrong by a factor")
    if len(features) != len(frame):
        raise InputError(f"{run.id}: features.npy has {len(features):,} rows, scores.parquet {len(frame):,}")
    began = time.perf_counter()
    refits = _Refits(config, features, device)
    budgets = assumed_budgets(true, len(frame))
    rows, removals = [], {}
    for i, assumed in enumerate(budgets):
        found: dict[str, Any] = {}
        for j, (key, defense) in enumerate(DEFENSES.items()):
            message = f"{defense.title} told to expect {assumed:,} poisons"
            progress(message, (i + j / len(DEFENSES)) / len(budgets))
            removed, about = refits.fit(key, assumed)
            removals[key, assumed] = removed
            found[key] = {"title": defense.title, **detection(removed, truth), **about}
        rows.append({"assumed": assumed, "factor": assumed / true, "defenses": found})
    _compare_with_true(rows, removals, true)
    return {
        "version": VERSION, "kind": "budgets", "run": run.id, "true": true, "layer": config.layer, "seed": config.seed,
        "n": len(frame), "columns": int(features.shape[1]), "rows": rows,
        "device": devices.describe(refits.device), "seconds": round(time.perf_counter() - began, 2),
    }  # fmt: skip


def _compare_with_true(rows: Sequence[dict[str, Any]], removals: dict[tuple[str, int], np.ndarray], true: int) -> None:
    """How many of the rows that go at the true number go at the assumed one too."""
    for row in rows:
        for key, found in row["defenses"].items():
            right = removals.get((key, true))
            if right is not None:
                both = int((right & removals[key, row["assumed"]]).sum())
                found["kept"] = {"count": both, "total": int(right.sum())}


class _Refits:
    """Fits of the same features at several budgets. Their principal components are computed once."""

    def __init__(self, config: RunConfig, features: np.ndarray, device: str) -> None:
        self.config, self.features = replace(config, budget=None), features  # else each would be told that number
        self.device = devices.for_linear_algebra(devices.resolve(device))
        self.components = shared_components(features, [self._defense(key, 0) for key in DEFENSES])

    def fit(self, key: str, assumed: int) -> tuple[np.ndarray, dict[str, Any]]:
        """Mask (n,) of what goes, and k and seconds of the fit."""
        began = time.perf_counter()
        defense = self._defense(key, assumed).fit(self.features, components=self.components)
        return defense.removed_, {"k": defense.record_.get("k"), "seconds": round(time.perf_counter() - began, 3)}

    def _defense(self, key: str, assumed: int) -> Defense:
        return self.config.make_defense(key, assumed).set_params(device=str(self.device))
