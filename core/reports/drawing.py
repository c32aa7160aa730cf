"""Figures as a few kinds of strokes, laid out once and drawn by `svg` and `pdf` alike. Units are points; y grows downwards."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

SHAPES = {"rest": "dot", "poison": "diamond", "odd": "square", "clean": "dot", "elsewhere": "ring"}


@dataclass(frozen=True)
class Line:
    """From (x1, y1) to (x2, y2). kind: grid, axis or cut."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: str = "grid"


@dataclass(frozen=True)
class Box:
    """A filled rectangle in the colour of a role; framed: with a dark outline."""

    x: float
    y: float
    width: float
    height: float
    role: str
    framed: bool = False


@dataclass(frozen=True)
class Label:
    """Words that begin, end or have their middle at x, on the line y."""

    x: float
    y: float
    text: str
    anchor: str = "start"  # start, middle, end
    kind: str = ""  # "", quiet, strong
    turned: bool = False  # a quarter to the left


@dataclass(frozen=True)
class Dots:
    """Points (m, 2) of one role; shape: of SHAPES, or "tick" for a rug, or "frame" for a dark ring round a point."""

    points: np.ndarray
    role: str
    shape: str
    size: float = 2.4


Stroke = Line | Box | Label | Dots


@dataclass(frozen=True)
class Drawing:
    """A figure. views: strokes of which one set is shown at a time."""

    width: float
    height: float
    strokes: Sequence[Stroke]
    views: Mapping[str, Sequence[Stroke]] = field(default_factory=dict)
    first: str = ""


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers from low to high, about `count` of them."""
    if not high > low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def told(value: float) -> str:
    """A number beside an axis."""
    if value and (abs(value) >= 1e5 or abs(value) < 1e-3):
        return f"{value:.0e}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
    return f"{value:,.6g}".replace("-", "−")
