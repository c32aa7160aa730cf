"""WaNet: the trigger is a slight, smooth warp of the image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from core.attacks.base import Attack
from core.foundation.params import param
from core.foundation.tensors import batch_for

BATCH = 1024  # images of 32x32 at a time


@dataclass(frozen=True)
class WaNet(Attack):
    """Pixels move by a random field of grid x grid vectors, smoothed over the image; covers move by other fields.

    Without the covers (the paper's noise mode) a model learns that any warp is the trigger, not this one. The paper
    warps anew in every batch; here the training set is poisoned once, as by somebody who only supplies data.
    """

    key: ClassVar[str] = "wanet"
    title: ClassVar[str] = "WaNet (warp)"
    summary: ClassVar[str] = "A slight warp of the whole image, nearly invisible."
    citation: ClassVar[str] = "Nguyen, Tran. WaNet: Imperceptible Warping-based Backdoor Attack. ICLR 2021."
    poisoning: ClassVar[Mapping[str, float | str]] = {"cover_rate": 2.0}
    any_source: ClassVar[bool] = True

    warp: float = param(0.5, "How far pixels move on average; the paper has 0.5", unit="half pixels", low=0.1, high=8)
    grid: int = param(4, "Vectors a side from which the field is smoothed; the paper has 4", low=2, high=16)
    field: int = param(0, "Number of the random field", low=0, high=2**31 - 1)

    def in_words(self) -> str:
        return f"a slight warp (pixels move by about {self.warp / 2:g} of their width)"

    def stamp(self, images: np.ndarray, way: int) -> np.ndarray:
        return self.stamp_faintly(images, way, 1.0)

    def stamp_faintly(self, images: np.ndarray, way: int, strength: float) -> np.ndarray:
        grid = self._grid(images.shape[1], images.shape[2], strength)
        warped = np.empty_like(images)
        for part in _batches(images):
            warped[part] = _warp(images[part], grid.expand(len(images[part]), -1, -1, -1))
        return warped

    def cover(self, images: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
        """The trigger's warp with noise of up to half a pixel in each direction on top, another for every image."""
        height, width = images.shape[1:3]
        grid = self._grid(height, width, strength)
        warped = np.empty_like(images)
        for part in _batches(images):
            noise = torch.from_numpy(2 * rng.random((len(images[part]), height, width, 2), np.float32) - 1)
            warped[part] = _warp(images[part], grid + noise / torch.tensor([width, height]))
        return warped

    def _grid(self, height: int, width: int, strength: float) -> Tensor:
        """Where each pixel is taken from, (h, w, 2) with x before y, from -1 to 1 between the centres of the corners."""
        dice = torch.Generator().manual_seed(self.field)
        vectors = torch.rand(1, 2, self.grid, self.grid, generator=dice) * 2 - 1
        smooth = F.interpolate(vectors / vectors.abs().mean(), (height, width), mode="bicubic", align_corners=True)
        moved = smooth[0].permute(1, 2, 0) * self.warp * strength / torch.tensor([width, height])
        y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
        return (torch.stack([x, y], 2) + moved).clamp(-1, 1)


def _batches(images: np.ndarray) -> list[slice]:
    size = batch_for(images, at_32=BATCH)
    return [slice(start, start + size) for start in range(0, len(images), size)]


def _warp(images: np.ndarray, grids: Tensor) -> np.ndarray:
    """Images (n, h, w, c) uint8 sampled at grids (n, h, w, 2), bilinear."""
    levels = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    sampled = F.grid_sample(levels, grids.clamp(-1, 1), mode="bilinear", align_corners=True)
    warped: np.ndarray = sampled.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return warped
