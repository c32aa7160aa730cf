"""The class whose centre is nearest, under one robust covariance within the classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from core.defenses.base import Defense
from core.foundation.errors import InputError
from core.foundation.params import param
from core.robust import principal_components, remove_top, robust_discriminant

ALIKE = "all rows of each class"
ROWS_PER_COMPONENT = 4  # beyond the centres; with fewer, the covariance fits the rows it is made of


@dataclass(eq=False, repr=False)
class RobustDiscriminant(Defense):
    """Removes the rows that lie nearer to the centre of another class than to that of their own (robust LDA).

    Centres are medians, distances are measured by a covariance pooled over all classes, of which the outermost tenth of the
    rows is left out, three rounds long. Label errors and dirty-label poison lie with the class that they come from as long
    as the features say more of the picture than of the label. Blind to clean labels, and to poison that the model has moved
    out of its source class. Says nothing of a pair of classes that overlap: on photographs thousands of clean rows lie nearer
    to another class.

    Scores: how far a row lies beyond the middle between the two centres, along the line that joins them, in deviations of
    the rows within a class; above 0 where another class is nearer. Rules: "budget" removes the `removal_factor * n_poisons`
    largest; "nearest" every row. Rows nearest to their own class are never removed, nor any with n_poisons = 0.
    `classes_` (c,), `sources_` (n,): the label of the nearest other class of each row.

    Hawkins and McLachlan, "High-Breakdown Linear Discriminant Analysis", JASA 1997; on features of networks: Lee et al.,
    "Robust Inference via Generative Classifiers for Handling Noisy Labels", ICML 2019 (who reweight the rows of each class
    by a minimum covariance determinant of its own).
    """

    key: ClassVar[str] = "discriminant"
    title: ClassVar[str] = "Robust discriminant"
    summary: ClassVar[str] = (
        "Asks whether an example lies nearer to the centre of another class than to that of its own."
    )
    citation: ClassVar[str] = "Hawkins and McLachlan. High-Breakdown Linear Discriminant Analysis. JASA 1997."
    needs_labels: ClassVar[bool] = True

    n_components: int = param(128, "Principal components of all rows", low=1, high=1000)
    rule: str = param(
        "budget", "Remove a number of rows, or all that lie nearer to another class", choices=("budget", "nearest")
    )
    removal_factor: float = param(1.5, "Rows removed for each expected poison, by budget", low=0, high=10)

    def _fit_labelled(self, x: Tensor, labels: np.ndarray) -> None:
        classes, codes = np.unique(labels, return_inverse=True)
        limit = max(1, (len(x) - len(classes)) // ROWS_PER_COMPONENT)
        components = principal_components(x, min(self.n_components, limit, *x.shape)).require_spread(ALIKE)
        scores = components.first(components.rank).scores
        index = torch.from_numpy(codes).to(x.device)
        try:
            against = robust_discriminant(scores, index, len(classes))
        except ValueError:  # no class has rows that differ
            raise InputError(f"{ALIKE} are equal, so there is nothing to tell them apart by") from None
        margin = against.margin
        removed = torch.zeros_like(margin, dtype=torch.bool)
        if self.n_poisons:
            removed = margin > 0
            if self.rule == "budget":
                removed &= remove_top(margin, round(self.removal_factor * self.n_poisons))
        self.classes_ = classes
        self.sources_ = classes[against.nearest.cpu().numpy()]
        record: dict[str, Any] = {
            "k": components.rank,
            "rule": self.rule,
            "nearer_to_another": int((margin > 0).sum()),
            "warnings": _notes(self.n_components, limit),
        }
        self._set_result(margin, removed, record)


def _notes(asked: int, limit: int) -> list[str]:
    return [f"k was lowered from {asked} to {limit}, a quarter of the rows"] if limit < asked else []
