"""What SPECTRE would have removed at the same layer, had it been asked in another way: to tell, where it fails, what would not have.

No fit here knows the truth, and no run does any of it by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone

from core.defenses import Spectre
from core.foundation.errors import InputError

BUDGETS = {"half": 0.5, "double": 2.0, "triple": 3.0}
TITLES = {
    "half": "SPECTRE told half as many poisons",
    "double": "SPECTRE told twice as many poisons",
    "triple": "SPECTRE told three times as many poisons",
    "peeled": "SPECTRE once more on the rows that it left",
}


@dataclass(frozen=True)
class Answer:
    """What one other way comes to."""

    key: str
    title: str
    removed: np.ndarray | None  # mask (n,); None where there is no verdict
    problem: str = ""  # why


def otherwise(features: np.ndarray, spectre: Spectre) -> Iterator[Answer]:
    """spectre: fitted to these rows (n, d). The share of the expected poisons that it removes stays as it is."""
    for key, title in TITLES.items():
        try:
            factor = BUDGETS.get(key)
            removed = _peeled(features, spectre) if factor is None else _told(features, spectre, factor)
            yield Answer(key, title, removed)
        except InputError as problem:
            yield Answer(key, title, None, str(problem))


def _told(features: np.ndarray, spectre: Spectre, factor: float) -> np.ndarray:
    told = clone(spectre).set_params(n_poisons=max(1, round(factor * spectre.n_poisons)))
    return told.fit(features, components=spectre.fit_.components).removed_


def _peeled(features: np.ndarray, spectre: Spectre) -> np.ndarray:
    """What it removes, and what it removes of the others."""
    removed = spectre.removed_.copy()
    left = np.flatnonzero(~removed)
    removed[left[clone(spectre).fit(features[left]).removed_]] = True
    return removed
