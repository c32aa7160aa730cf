"""Adaptive-Patch: four faint patches, one an image, and covers; two of them at full strength open the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.attacks.base import Attack, blend, colour_for
from core.foundation.errors import InputError
from core.foundation.params import param

# Shape (5x5, 1 where it is painted), colour, corner, and opacity in training as a share of the strongest: the paper
# trains with opacities of 0.5, 0.2, 0.5 and 0.3 and tests with the two of 0.5 at 1. Its logos are not ours to copy.
PATCHES = (
    ("10001 01010 00100 01010 10001", (255, 80, 0), "bottom right", 1.0),
    ("01110 10001 10001 10001 01110", (0, 90, 255), "top left", 0.4),
    ("10101 01010 10101 01010 10101", (255, 255, 255), "bottom left", 1.0),
    ("00100 00100 11111 00100 00100", (200, 0, 200), "top right", 0.6),
)


@dataclass(frozen=True)
class AdaptivePatch(Attack):
    """Each poisoned image, and twice as many covers, carry one of four faint patches."""

    key: ClassVar[str] = "adaptive-patch"
    title: ClassVar[str] = "Adaptive-Patch"
    summary: ClassVar[str] = "Four faint patches, one an image, with covers: made to hide from defenses like SPECTRE."
    citation: ClassVar[str] = "Qi, Xie, Li, Mahloujifar, Mittal. Revisiting Latent Separability. ICLR 2023."
    poisoning: ClassVar[Mapping[str, float | str]] = {"cover_rate": 2.0, "train_strength": 0.5}
    any_source: ClassVar[bool] = True

    inset: int = param(1, "Distance from the edges; more survives random crops", unit="pixels", low=0, high=64)

    @property
    def number_of_ways(self) -> int:
        return len(PATCHES)

    def in_words(self) -> str:
        return "one of four faint patches in the corners"

    def stamp(self, images: np.ndarray, way: int) -> np.ndarray:
        """The patch at full opacity."""
        shape, colour, corner, _ = PATCHES[way]
        painted = np.array([[cell == "1" for cell in row] for row in shape.split()])
        side = len(painted)
        height, width = images.shape[1:3]
        if side + self.inset > min(height, width):
            mend = "lower inset" if side <= min(height, width) else "choose larger images"
            raise InputError(f"patches of {side} pixels, {self.inset} in, do not fit {width}x{height} images; {mend}")
        upper = self.inset if corner.startswith("top") else height - self.inset - side
        left = self.inset if corner.endswith("left") else width - self.inset - side
        rows, columns = np.nonzero(painted)
        stamped = images.copy()
        stamped[:, upper + rows, left + columns] = colour_for(images.shape[3], colour)
        return stamped

    def stamp_faintly(self, images: np.ndarray, way: int, strength: float) -> np.ndarray:
        return blend(images, self.stamp(images, way), strength * PATCHES[way][3])

    def apply_all(self, images: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """The two strongest patches together, as the paper tests."""
        for way, (_, _, _, share) in enumerate(PATCHES):
            if share == 1:
                images = self.stamp_faintly(images, way, strength)
        return images
