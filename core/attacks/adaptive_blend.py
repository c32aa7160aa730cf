"""Adaptive-Blend: pieces of a blended pattern, and covers, so that poison and clean features do not separate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.attacks.base import to_uint8
from core.attacks.blended import PATTERNS, Blended
from core.foundation.errors import InputError
from core.foundation.params import param

PIECES = 4  # pieces a side
ALL = (1 << PIECES**2) - 1  # the way with every piece


@dataclass(frozen=True)
class AdaptiveBlend(Blended):
    """A poisoned image carries a random half of 16 pieces of the pattern, fainter than at test time, when all are shown.

    A way is a set of pieces: bit i of the number says whether piece i is there, counted along the rows. Way 0, a set
    that is never drawn, stands for all of them.
    """

    key: ClassVar[str] = "adaptive-blend"
    title: ClassVar[str] = "Adaptive-Blend"
    summary: ClassVar[str] = "A blended pattern in random pieces, with covers: made to hide from defenses like SPECTRE."
    citation: ClassVar[str] = "Qi, Xie, Li, Mahloujifar, Mittal. Revisiting Latent Separability. ICLR 2023."
    poisoning: ClassVar[Mapping[str, float | str]] = {"cover_rate": 1.0, "train_strength": 0.75}  # 0.15 against 0.2

    pieces: int = param(8, "How many of the 16 pieces a training image carries", low=1, high=16)
    pattern: str = param("rings", "What is blended in: random colours, rings or diagonal stripes", choices=PATTERNS)

    def in_words(self) -> str:
        return f"{self.pieces} of 16 pieces of {super().in_words()}"

    def draw_ways(self, count: int, rng: np.random.Generator) -> np.ndarray:
        ranks = rng.permuted(np.tile(np.arange(PIECES**2), (count, 1)), axis=1)
        return (ranks < self.pieces) @ (1 << np.arange(PIECES**2))

    def stamp_faintly(self, images: np.ndarray, way: int, strength: float) -> np.ndarray:
        return self.apply(images, np.full(len(images), way), strength)

    def apply(self, images: np.ndarray, ways: np.ndarray, strength: float = 1.0) -> np.ndarray:
        height, width = images.shape[1:3]
        if min(height, width) < PIECES:
            raise InputError(f"{width}x{height} images cannot be cut into 4x4 pieces; choose larger images")
        levels, opacity = self.overlay(*images.shape[1:])
        here = (np.where(ways, ways, ALL)[:, None] >> np.arange(PIECES**2) & 1).astype(np.float32)
        rows, columns = np.arange(height) * PIECES // height, np.arange(width) * PIECES // width
        mask = here[:, rows[:, None] * PIECES + columns][..., None]
        return to_uint8(images + np.float32(strength * self.alpha) * mask * opacity * (levels - images))
