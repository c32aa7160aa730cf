"""Labelled images: what every data set turns into, and what attacks and training work on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import InputError


@dataclass(frozen=True)
class ImageData:
    """Labelled images. Row `i` of a training set is example `i` everywhere in the product."""

    images: np.ndarray  # (n, height, width, channels) uint8, channels 1 or 3
    labels: np.ndarray  # (n,) int64, 0..len(class_names)-1
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise InputError(
                f"images must be (n, height, width, channels) uint8, not {self.images.shape} {self.images.dtype}"
            )
        if self.images.shape[3] not in (1, 3):
            raise InputError(f"images must have 1 or 3 channels, not {self.images.shape[3]}")
        if len(self.images) != len(self.labels):
            raise InputError(f"{len(self.images)} images but {len(self.labels)} labels")
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.class_names):
            raise InputError(f"labels must lie between 0 and {len(self.class_names) - 1}")

    def __len__(self) -> int:
        return len(self.labels)

    def with_channels(self, channels: int) -> ImageData:
        """The same images with 3 channels where they had 1."""
        if self.images.shape[3] == channels:
            return self
        return ImageData(np.repeat(self.images, channels, axis=3), self.labels, self.class_names)

    def take(self, rows: np.ndarray) -> ImageData:
        """The rows of a mask or an index array, in that order."""
        return ImageData(self.images[rows], self.labels[rows], self.class_names)


@dataclass(frozen=True)
class Split:
    """A data set cut in two: what a model learns from, and what it is judged on."""

    train: ImageData
    test: ImageData
    flip: bool  # True where a mirrored image keeps its meaning (photographs: yes; digits and signs: no)
