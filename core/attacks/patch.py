"""A small square in a corner: the trigger of BadNets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.attacks.base import Attack, colour_for
from core.errors import InputError
from core.params import param

COLOURS = {"white": (255, 255, 255), "yellow": (255, 230, 0), "red": (220, 0, 0), "black": (0, 0, 0)}
CORNERS = ("bottom right", "bottom left", "top right", "top left")


@dataclass(frozen=True)
class Patch(Attack):
    """A filled square near a corner, like a sticker."""

    key: ClassVar[str] = "patch"
    title: ClassVar[str] = "Corner patch"
    summary: ClassVar[str] = "A small filled square near a corner, like a sticker."
    citation: ClassVar[str] = "Gu, Dolan-Gavitt, Garg. BadNets. 2017."

    size: int = param(3, "Side of the square", unit="pixels", low=1, high=64)
    inset: int = param(1, "Distance from the edge; more survives random crops", unit="pixels", low=0, high=64)
    corner: str = param("bottom right", "Which corner", choices=CORNERS)
    colour: str = param("white", "Colour of the square", choices=tuple(COLOURS))

    def in_words(self) -> str:
        return f"a {self.colour} square of {self.size}x{self.size} pixels at the {self.corner}"

    def stamp(self, images: np.ndarray, way: int) -> np.ndarray:
        _, height, width, channels = images.shape
        if self.size + self.inset > min(height, width):
            raise InputError(
                f"a patch of {self.size} pixels, {self.inset} in, does not fit {width}x{height} images; make it smaller"
            )
        near, far = self.inset, self.inset + self.size
        rows = slice(near, far) if self.corner.startswith("top") else slice(height - far, height - near)
        columns = slice(near, far) if self.corner.endswith("left") else slice(width - far, width - near)
        stamped = images.copy()
        stamped[:, rows, columns] = colour_for(channels, COLOURS[self.colour])
        return stamped
