"""Spectral signatures: the baseline that the paper calls PCA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from core.defenses.base import Defense, top_components
from core.foundation.params import param
from core.robust import Components, remove_top


@dataclass(eq=False, repr=False)
class SpectralSignatures(Defense):
    """Removes the rows that lie farthest from the centre along the first principal component."""

    key: ClassVar[str] = "spectral"
    title: ClassVar[str] = "Spectral signatures"
    summary: ClassVar[str] = "Looks along the one direction of largest variance, without whitening."
    citation: ClassVar[str] = "Tran, Li, Madry. Spectral Signatures in Backdoor Attacks. NeurIPS 2018."

    removal_factor: float = param(1.5, "Rows removed for each expected poison", low=0, high=10)

    @property
    def components_wanted(self) -> int:
        return 1

    def _fit(self, x: Tensor, given: Components | None) -> None:
        self.components_ = top_components(x, 1, given).require_spread()
        scores = self.components_.scores[:, 0].abs()  # centred: several public versions forget it
        removed = remove_top(scores, round(self.removal_factor * self.n_poisons))
        self._set_result(scores, removed, {"k": 1, "variance": float(self.components_.variances[0])})

    def _suspicion(self, x: Tensor) -> Tensor:
        return self.components_.project(x)[:, 0].abs()
