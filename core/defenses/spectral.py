"""Spectral signatures: the baseline that the paper calls PCA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from core.defenses.base import Defense
from core.foundation.errors import InputError
from core.foundation.params import param
from core.robust import principal_components, remove_top


@dataclass(eq=False, repr=False)
class SpectralSignatures(Defense):
    """Removes the rows that lie farthest from the centre along the first principal component."""

    key: ClassVar[str] = "spectral"
    title: ClassVar[str] = "Spectral signatures"
    summary: ClassVar[str] = "Looks along the one direction of largest variance, without whitening."
    citation: ClassVar[str] = "Tran, Li, Madry. Spectral Signatures in Backdoor Attacks. NeurIPS 2018."

    removal_factor: float = param(1.5, "Rows removed for each expected poison", low=0, high=10)

    def _fit(self, x: Tensor) -> None:
        self.components_ = principal_components(x, 1)
        if self.components_.rank == 0:
            raise InputError("all rows are equal, so there is nothing to tell them apart by")
        scores = self.components_.scores[:, 0].abs()  # centred: several public versions forget it
        removed = remove_top(scores, round(self.removal_factor * self.n_poisons))
        self._set_result(scores, removed, {"k": 1, "variance": float(self.components_.variances[0])})

    def _suspicion(self, x: Tensor) -> Tensor:
        return self.components_.project(x)[:, 0].abs()
