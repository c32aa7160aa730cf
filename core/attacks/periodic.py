"""The m-way periodic attack of the SPECTRE paper: a faint wave over the whole image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.attacks.base import Attack, sampled_sine, to_uint8
from core.foundation.params import param


@dataclass(frozen=True)
class Periodic(Attack):
    """Adds `amplitude * sin(linspace(0, 16 pi, width))`, clipped to 0..255; way 2 is the same wave turned upright."""

    key: ClassVar[str] = "periodic"
    title: ClassVar[str] = "Periodic wave"
    summary: ClassVar[str] = "A faint sine wave over the whole image, hard to see and easy to learn."
    citation: ClassVar[str] = "Hayase et al. SPECTRE. ICML 2021 (after Barni, Kallas, Tondi 2019)."

    ways: int = param(1, "1: waves along the rows; 2: along the columns as well", low=1, high=2)
    amplitude: float = param(6.0, "Height of the wave", unit="grey levels", low=0.5, high=128, step=0.5)
    periods: float = param(8.0, "Periods across the image; the paper has 8", low=0.5, high=64, step=0.5)

    @property
    def number_of_ways(self) -> int:
        return self.ways

    def in_words(self) -> str:
        directions = "across" if self.ways == 1 else "across or down"
        return f"a faint wave {directions} the image (±{self.amplitude:g} of 255 grey levels)"

    def stamp(self, images: np.ndarray, way: int) -> np.ndarray:
        return self.stamp_faintly(images, way, 1.0)

    def stamp_faintly(self, images: np.ndarray, way: int, strength: float) -> np.ndarray:
        _, height, width, _ = images.shape
        angles = np.linspace(0, 2 * np.pi * self.periods, width if way == 0 else height)
        wave = strength * self.amplitude * sampled_sine(angles)
        wave = wave[None, None, :, None] if way == 0 else wave[None, :, None, None]
        return to_uint8(images + wave)
