"""What a trigger is: a way to change an image that a model can learn to obey."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, for colours on grey images


@dataclass(frozen=True)
class Attack:
    """A trigger with one or more ways. Subclasses are catalogue entries: parameters are `param` fields.

    An m-way attack splits its trigger: each poisoned training image carries one of m parts, and at test time one part
    or all of them together are shown.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    citation: ClassVar[str]

    @property
    def number_of_ways(self) -> int:
        """m: how many different triggers there are."""
        return 1

    def in_words(self) -> str:
        """What the trigger is, as the object of a sentence: "a white square of 3x3 pixels in the corner"."""
        raise NotImplementedError

    def stamp(self, images: np.ndarray, way: int) -> np.ndarray:
        """Images (n, h, w, c) uint8 with trigger number `way` on all of them; a new array."""
        raise NotImplementedError

    def apply(self, images: np.ndarray, ways: np.ndarray) -> np.ndarray:
        """One trigger an image: ways (n,) says which."""
        stamped = images.copy()
        for way in np.unique(ways):
            stamped[ways == way] = self.stamp(images[ways == way], int(way))
        return stamped

    def apply_all(self, images: np.ndarray) -> np.ndarray:
        """All m triggers on every image: the strongest test of a backdoor."""
        for way in range(self.number_of_ways):
            images = self.stamp(images, way)
        return images


def colour_for(channels: int, rgb: tuple[int, int, int]) -> np.ndarray:
    """A colour for images with 3 channels, or its brightness for images with 1: (channels,) uint8."""
    if channels == 3:
        return np.array(rgb, np.uint8)
    return np.array([round(float(LUMA @ np.array(rgb)))], np.uint8)
