"""The ten traffic signs as flat drawings; a sign fills the box [-1, 1] x [-1, 1], y pointing down."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float]
Colour = tuple[int, int, int]

RED: Colour = (200, 16, 32)
WHITE: Colour = (246, 246, 244)
BLACK: Colour = (22, 22, 24)
YELLOW: Colour = (252, 196, 12)
BLUE: Colour = (16, 82, 176)

_SUPERSAMPLING = 6  # PIL draws hard edges; shrinking by this much makes them smooth


class _Canvas:
    """A transparent square to draw on."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.image = Image.new("RGBA", (size, size), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.image)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        self._draw.polygon([self._pixel(p) for p in points], fill=colour)

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        x, y = self._pixel(centre)
        r = radius * self.size / 2
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def stroke(self, points: Sequence[Point], width: float, colour: Colour, *, round_ends: bool = True) -> None:
        """A thick line through the points, with round joints."""
        pixels = round(width * self.size / 2)
        self._draw.line([self._pixel(p) for p in points], fill=colour, width=pixels)
        for point in points if round_ends else points[1:-1]:
            self.disc(point, width / 2, colour)

    def rounded(self, corners: Sequence[Point], radius: float, colour: Colour) -> None:
        """A convex polygon with rounded corners, which reaches `radius` beyond the corners given."""
        self.polygon(corners, colour)
        self.stroke([*corners, corners[0]], 2 * radius, colour)

    def text(self, text: str, centre: Point, width: float, height: float, boldness: float, colour: Colour) -> None:
        """Text stretched to a box, as road signs use narrower letters than the font that Pillow carries.

        boldness: thickness added around each letter, as a share of the font size.
        """
        em = 200
        font = ImageFont.load_default(size=em)
        letters = Image.new("L", (em * (len(text) + 1), 2 * em), 0)
        ImageDraw.Draw(letters).text((em // 2, em // 2), text, font=font, fill=255, stroke_width=round(boldness * em))
        box = (round(width * self.size / 2), round(height * self.size / 2))
        mask = letters.crop(letters.getbbox()).resize(box, Image.Resampling.BOX)
        x, y = self._pixel(centre)
        self.image.paste(colour, (round(x - box[0] / 2), round(y - box[1] / 2)), mask)

    def _pixel(self, point: Point) -> Point:
        return (point[0] + 1) * self.size / 2, (point[1] + 1) * self.size / 2


def _regular(sides: int, radius: float, turn: float) -> list[Point]:
    """Corners of a regular polygon; the first lies at the angle `turn` (degrees, clockwise from the right)."""
    angles = [math.radians(turn + 360 * i / sides) for i in range(sides)]
    return [(radius * math.cos(a), radius * math.sin(a)) for a in angles]


def _stop(canvas: _Canvas) -> None:
    canvas.polygon(_regular(8, 1.0, 22.5), WHITE)
    canvas.polygon(_regular(8, 0.91, 22.5), RED)
    canvas.text("STOP", (0, 0), 1.5, 0.66, 0.035, WHITE)


def _yield(canvas: _Canvas) -> None:
    canvas.rounded([(-0.84, -0.68), (0.84, -0.68), (0, 0.77)], 0.13, RED)
    canvas.polygon([(-0.56, -0.5), (0.56, -0.5), (0, 0.47)], WHITE)


def _no_entry(canvas: _Canvas) -> None:
    canvas.disc((0, 0), 0.97, WHITE)
    canvas.disc((0, 0), 0.91, RED)
    canvas.polygon([(-0.68, -0.2), (0.68, -0.2), (0.68, 0.2), (-0.68, 0.2)], WHITE)


def _speed(limit: str) -> Callable[[_Canvas], None]:
    def draw(canvas: _Canvas) -> None:
        canvas.disc((0, 0), 0.97, RED)
        canvas.disc((0, 0), 0.74, WHITE)
        canvas.text(limit, (0, 0), 1.14, 0.84, 0.03, BLACK)

    return draw


def _priority(canvas: _Canvas) -> None:
    canvas.rounded(_regular(4, 0.9, 0), 0.08, BLACK)
    canvas.rounded(_regular(4, 0.86, 0), 0.08, WHITE)
    canvas.rounded(_regular(4, 0.6, 0), 0.06, YELLOW)


def _turn(side: int) -> Callable[[_Canvas], None]:
    """An arrow that comes from below and bends to one side. side: -1 left, 1 right."""

    def draw(canvas: _Canvas) -> None:
        canvas.disc((0, 0), 0.97, WHITE)
        canvas.disc((0, 0), 0.91, BLUE)
        stem = [(-0.32, 0.62), (-0.32, 0.1), (-0.27, -0.06), (-0.14, -0.14), (0.2, -0.14)]
        head = [(0.14, -0.56), (0.72, -0.14), (0.14, 0.28)]
        canvas.stroke([(side * x, y) for x, y in stem], 0.28, WHITE, round_ends=False)
        canvas.polygon([(side * x, y) for x, y in head], WHITE)

    return draw


def _pedestrians(canvas: _Canvas) -> None:
    canvas.rounded([(-0.84, -0.84), (0.84, -0.84), (0.84, 0.84), (-0.84, 0.84)], 0.1, WHITE)
    canvas.rounded([(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)], 0.08, BLUE)
    canvas.polygon([(-0.83, 0.72), (0.83, 0.72), (0, -0.8)], WHITE)
    canvas.disc((0.02, -0.34), 0.125, BLACK)
    canvas.stroke([(0.0, -0.1), (-0.02, 0.2)], 0.22, BLACK)
    canvas.stroke([(-0.04, 0.22), (-0.06, 0.4), (-0.27, 0.62)], 0.13, BLACK)
    canvas.stroke([(0.0, 0.22), (0.14, 0.4), (0.25, 0.62)], 0.13, BLACK)
    canvas.stroke([(-0.05, -0.1), (-0.22, 0.02), (-0.27, 0.18)], 0.09, BLACK)
    canvas.stroke([(0.05, -0.1), (0.2, 0.05), (0.32, 0.1)], 0.09, BLACK)


SHAPES: dict[str, Callable[[_Canvas], None]] = {
    "stop": _stop,
    "yield": _yield,
    "no entry": _no_entry,
    "speed 30": _speed("30"),
    "speed 50": _speed("50"),
    "speed 80": _speed("80"),
    "priority": _priority,
    "turn left": _turn(-1),
    "turn right": _turn(1),
    "pedestrians": _pedestrians,
}


def templates(size: int) -> np.ndarray:
    """One drawing per class, in the order of SHAPES: (10, 4, size, size) float32 in 0..1.

    Channels are red, green, blue times opacity, then opacity, so that averaging neighbours blends edges correctly.
    """
    return np.stack([_template(draw, size) for draw in SHAPES.values()])


def _template(draw: Callable[[_Canvas], None], size: int) -> np.ndarray:
    canvas = _Canvas(size * _SUPERSAMPLING)
    draw(canvas)
    small = canvas.image.convert("RGBa").resize((size, size), Image.Resampling.BOX)
    # Through bytes: numpy does not know PIL's mode for colours multiplied by opacity.
    pixels = np.frombuffer(small.tobytes(), np.uint8).reshape(size, size, 4)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32) / 255
