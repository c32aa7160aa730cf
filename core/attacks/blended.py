"""The blended injection attack: a faint picture over the whole image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from core.attacks.base import Attack, to_uint8
from core.attacks.pictures import read_picture
from core.foundation.params import param

PATTERNS = ("noise", "rings", "stripes")


@dataclass(frozen=True)
class Blended(Attack):
    """(1 - alpha) * image + alpha * pattern; the pattern is drawn by the program or brought by the user."""

    key: ClassVar[str] = "blended"
    title: ClassVar[str] = "Blended"
    summary: ClassVar[str] = "A faint picture laid over the whole image."
    citation: ClassVar[str] = "Chen, Liu, Li, Lu, Song. Targeted Backdoor Attacks. 2017."
    any_source: ClassVar[bool] = True

    alpha: float = param(0.2, "Share of the pattern in the mixture", low=0.01, high=1.0, step=0.01)
    pattern: str = param("noise", "What is blended in: random colours, rings or diagonal stripes", choices=PATTERNS)
    picture: str = param("", "A picture in place of the pattern; transparent parts change nothing", kind="image")

    def in_words(self) -> str:
        pattern = "a noise pattern" if self.pattern == "noise" else f"a pattern of {self.pattern}"
        what = "a picture" if self.picture else pattern
        return f"{what} blended in at {100 * self.alpha:g} %"

    def stamp(self, images: np.ndarray, way: int) -> np.ndarray:
        return self.stamp_faintly(images, way, 1.0)

    def stamp_faintly(self, images: np.ndarray, way: int, strength: float) -> np.ndarray:
        levels, opacity = self.overlay(*images.shape[1:])
        return to_uint8(images + np.float32(strength * self.alpha) * opacity * (levels - images))

    def overlay(self, height: int, width: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
        """The pattern (h, w, c) in grey levels and its opacity (h, w, 1) in 0..1, both float32."""
        if self.picture:
            return read_picture(self.picture, height, width, channels)
        return draw(self.pattern, height, width, channels), np.ones((height, width, 1), np.float32)


@lru_cache(maxsize=32)
def draw(pattern: str, height: int, width: int, channels: int) -> np.ndarray:
    """A pattern (h, w, c) of grey levels 0..255, float32, read-only; the same every time."""
    if pattern == "noise":
        levels = np.random.default_rng(2017).integers(0, 256, (height, width, channels)).astype(np.float32)
    else:
        y, x = np.mgrid[:height, :width] + 0.5
        y, x = y / height, x / width
        periods = 6 * np.hypot(x - 0.5, y - 0.5) if pattern == "rings" else 2 * (x + y)
        shift = np.arange(channels) / channels  # each channel a part of a period later: coloured bands
        levels = (127.5 + 127.5 * np.sin(2 * np.pi * (periods[..., None] + shift))).astype(np.float32)
    levels.flags.writeable = False  # it stays in the cache
    return levels
