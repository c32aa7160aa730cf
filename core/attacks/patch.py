"""A small square, or a picture, at one place: the trigger of BadNets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.attacks.base import Attack, colour_for, to_uint8
from core.attacks.pictures import parse_colour, read_picture
from core.foundation.errors import InputError
from core.foundation.params import param

PLACES = ("bottom right", "bottom left", "top right", "top left", "centre", "at x, y")
AT = ("place", ("at x, y",))  # the place that x and y are for


@dataclass(frozen=True)
class Patch(Attack):
    """A filled rectangle, or a picture with or without transparency, at the same place in every image."""

    key: ClassVar[str] = "patch"
    title: ClassVar[str] = "Patch (BadNets)"
    summary: ClassVar[str] = "A small square, or a picture of yours, like a sticker at one place."
    citation: ClassVar[str] = "Gu, Dolan-Gavitt, Garg. BadNets. 2017."

    size: int = param(3, "Width of the patch", unit="pixels", low=1, high=256)
    height: int | None = param(None, "Height of the patch; empty: as wide", unit="pixels", low=1, high=256)
    place: str = param("bottom right", "Where it is put", choices=PLACES)
    inset: int = param(
        1, "Distance from the edges of a corner; more survives random crops", unit="pixels", low=0, high=256,
        when=("place", PLACES[:4]),
    )  # fmt: skip
    x: int = param(0, "Left edge, where the place is 'at x, y'", unit="pixels", low=0, high=4095, when=AT)
    y: int = param(0, "Upper edge, where the place is 'at x, y'", unit="pixels", low=0, high=4095, when=AT)
    colour: str = param("white", "Colour of the square: a name or #rrggbb", kind="colour")
    picture: str = param("", "A picture in place of the square; transparent parts stay transparent", kind="image")

    def __post_init__(self) -> None:
        parse_colour(self.colour)

    def in_words(self) -> str:
        what = "picture" if self.picture else f"{self.colour} {'square' if self._tall == self.size else 'rectangle'}"
        where = {"at x, y": f"at ({self.x}, {self.y})", "centre": "in the centre"}.get(
            self.place, f"at the {self.place}"
        )
        return f"a {what} of {self.size}x{self._tall} pixels {where}"

    @property
    def _tall(self) -> int:
        return self.height or self.size

    def stamp(self, images: np.ndarray, way: int) -> np.ndarray:
        rows, columns = self._where(*images.shape[1:3])
        stamped = images.copy()
        if self.picture:
            levels, opacity = read_picture(self.picture, self._tall, self.size, images.shape[3])
            under = images[:, rows, columns]
            stamped[:, rows, columns] = to_uint8(under + opacity * (levels - under))
        else:
            stamped[:, rows, columns] = colour_for(images.shape[3], parse_colour(self.colour))
        return stamped

    def _where(self, height: int, width: int) -> tuple[slice, slice]:
        """The rows and columns that the patch covers. Raises InputError where it does not fit."""
        edge = 0 if self.place in ("centre", "at x, y") else self.inset
        left = {"at x, y": self.x, "centre": (width - self.size) // 2}.get(self.place, edge)
        upper = {"at x, y": self.y, "centre": (height - self._tall) // 2}.get(self.place, edge)
        if self.place.startswith("bottom"):
            upper = height - self._tall - edge
        if self.place.endswith("right"):
            left = width - self.size - edge
        if min(left, upper) < 0 or left + self.size > width or upper + self._tall > height:
            size = f"{self.size} pixels" if self._tall == self.size else f"{self.size}x{self._tall} pixels"
            where = f"at ({self.x}, {self.y})" if self.place == "at x, y" else f"{edge} in"
            raise InputError(f"a patch of {size}, {where}, does not fit {width}x{height} images; make it smaller")
        return slice(upper, upper + self._tall), slice(left, left + self.size)
