"""What a model must offer: a forward pass and named layers that can be tapped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn


@dataclass(frozen=True)
class Architecture:
    """A kind of network. Subclasses are catalogue entries: parameters are `param` fields."""

    key: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    citation: ClassVar[str]
    default_layer: ClassVar[str]  # where features are tapped unless the user says otherwise

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """A freshly initialised network for images (n, *shape); draws from torch's global generator.

        shape: (channels, height, width), each at least 1. Every network adapts to every size.
        """
        raise NotImplementedError

    @classmethod
    def options_of(cls, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        """The parameters of the network whose weights have these names and shapes, as far as they tell them."""
        return {}

    @classmethod
    def side_of(cls, shapes: Mapping[str, tuple[int, ...]]) -> int | None:
        """Side of the images, in pixels, where the weights fix it."""
        return None

    def layers(self) -> dict[str, str]:
        """The layers that can be tapped, from the input up: name of the submodule -> what it is, in words, with its size: "64 numbers",
        or "16 maps at 1/2 size" (of the image's side)."""
        raise NotImplementedError
