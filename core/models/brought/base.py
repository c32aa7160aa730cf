"""What every brought network offers: its layers, one of them suggested, and a module that gives the output of one."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from torch import nn

from core.foundation.errors import InputError

Statistics = tuple[list[float], list[float]]  # mean and deviation of each channel, of images in 0..1
IMAGENET: Statistics = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
PRESETS = ("auto", "imagenet", "none")


@dataclass(frozen=True)
class Layer:
    """A place where features can be tapped."""

    name: str
    kind: str  # the class of the module, or the operator of the node
    shape: tuple[int, ...]  # of its output for one image
    main: bool  # a block, or a layer of the network itself: shown even where the list is short

    @property
    def pooled(self) -> int:
        """Numbers a row, averaged over positions or tokens."""
        positions, channels = position_axes(self.shape)
        return self.shape[channels] if positions else self.flat

    @property
    def flat(self) -> int:
        """Numbers a row, all of them side by side."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Taps:
    """The layers of a network, from the input up."""

    layers: tuple[Layer, ...]
    suggested: str
    why: str  # in one sentence

    def chosen(self, name: str) -> Layer:
        """The layer of that name, the suggested one for none. Raises InputError."""
        for layer in self.layers:
            if layer.name == (name or self.suggested):
                return layer
        raise InputError(
            f"the model has no layer '{name}' that can be tapped; `layers` lists them, {self.suggested} is suggested"
        )

    def as_json(self) -> list[dict[str, Any]]:
        """A mapping each: name, kind, shape for one image, numbers a row (numbers, and flat with all), main, suggested."""
        return [
            {
                "name": layer.name, "kind": layer.kind, "shape": list(layer.shape), "numbers": layer.pooled,
                "flat": layer.flat, "main": layer.main, "suggested": layer.name == self.suggested,
            }
            for layer in self.layers
        ]  # fmt: skip


class Network(ABC):
    """A network that takes square images of float32 (n, channels, size, size)."""

    title: str
    size: int
    channels: int
    batch: int | None = None  # images that it takes at a time, where it takes no other number
    on_cpu: bool = False  # whether it runs nowhere else
    statistics: Statistics

    @abstractmethod
    def taps(self) -> Taps:
        """Its layers, found by a forward pass on black images."""

    def normalise(self, preset: str = "auto", mean: str = "", deviation: str = "") -> None:
        """Take other statistics than the model's own, for which `auto` stands. Raises InputError.

        preset: auto, imagenet or none. mean, deviation: numbers with commas, of images in 0..1; both or neither.
        """
        if preset not in PRESETS:
            raise InputError(f"--normalise {preset} is not one of {', '.join(PRESETS)}")
        if bool(mean) != bool(deviation):
            raise InputError("give both --mean and --std, or neither")
        if mean:
            self.statistics = self._numbers(mean, "--mean"), self._numbers(deviation, "--std")
            if min(self.statistics[1]) <= 0:
                raise InputError(f"--std {deviation} must be above 0")
        elif preset == "imagenet":
            if self.channels != 3:
                raise InputError(f"{self.title} takes {self.channels} channels, ImageNet has 3; give --mean and --std")
            self.statistics = IMAGENET
        elif preset == "none":
            self.statistics = ([0.0] * self.channels, [1.0] * self.channels)

    def _numbers(self, text: str, option: str) -> list[float]:
        try:
            found = [float(part) for part in text.split(",")]
        except ValueError:
            found = []
        if len(found) != self.channels or not all(map(math.isfinite, found)):
            raise InputError(f"{option} {text} must be {self.channels} numbers with commas between them")
        return found

    @abstractmethod
    def tapped(self, layer: str) -> tuple[nn.Module, str]:
        """A module, and the name of its submodule whose output is the layer's: "" for the module itself."""


def position_axes(shape: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """Axes of the positions, and the axis of the channels, in the output for one image.

    Maps (c, h, w), or (h, w, c) as in Swin: images are square, so the two sides that are equal are height and width.
    Tokens (t, d). Other shapes have no positions.
    """
    if len(shape) == 3:
        return ((0, 1), 2) if shape[0] == shape[1] != shape[2] else ((1, 2), 0)
    return ((0,), 1) if len(shape) == 2 else ((), 0)
