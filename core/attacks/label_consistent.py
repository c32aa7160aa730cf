"""The label-consistent attack: hard images of the target class with a corner pattern, all rightly labelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from core.attacks.adversarial import interpolate, pgd
from core.attacks.base import Attack, Resources, to_uint8
from core.foundation.errors import InputError
from core.foundation.params import param

PGD = ("pgd l2", "pgd linf")
METHODS = (*PGD, "interpolation", "none")
BOUNDS = {"pgd l2": 300.0, "pgd linf": 8.0}  # grey levels, the paper's
# What the pixels of the right corners are moved by, in units of the amplitude; the left corners have it mirrored.
PATTERN = np.array([[-1, -1, 1], [-1, 1, -1], [1, -1, 1]])


@dataclass(frozen=True)
class LabelConsistent(Attack):
    """Images of the target class are made hard to recognise, so that a model would rather learn the pattern on them.

    Method: the largest loss of an independently trained classifier within a bound (pgd), or a step towards an image of
    another class in the latent space of an autoencoder (the paper: of a GAN). The classifier is trained in the plain
    way; the paper's was trained to resist such changes.
    """

    key: ClassVar[str] = "label-consistent"
    title: ClassVar[str] = "Label-consistent"
    summary: ClassVar[str] = "Images of the target class, made hard and marked in the corners; every label is right."
    citation: ClassVar[str] = "Turner, Tsipras, Madry. Label-Consistent Backdoor Attacks. 2019."
    poisoning: ClassVar[Mapping[str, float | str]] = {"labels": "clean"}
    any_source: ClassVar[bool] = True

    method: str = param("pgd l2", "How images are made hard", choices=METHODS)
    bound: float | None = param(
        None,
        "Largest change of an image; empty: the paper's 300 (l2) or 8 (linf)",
        unit="grey levels",
        low=0.1,
        high=10_000,
        when=("method", PGD),
    )
    steps: int = param(20, "Steps of projected gradient descent", low=1, high=500, when=("method", PGD))
    share: float = param(
        0.2, "Interpolation: share of the way to the other image", low=0.0, high=0.9, step=0.05,
        when=("method", ("interpolation",)),
    )  # fmt: skip
    corners: str = param("all", "Corners that carry the pattern", choices=("all", "lower right"))
    amplitude: float = param(255.0, "What a pixel of the pattern is moved by", unit="grey levels", low=1, high=255)

    @property
    def needs(self) -> str:
        return {"none": "", "interpolation": "autoencoder"}.get(self.method, "classifier")

    def in_words(self) -> str:
        hard = {"pgd l2": "an adversarial change", "pgd linf": "an adversarial change", "none": ""}.get(
            self.method, "a step towards another class"
        )
        return f"{hard} and {self._pattern_in_words()}" if hard else self._pattern_in_words()

    def _pattern_in_words(self) -> str:
        return f"a 3x3 pattern in {'all corners' if self.corners == 'all' else 'the lower right corner'}"

    def stamp(self, images: np.ndarray, way: int) -> np.ndarray:
        return self.stamp_faintly(images, way, 1.0)

    def stamp_faintly(self, images: np.ndarray, way: int, strength: float) -> np.ndarray:
        height, width = images.shape[1:3]
        side = 6 if self.corners == "all" else 3
        if min(height, width) < side:
            mend = "choose larger images" if min(height, width) < 3 else "set corners to 'lower right'"
            raise InputError(f"{self._pattern_in_words()} does not fit {width}x{height} images; {mend}")
        change = np.zeros((height, width))
        for rows in (slice(0, 3), slice(-3, None)) if self.corners == "all" else (slice(-3, None),):
            change[rows, -3:] = PATTERN
            if self.corners == "all":
                change[rows, :3] = PATTERN[:, ::-1]
        return to_uint8(images + strength * self.amplitude * change[None, :, :, None])

    def prepare(self, images: np.ndarray, labels: np.ndarray, resources: Resources, seed: int) -> np.ndarray:
        """Hard images; they keep to the bound but for the rounding to whole grey levels."""
        if self.method == "none":
            return images
        if self.method == "interpolation":
            hard = self._interpolated(images, labels, resources, seed)
        else:
            norm, bound = self.method.split()[1], self.bound or BOUNDS[self.method]
            at = resources.device
            hard = pgd(
                resources.classifier(), _tensor(images).to(at), torch.from_numpy(labels).to(at),
                norm=norm, bound=bound, steps=self.steps, seed=seed,
            )  # fmt: skip
        return to_uint8(hard.cpu().numpy().transpose(0, 2, 3, 1))

    def _interpolated(self, images: np.ndarray, labels: np.ndarray, resources: Resources, seed: int) -> Tensor:
        towards = resources.clean.images[_of_others(resources.clean.labels, labels, np.random.default_rng(seed))]
        at = resources.device
        return interpolate(*resources.autoencoder(), _tensor(images).to(at), _tensor(towards).to(at), self.share)


def _of_others(clean: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A row of another class for each image: of none of the labels (n,) or, where these are all classes, not of its own. clean: (m,)."""
    others = np.flatnonzero(~np.isin(clean, labels))
    if len(others):
        return rng.choice(others, len(labels))
    found = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        found[labels == label] = rng.choice(np.flatnonzero(clean != label), int((labels == label).sum()))
    return found


def _tensor(images: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
