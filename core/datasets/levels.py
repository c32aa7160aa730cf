"""Which numbers are black and white? Decided once for a whole set, never image by image, and told where it was a guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from core.foundation.errors import InputError

BYTES, WHOLE, FRACTION = "u1", "i", "f"  # kinds of numbers, each with a scale of its own
CHOICES = ("auto", "0..1", "-1..1", "0..255", "0..1023", "0..4095", "0..16383", "0..65535")
_BITS = (8, 10, 12, 14, 16, 24, 31, 32)
_BEYOND = 0.1  # of the range, by which interpolation may overshoot on either side
_CLEARLY = 10  # times as many values inside 0..1 as above 1, or the other way round


@dataclass(frozen=True)
class Ends:
    """What the values of some images are like."""

    low: float
    high: float
    inside: int = 0  # values between 0 and 1, both excluded
    above: int = 0  # values above 1

    @staticmethod
    def of(values: np.ndarray) -> Ends:
        """Of any array of finite numbers that is not empty."""
        if values.dtype.kind != "f":
            return Ends(float(values.min()), float(values.max()))
        inside = int(((values > 0) & (values < 1)).sum())
        return Ends(float(values.min()), float(values.max()), inside, int((values > 1).sum()))

    def with_(self, other: Ends) -> Ends:
        return Ends(
            min(self.low, other.low), max(self.high, other.high), self.inside + other.inside, self.above + other.above
        )


@dataclass(frozen=True)
class Levels:
    """The numbers that become 0 and 255."""

    black: float
    white: float
    note: str = ""

    @property
    def plain(self) -> bool:
        """Whether bytes are left as they are."""
        return (self.black, self.white) == (0, 255)

    def apply(self, values: np.ndarray) -> np.ndarray:
        """uint8 of the same shape; what lies beyond is cut off."""
        scaled = (values.astype(np.float64) - self.black) * (255 / (self.white - self.black))
        return np.rint(scaled).clip(0, 255).astype(np.uint8)


def together(ends: Iterable[Ends]) -> Ends:
    """Of all parts of a set."""
    first, *rest = ends
    for other in rest:
        first = first.with_(other)
    return first


def levels_of(parts: Mapping[str, Ends], kind: str, choice: str = "auto") -> Levels:
    """The levels of images whose values have these ends.

    parts: by what a message calls them. kind: of the numbers: BYTES, other WHOLE ones, or with a FRACTION. choice: one of CHOICES. Raises InputError where no range fits, or two fit equally well.
    """
    ends = together(parts.values())
    if choice != "auto":
        black, white = (float(end) for end in choice.split(".."))
        return Levels(black, white, _told(ends, black, white, chosen=True))
    guess = _of_fractions(parts, ends) if kind == FRACTION else _of_whole_numbers(next(iter(parts)), ends)
    return Levels(*guess, "" if kind != FRACTION and guess == (0, 255) else _told(ends, *guess))


def _told(ends: Ends, black: float, white: float, chosen: bool = False) -> str:
    cut = " and cut off there" if ends.low < black or ends.high > white else ""
    if chosen:
        return (
            f"The values run from {ends.low:g} to {ends.high:g} and were read as {black:g}..{white:g}, as asked{cut}."
        )
    return (
        f"The values run from {ends.low:g} to {ends.high:g} and were read as {black:g}..{white:g}{cut}; "
        "if that is wrong, set dataset.levels."
    )


def _of_whole_numbers(name: str, ends: Ends) -> tuple[float, float]:
    """As many bits as the largest number needs, of those that cameras and files have; 0 and 1 alone are black and white."""
    if ends.low < 0:
        raise _beyond(name, ends)
    if 0 < ends.high <= 1:
        return 0, 1
    return 0, next(2.0**bits - 1 for bits in _BITS if ends.high < 2.0**bits or bits == _BITS[-1])


def _of_fractions(parts: Mapping[str, Ends], ends: Ends) -> tuple[float, float]:
    name = next(iter(parts))
    if -1 - _BEYOND <= ends.low < -_BEYOND and 0.5 < ends.high <= 1 + _BEYOND and ends.low < -0.5:
        return -1, 1
    if ends.low < -_BEYOND * max(ends.high, 1):
        raise _beyond(name, ends)
    _check_alike(parts)
    if ends.high <= 1 or ends.inside > _CLEARLY * ends.above:
        return 0, 1
    if ends.above <= _CLEARLY * ends.inside:
        raise InputError(
            f"'{name}' runs from {ends.low:g} to {ends.high:g}, which may be 0..1 with a few values beyond, or 0..255; "
            "say which: --set dataset.levels=0..1 or 0..255"
        )
    if ends.high <= 255 * (1 + _BEYOND):
        return 0, 255
    return _of_whole_numbers(name, Ends(0, ends.high))


def _check_alike(parts: Mapping[str, Ends]) -> None:
    """Raise InputError where one part is in 0..1 and another is not: one scale would leave the first all black."""
    unit = [name for name, ends in parts.items() if ends.high <= 1 and ends.inside]
    other = [name for name, ends in parts.items() if ends.above > _CLEARLY * ends.inside]
    if unit and other:
        raise InputError(
            f"'{unit[0]}' runs from {parts[unit[0]].low:g} to {parts[unit[0]].high:g}, '{other[0]}' to "
            f"{parts[other[0]].high:g}; bring all images to one scale, best whole numbers in 0..255"
        )


def _beyond(name: str, ends: Ends) -> InputError:
    return InputError(
        f"'{name}' runs from {ends.low:g} to {ends.high:g}; images must lie in 0..1 or 0..255, so undo any "
        "normalisation first, or say what is black and white: --set dataset.levels=-1..1"
    )
