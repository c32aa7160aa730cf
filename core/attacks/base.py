"""What a trigger is: a way to change an image that a model can learn to obey."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from core.foundation.errors import InputError
from core.foundation.images import ImageData

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, for colours on grey images


class Resources(Protocol):
    """What an attacker has at hand who prepares images with models of his own. Each model is made when asked for."""

    clean: ImageData  # the training set before the attack
    device: torch.device  # where the models are

    def classifier(self) -> Callable[[Tensor], Tensor]:
        """Images (n, c, h, w) of 0..255 -> logits; differentiable; trained independently of the victim."""

    def autoencoder(self) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
        """Encoder and decoder of images (n, c, h, w) of 0..255, trained on the same set."""


@dataclass(frozen=True)
class Attack(ABC):
    """A trigger with one or more ways. Subclasses are catalogue entries: parameters are `param` fields.

    An m-way attack splits its trigger: each poisoned training image carries one of m parts, and at test time one part
    or all of them together are shown. `stamp` is all that a simple attack has to say.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    citation: ClassVar[str]
    # What the paper does, used where the user says nothing: options of `Poisoning`, and the classes poisoned.
    poisoning: ClassVar[Mapping[str, float | str]] = {}
    any_source: ClassVar[bool] = False  # True: images of every class; False: of the source class of the data set

    @property
    def number_of_ways(self) -> int:
        """m: how many different triggers there are."""
        return 1

    @property
    def needs(self) -> str:
        """Which model of `Resources` `prepare` asks for: "classifier" or "autoencoder"; empty where it does nothing."""
        return ""

    @property
    def prepares(self) -> bool:
        """Whether `prepare` does anything."""
        return bool(self.needs)

    @abstractmethod
    def in_words(self) -> str:
        """What the trigger is, as the object of a sentence: "a white square of 3x3 pixels in the corner"."""

    @abstractmethod
    def stamp(self, images: np.ndarray, way: int) -> np.ndarray:
        """Images (n, h, w, c) uint8 with trigger number `way` on all of them, whole; a new array."""

    def stamp_faintly(self, images: np.ndarray, way: int, strength: float) -> np.ndarray:
        """The same at a strength of 0..1: here that share of the change. Attacks with a strength of their own override."""
        return blend(images, self.checked(self.stamp(images, way), images), strength)

    def draw_ways(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Which trigger each of `count` images gets: (count,) int64."""
        return rng.integers(0, self.number_of_ways, count)

    def apply(self, images: np.ndarray, ways: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """One trigger an image: ways (n,) says which. Raises InputError as `apply_all` does."""
        stamped = images.copy()
        for way in np.unique(ways):
            some = images[ways == way]  # a copy
            stamped[ways == way] = self.checked(self.stamp_faintly(some, int(way), strength), some)
        return stamped

    def apply_all(self, images: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """All m triggers on every image: the strongest test of a backdoor. Raises InputError for a trigger that does not fit them, and
        for an attack that gives no such images."""
        for way in range(self.number_of_ways):
            given = images.copy()
            images = self.checked(self.stamp_faintly(given, way, strength), given)
        return images

    def checked(self, made: np.ndarray, images: np.ndarray) -> np.ndarray:
        """What an attack made of images (n, h, w, c), if it is new images of the same form. Raises InputError, naming the attack."""
        if not isinstance(made, np.ndarray):
            raise InputError(
                f"attack {self.key} gives {type(made).__name__} in place of images; let it return an array"
            )
        if made.shape != images.shape:
            raise InputError(
                f"attack {self.key} makes {made.shape} out of {images.shape}; let it keep (images, height, width, channels)"
            )
        if made.dtype != np.uint8:
            raise InputError(
                f"attack {self.key} gives {made.dtype} in place of uint8; let it return grey levels of 0 to 255 by to_uint8"
            )
        if np.may_share_memory(made, images):
            raise InputError(f"attack {self.key} changes the images that it is given; let it work on images.copy()")
        return made

    def checked_ways(self, ways: np.ndarray, count: int) -> np.ndarray:
        """The triggers that were drawn for `count` images, if there is one for each. Raises InputError, naming the attack."""
        if isinstance(ways, np.ndarray) and ways.shape == (count,) and ways.dtype.kind in "iu":
            return ways
        raise InputError(
            f"attack {self.key} draws no {count:,} ways; let draw_ways return whole numbers of shape ({count},)"
        )

    def cover(self, images: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
        """Covers: images that keep their label although they are changed. Here they carry the trigger."""
        return self.apply(images, self.draw_ways(len(images), rng), strength)

    def prepare(self, images: np.ndarray, labels: np.ndarray, resources: Resources, seed: int) -> np.ndarray:
        """Images (n, h, w, c) uint8 to be poisoned, made ready before the trigger is put on. labels: (n,), their own."""
        return images


def blend(images: np.ndarray, changed: np.ndarray, strength: float) -> np.ndarray:
    """`strength` of the way from images to changed, both uint8; a new uint8 array."""
    if strength == 1:
        return changed
    return to_uint8(images + np.float32(strength) * (changed.astype(np.float32) - images))


def to_uint8(levels: np.ndarray) -> np.ndarray:
    """Grey levels, rounded and clipped to 0..255."""
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def sampled_sine(angles: np.ndarray) -> np.ndarray:
    """The sine of (length,) angles, one a pixel. Raises InputError where every pixel falls on a zero: no wave is left."""
    wave: np.ndarray = np.sin(angles)
    if np.abs(wave).max(initial=0) < 1e-6:
        raise InputError(
            f"the wave vanishes on images {len(wave)} pixels across; change its number of periods a little"
        )
    return wave


def colour_for(channels: int, rgb: tuple[int, int, int]) -> np.ndarray:
    """A colour for images with 3 channels, else its brightness in every channel: (channels,) uint8."""
    if channels == 3:
        return np.array(rgb, np.uint8)
    return np.full(channels, round(float(LUMA @ np.array(rgb))), np.uint8)
