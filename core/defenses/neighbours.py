"""Disagreement with the labels of the nearest neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from core.defenses.base import Defense
from core.foundation.params import param
from core.robust import remove_top

FEWEST_NEIGHBOURS = 10  # with fewer, a share of disagreeing neighbours is a coarse number
PAIRS_AT_ONCE = 2**24  # distances held in memory: 128 MiB


@dataclass(eq=False, repr=False)
class NeighbourLabels(Defense):
    """Removes the rows whose nearest neighbours carry other labels (Deep k-NN).

    A poison that still lies among the images of its true class is surrounded by other labels. A poison that the model
    has learned to put into a dense cluster of its own is not: its neighbours are poison, with the same false label.
    k must then exceed twice the poisons, for the clean rows around to outvote them; with k empty it does, but the
    cluster must also lie nearer to another class than to its own label's. What trigger and model have moved into the
    midst of the target class is not found by any k.

    Scores, 0 to 1: the share of the k nearest rows (Euclidean, without the row itself) whose label differs. Among equal
    shares, a row whose nearer neighbours differ comes first; that moves the score by less than one neighbour. Rules:
    "budget" removes the `removal_factor * n_poisons` largest; "plurality", the paper's, every row whose own label is
    not the most frequent around it. Rows with no disagreement are never removed, nor any with n_poisons = 0.

    Takes all columns as they are, and compares all pairs of rows: n^2 d operations.
    Peri et al. Deep k-NN Defense against Clean-Label Data Poisoning Attacks. ECCV Workshops 2020.
    """

    key: ClassVar[str] = "neighbours"
    title: ClassVar[str] = "Labels of the neighbours"
    summary: ClassVar[str] = "Asks whether the nearest examples of all classes carry the same label."
    citation: ClassVar[str] = "Peri et al. Deep k-NN Defense. ECCV Workshops 2020."
    needs_labels: ClassVar[bool] = True

    n_neighbors: int | None = param(None, "Neighbours k; empty takes one more than twice the poisons", low=1)
    rule: str = param("budget", "Remove a number of rows, or all that are outvoted", choices=("budget", "plurality"))
    removal_factor: float = param(1.5, "Rows removed for each expected poison, by budget", low=0, high=10)

    def _fit_labelled(self, x: Tensor, labels: np.ndarray) -> None:
        classes, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        asked = self.n_neighbors or max(FEWEST_NEIGHBOURS, 2 * self.n_poisons + 1)
        k = min(asked, len(x) - 1)
        notes = [] if k == asked else [f"k was lowered from {asked} to {k}, for there are {len(x)} rows"]
        if k >= sizes.min():
            notes.append(
                f"k = {k}, but the smallest class has {sizes.min()} rows: most neighbours of its rows must be others"
            )
        self.classes_ = classes
        own = torch.from_numpy(codes).to(x.device)
        around = own[nearest(x, k)]  # (n, k) codes of the labels, nearest first
        scores = _disagreement(around != own[:, None])
        removed = self._verdict(scores, own, around)
        record: dict[str, Any] = {"k": k, "rule": self.rule, "warnings": notes}
        self._set_result(scores, removed, record)

    def _verdict(self, scores: Tensor, own: Tensor, around: Tensor) -> Tensor:
        if not self.n_poisons:
            return torch.zeros_like(scores, dtype=torch.bool)
        if self.rule == "budget":
            return remove_top(scores, round(self.removal_factor * self.n_poisons)) & (scores > 0)
        votes = torch.zeros(len(own), len(self.classes_), device=own.device)
        votes.scatter_add_(1, around, torch.ones_like(around, dtype=votes.dtype))
        return votes.gather(1, own[:, None])[:, 0] < votes.amax(1)  # a tie is no reason to remove


def nearest(x: Tensor, k: int) -> Tensor:
    """The k rows nearest to each row of x (n, d), itself left out, nearest first: (n, k) int64. Needs k < n."""
    rows = x.to(torch.float64)
    rows = rows - rows.mean(0)  # the matrix product in cdist cancels far from the origin
    batch = max(1, PAIRS_AT_ONCE // len(rows))
    found = []
    for start in range(0, len(rows), batch):
        distances = torch.cdist(rows[start : start + batch], rows)
        here = torch.arange(len(distances), device=x.device)
        distances[here, here + start] = torch.inf
        found.append(distances.topk(k, largest=False).indices)
    return torch.cat(found)


def _disagreement(differs: Tensor) -> Tensor:
    """Shares (n,) of disagreeing neighbours (n, k), nearest first, moved by less than 1/k for how near those are."""
    k = differs.shape[1]
    weights = torch.arange(k, 0, -1, dtype=torch.float64, device=differs.device)
    nearness = differs.to(torch.float64) @ weights / weights.sum()  # 0 to 1
    return (differs.sum(1) + nearness) / (k + 1)
