"""Labelled images: what every data set turns into, and what attacks and training work on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from core.foundation.errors import InputError

MAX_CHANNELS = 64  # above this, an axis is far likelier a height or a width than channels


@dataclass(frozen=True)
class ImageData:
    """Labelled images. Row `i` of a training set is example `i` everywhere in the product."""

    images: np.ndarray  # (n, height, width, channels) uint8; any height and width from 1, channels 1..MAX_CHANNELS
    labels: np.ndarray  # (n,) int64, 0..len(class_names)-1
    class_names: tuple[str, ...]
    sources: np.ndarray | None = (
        None  # (n,) str: where each came from, as its owner calls it; None where that is not known
    )

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise InputError(
                f"images must be (n, height, width, channels) uint8, not {self.images.shape} {self.images.dtype}"
            )
        _, height, width, channels = self.images.shape
        if not (height and width):
            raise InputError(f"images must be at least 1x1 pixels, not {width}x{height}")
        if not 1 <= channels <= MAX_CHANNELS:
            raise InputError(f"images must have 1 to {MAX_CHANNELS} channels, not {channels}")
        if self.labels.ndim != 1:
            raise InputError(f"labels must be (n,), not {self.labels.shape}")
        if len(self.images) != len(self.labels):
            raise InputError(f"{len(self.images)} images but {len(self.labels)} labels")
        if self.sources is not None and self.sources.shape != self.labels.shape:
            raise InputError(f"{len(self.labels)} images, but {self.sources.shape} sources")
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.class_names):
            raise InputError(f"labels must lie between 0 and {len(self.class_names) - 1}")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of one image, as networks have it."""
        _, height, width, channels = self.images.shape
        return channels, height, width

    def with_channels(self, channels: int) -> ImageData:
        """The same images with that many channels where they had 1. Raises InputError where they had others."""
        if self.images.shape[3] == channels:
            return self
        if self.images.shape[3] != 1:
            raise InputError(f"images with {self.images.shape[3]} channels cannot become images with {channels}")
        return replace(self, images=np.repeat(self.images, channels, axis=3))

    def take(self, rows: np.ndarray) -> ImageData:
        """The rows of a mask or an index array, in that order."""
        sources = None if self.sources is None else self.sources[rows]
        return ImageData(self.images[rows], self.labels[rows], self.class_names, sources)


@dataclass(frozen=True)
class LeftOut:
    """What was found and not used."""

    what: str
    count: int
    why: str


@dataclass(frozen=True)
class Reading:
    """What was decided when a set was read."""

    kind: str = ""  # key of the source
    split: str = "given"  # whether the test images are a part of the set ("given") or a share held out ("made")
    columns: tuple[str, str] | None = None  # of the images and of the labels, where they are in a table
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class Split:
    """A data set cut in two: what a model learns from, and what it is judged on."""

    train: ImageData
    test: ImageData
    flip: bool  # True where a mirrored image keeps its meaning (photographs: yes; digits and signs: no)
    notes: tuple[str, ...] = ()  # one plain sentence each for what the user must know of how the images were read
    reading: Reading = field(default_factory=Reading)
