"""How many poisons are there? An estimate from the shape of the scores, for those who do not know.

Not part of SPECTRE: its paper and its published code take the number as known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from core.robust.mixture import TwoGroups, fitted_mixtures, robust_scale, two_groups
from core.robust.pca import Components
from core.robust.spectre import SpectreFit, fit_spectre

SHARES = (0.01, 0.02, 0.04, 0.08, 0.16, 0.25)  # of the rows, assumed poisoned one after the other
# Ashman's D (1994) from which on there are two groups. 2 for plain normal components; the asinh scale makes more of one
# group: of 60 samples of 1,000 rows each, 99 % stay under 2.7 (normal), 2.4 (exponential), 2.2 (lognormal), 4.0 (t, 3 df).
BIMODAL = 3.5
COMPARABLE = 0.75  # share of the best separation from which on another assumed number has a say in the interval
RESAMPLES = 60
AT_ONCE = 2**20  # rows that are drawn before their mixtures are fitted
LOOKS_CLEAN = 0.1  # of the second group, as many poisons again at most lie among the clean rows: up to 6 % on 19 runs


@dataclass(frozen=True)
class Trial:
    """What SPECTRE gives when `poisons` are assumed, and how many rows then form the second group."""

    poisons: int
    k: int
    objective: float
    second_group: float  # rows, the sum of their probabilities
    separation: float  # Ashman's D of the two groups


@dataclass(frozen=True)
class BudgetEstimate:
    """An estimated number of poisons, for a class that is poisoned; it cannot tell whether it is."""

    poisons: int | None  # None where no second group can be told apart
    low: int | None  # ends of the interval
    high: int | None
    chosen: int  # position in trials
    trials: tuple[Trial, ...]
    fit: SpectreFit  # of the chosen trial

    def as_json(self) -> dict[str, Any]:
        """The estimate and every trial as JSON values."""
        return {
            "poisons": self.poisons,
            "low": self.low,
            "high": self.high,
            "chosen": self.chosen,
            "trials": [vars(trial) for trial in self.trials],
        }


def estimate_poisons(
    x: Tensor, *, seed: int = 0, on_trial: Callable[[int, int], None] | None = None, **options: Any
) -> BudgetEstimate:
    """Estimate the number of poisons among the rows of x (n, d) of one class that is known or thought to be poisoned.

    Two-groups model (Efron, "Microarrays, Empirical Bayes and the Two-Groups Model", Statistical Science 2008): along
    the direction that the QUE matrix weighs most, robustly whitened, rows are a mixture of two normal distributions
    (McLachlan and Peel, "Finite Mixture Models", 2000) on the scale of the inverse hyperbolic sine, which tames both
    tails (Johnson, Biometrika 1949). The robust whitening depends on the number that is assumed, so each of SHARES is
    tried, and the one whose two groups are the farthest apart counts (Ashman's D).

    The interval joins the 95 % interval of a bootstrap over the rows with the estimates of all assumed numbers that
    separate the groups nearly as well; above, it allows for poison that lies among the clean rows and is never counted
    (LOOKS_CLEAN). It does not cover a wrong model: a natural second group of a clean class is counted like poison.
    options: see `Settings`. on_trial: called with the number of trials done and their total.
    Raises ValueError as `fit_spectre` does.
    """
    n = len(x)
    assumed = sorted({max(2, round(share * n)) for share in SHARES if round(share * n) <= n / 2} | {min(2, n // 2)})
    fits: list[SpectreFit] = []
    components: Components | None = None
    for poisons in assumed:
        fits.append(fit_spectre(x, poisons, components=components, **options))
        components = fits[-1].components
        if on_trial:
            on_trial(len(fits), len(assumed))
    models = [two_groups(_suspicious_axis(fit)) for fit in fits]
    trials = tuple(
        Trial(fit.poisons, fit.k, fit.best.objective, model.second_group, model.separation)
        for fit, model in zip(fits, models, strict=True)
    )
    chosen = max(range(len(trials)), key=lambda i: trials[i].separation)
    if trials[chosen].separation < BIMODAL or trials[chosen].second_group > n / 2:
        return BudgetEstimate(None, None, None, chosen, trials, fits[chosen])
    counts = _resampled(models[chosen], seed)
    near = [t.second_group for t in trials if t.separation >= COMPARABLE * trials[chosen].separation]
    low, high = np.quantile(counts, [0.025, 0.975])
    return BudgetEstimate(
        poisons=round(trials[chosen].second_group),
        low=int(np.floor(min(low, *near, trials[chosen].second_group))),
        high=int(np.ceil(max(high, *near, (1 + LOOKS_CLEAN) * trials[chosen].second_group))),
        chosen=chosen,
        trials=trials,
        fit=fits[chosen],
    )


def _suspicious_axis(fit: SpectreFit) -> np.ndarray:
    """The rows along the heaviest QUE direction, robustly scaled, the inverse hyperbolic sine of it: (n,)."""
    whitened = fit.best.whiten(fit.components.scores)
    values = (whitened @ fit.best.que.directions[:, 0]).cpu().numpy()
    return np.arcsinh(robust_scale(values))


def _resampled(model: TwoGroups, seed: int) -> np.ndarray:
    """Second groups (RESAMPLES,) of the same rows under mixtures fitted to rows drawn with replacement."""
    rng = np.random.default_rng(seed)
    n = len(model.points)
    counts: list[float] = []
    while len(counts) < RESAMPLES:
        some = min(RESAMPLES - len(counts), max(1, AT_ONCE // n))
        drawn = model.points[rng.integers(0, n, (some, n))]
        counts += [
            float(mixture.upper(model.points).sum()) for mixture in fitted_mixtures(drawn, [model.mixture] * some)
        ]
    return np.array(counts)
