"""The pictures of one class, as a page that only shows them reads them: no torch here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.cases.folder import CaseFolder
from core.cases.space import Look
from core.foundation.errors import InputError

AXES = 2


@dataclass(frozen=True)
class ClassView:
    """The rows of a class that were not set aside. nan where a k could not be fitted."""

    label: int
    rows: np.ndarray  # (n,) int64, as the table numbers them
    poisons: np.ndarray  # (b,) int64, ascending, numbers of poisons assumed
    assumed: int  # position of the scan's own among them
    ks: np.ndarray  # (c,) int64, ascending
    chosen: np.ndarray  # (b,) position of the k that the objective chooses
    objective: np.ndarray  # (b, c)
    scores: np.ndarray  # (b, c, n) float32, QUE
    raw: np.ndarray  # (n, 2) first principal components, in deviations of the first
    naive: np.ndarray  # (n, 2) the same, each in its own deviations
    robust: np.ndarray  # (b, c, n, 2) whitened by the trusted rows, along the directions of most excess
    removal_factor: float

    def removed(self, budget: int, k: int) -> np.ndarray:
        """(n,) bool: what SPECTRE removes at those positions."""
        count = round(self.removal_factor * int(self.poisons[budget]))
        scores = self.scores[budget, k]
        mask = np.zeros(len(scores), bool)
        mask[np.argsort(-scores, kind="stable")[:count]] = True
        return mask


def write_view(case: CaseFolder, look: Look, view: ClassView) -> None:
    with case.replacing(_name(look, view.label)) as aside, aside.open("wb") as file:
        np.savez(file, **{name: np.asarray(value) for name, value in vars(view).items()})  # type: ignore[arg-type]


def has_view(case: CaseFolder, look: Look, label: int) -> bool:
    """Whether the class is pictured already."""
    return case.file(_name(look, label)).is_file()


def read_view(case: CaseFolder, look: Look, label: int) -> ClassView:
    """The pictures of a class. Raises InputError where there are none, or they do not fit together."""
    found: dict[str, Any] = case.load_arrays(_name(look, label))
    try:
        view = ClassView(**{**found, **{name: found[name].item() for name in ("label", "assumed", "removal_factor")}})
        n, budgets, ks = len(view.rows), len(view.poisons), len(view.ks)
        shapes = {
            "chosen": (budgets,), "objective": (budgets, ks), "scores": (budgets, ks, n), "robust": (budgets, ks, n, AXES),
            "raw": (n, AXES), "naive": (n, AXES),
        }  # fmt: skip
        fits = all(getattr(view, name).shape == shape for name, shape in shapes.items()) and 0 <= view.assumed < budgets
    except (KeyError, TypeError, ValueError, AttributeError):
        fits = False
    if not fits:
        raise InputError(f"{case.id}: the pictures of class {label} are damaged")
    return view


def _name(look: Look, label: int) -> str:
    return f"{look.folder}/class-{label}.npz"
