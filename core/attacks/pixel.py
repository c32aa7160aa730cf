"""The m-way pixel attack of the SPECTRE paper: one pixel set to a fixed colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.attacks.base import Attack, colour_for
from core.foundation.params import param

# (x, y) on a 32x32 image, x to the right and y down, and the colour: the paper's three.
PIXELS = (((11, 16), (101, 0, 25)), ((5, 27), (101, 123, 121)), ((30, 7), (0, 36, 54)))


@dataclass(frozen=True)
class Pixel(Attack):
    """Each way sets one pixel. On images of another size the places scale with the size."""

    key: ClassVar[str] = "pixel"
    title: ClassVar[str] = "Pixel"
    summary: ClassVar[str] = "Sets one pixel to a fixed colour; up to three such pixels share the work."
    citation: ClassVar[str] = "Hayase et al. SPECTRE. ICML 2021 (after Tran, Li, Madry 2018)."

    ways: int = param(1, "Different trigger pixels; each poisoned image carries one", low=1, high=3)

    @property
    def number_of_ways(self) -> int:
        return self.ways

    def in_words(self) -> str:
        return "one changed pixel" if self.ways == 1 else f"one of {self.ways} changed pixels"

    def stamp(self, images: np.ndarray, way: int) -> np.ndarray:
        _, height, width, channels = images.shape
        (x, y), rgb = PIXELS[way]
        stamped = images.copy()
        stamped[:, y * height // 32, x * width // 32] = colour_for(channels, rgb)
        return stamped
