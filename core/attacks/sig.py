"""SIG: a sinusoidal signal on images of the target class, whose labels stay right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.attacks.base import Attack, sampled_sine, to_uint8
from core.foundation.params import param


@dataclass(frozen=True)
class SIG(Attack):
    """Adds `delta * sin(2 pi j f / width)` to column j = 0, 1, ..., clipped to 0..255."""

    key: ClassVar[str] = "sig"
    title: ClassVar[str] = "SIG (clean-label wave)"
    summary: ClassVar[str] = "A sine wave on images of the target class, which keep their right label."
    citation: ClassVar[str] = "Barni, Kallas, Tondi. A New Backdoor Attack in CNNs. ICIP 2019."
    poisoning: ClassVar[Mapping[str, float | str]] = {"labels": "clean"}
    any_source: ClassVar[bool] = True

    delta: float = param(20.0, "Height of the wave; the paper has 20 to 40", unit="grey levels", low=1, high=128)
    frequency: float = param(6.0, "Periods across the image; the paper has 6", low=0.5, high=64, step=0.5)

    def in_words(self) -> str:
        return f"a wave across the image (±{self.delta:g} of 255 grey levels)"

    def stamp(self, images: np.ndarray, way: int) -> np.ndarray:
        return self.stamp_faintly(images, way, 1.0)

    def stamp_faintly(self, images: np.ndarray, way: int, strength: float) -> np.ndarray:
        width = images.shape[2]
        wave = strength * self.delta * sampled_sine(2 * np.pi * self.frequency * np.arange(width) / width)
        return to_uint8(images + wave[None, None, :, None])
