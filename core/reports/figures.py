"""Scatter, histogram and bars, laid out as strokes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from core.foundation.visible import shortened
from core.reports.content import Bars, Figure, Histogram, Scatter
from core.reports.drawing import SHAPES, Box, Dots, Drawing, Label, Line, Stroke, ticks, told

WIDE = 420.0
LINE = 15.0  # from one line of words to the next
BINS = 40
FAR = 0.99  # of the points lie within the frame at least
SLACK = 1.6  # of the distance that holds them: what lies beyond is drawn at the edge
SIZES = {"rest": 1.8, "clean": 1.8, "elsewhere": 2.6, "odd": 3.0, "poison": 3.6}


def lay_out(figure: Figure) -> Drawing:
    """A figure as strokes."""
    if isinstance(figure, Scatter):
        return _scatter(figure)
    return _histogram(figure) if isinstance(figure, Histogram) else _bars(figure)


def beyond(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, int]:
    """The square frame of points (n, 2): centre (2,), the points moved into it, half its side, and how many were moved."""
    x = np.nan_to_num(np.asarray(points, np.float64), nan=0.0, posinf=1e6, neginf=-1e6)
    if not len(x):
        return np.zeros(2), x, 1.0, 0
    middle = np.median(x, 0)
    far = np.abs(x - middle).max(1)
    most = float(far.max())
    half = min(most, max(SLACK * float(np.quantile(far, FAR)), 1e-9)) or 1.0
    return middle, np.clip(x, middle - half, middle + half), half, int((far > half * (1 + 1e-9)).sum())


def _scatter(figure: Scatter) -> Drawing:
    left, top, side = 44.0, 8.0, WIDE - 52
    strokes: list[Stroke] = [
        Line(left, top + side, left + side, top + side, "axis"),
        Line(left, top, left, top + side, "axis"),
    ]
    views = {view.name: _plane(figure, i, left, top, side) for i, view in enumerate(figure.views)}
    legend, height = _legend(figure, left, top + side + 50)
    return Drawing(WIDE, height, [*strokes, *legend], views, figure.views[figure.first].name)


def _plane(figure: Scatter, which: int, left: float, top: float, side: float) -> list[Stroke]:
    view = figure.views[which]
    middle, points, half, moved = beyond(view.points)
    pad = 8.0
    scale = (side - 2 * pad) / (2 * half)
    origin = np.array([left + side / 2, top + side / 2])
    places = origin + (points - middle) * scale * [1, -1]
    strokes: list[Stroke] = []
    for i, axis in enumerate("xy"):
        for value in ticks(middle[i] - half, middle[i] + half):
            at = float(origin[i] + (value - middle[i]) * scale * (1 if i == 0 else -1))
            if axis == "x":
                strokes += [Line(at, top, at, top + side), Label(at, top + side + 14, told(value), "middle", "quiet")]
            else:
                strokes += [Line(left, at, left + side, at), Label(left - 5, at + 4, told(value), "end", "quiet")]
    for i, group in enumerate(figure.groups):
        strokes.append(Dots(places[figure.group == i], group.role, SHAPES[group.role], SIZES[group.role]))
    if figure.ringed is not None and figure.ringed.any():
        strokes.append(Dots(places[figure.ringed], "ring", "frame", 4.6))
    edge = f"; {moved:,} of {len(points):,} lie beyond the edge" if moved else ""
    return [*strokes, Label(left + side / 2, top + side + 30, f"{view.axes}{edge}", "middle", "quiet")]


def _legend(figure: Scatter | Histogram, x: float, y: float) -> tuple[list[Stroke], float]:
    """A line for each group that has points; the height in the end."""
    strokes: list[Stroke] = []
    for i in reversed(range(len(figure.groups))):
        count = int((figure.group == i).sum())
        if count:
            role = figure.groups[i].role
            strokes.append(Dots(np.array([[x + 5, y - 4]]), role, SHAPES[role], max(3.0, SIZES[role])))
            strokes.append(Label(x + 16, y, figure.groups[i].name))
            y += LINE
    if isinstance(figure, Scatter) and figure.ringed is not None and figure.ringed.any():
        strokes += [Dots(np.array([[x + 5, y - 4]]), "ring", "frame", 4.6), Label(x + 16, y, figure.ring)]
        y += LINE
    return strokes, y - 4


def _histogram(figure: Histogram) -> Drawing:
    left, right, top, tall = 44.0, 10.0, 24.0, 150.0
    width, base = WIDE - left - right, top + tall
    values = np.asarray(figure.values, np.float64)
    usable = np.isfinite(values) & ((values > 0) | (not figure.log))
    floor = float(values[usable].min()) if usable.any() else 1.0
    held = np.where(usable, values, floor)
    held = np.log10(held) if figure.log else held
    marks = [np.log10(max(m[0], floor)) if figure.log else m[0] for m in (figure.cut, figure.own) if m]
    spread = np.concatenate([held, marks]) if len(marks) else held
    low, high = (float(spread.min()), float(spread.max())) if len(spread) else (0.0, 1.0)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    margin = 0.02 * (high - low)
    low, high = (low if low == 0 else low - margin), high + margin
    edges = np.linspace(low, high, BINS + 1)
    counts = np.stack([np.histogram(held[figure.group == i], edges)[0] for i in range(len(figure.groups))])
    tallest = max(1, int(counts.sum(0).max()))

    def across(value: float) -> float:
        return left + (value - low) / (high - low) * width

    strokes: list[Stroke] = []
    for value in ticks(0, tallest, 4):
        if value == int(value):
            at = base - value / tallest * tall
            strokes += [Line(left, at, left + width, at), Label(left - 5, at + 4, told(value), "end", "quiet")]
    step = width / BINS
    for b in range(BINS):
        under = 0
        for i, group in enumerate(figure.groups):
            if counts[i, b]:
                high_as = counts[i, b] / tallest * tall
                y = base - (under + counts[i, b]) / tallest * tall
                strokes.append(Box(left + b * step + 0.4, y, step - 0.8, high_as, group.role))
                under += counts[i, b]
    strokes.append(Line(left, base, left + width, base, "axis"))
    rug = base + 7
    for i in sorted(figure.rug):
        if (figure.group == i).any():
            x = left + (held[figure.group == i] - low) / (high - low) * width
            role = figure.groups[i].role
            strokes.append(Dots(np.stack([x, np.full(len(x), rug)], 1), role, SHAPES[role], SIZES[role]))
            rug += 9
    under_axis = rug + 8 if figure.rug else base + 14
    for value in ticks(low, high, 6 if not figure.log else max(1, min(6, math.ceil(high - low)))):
        strokes.append(Label(across(value), under_axis, told(10**value if figure.log else value), "middle", "quiet"))
    strokes += _flags(figure, across, floor, top, base, left + width / 2)
    strokes.append(Label(left + width / 2, under_axis + 16, figure.axis, "middle", "quiet"))
    strokes.append(Label(left, 10, f"{figure.counted} in each bar", "start", "quiet"))
    legend, height = _legend(figure, left, under_axis + 36)
    return Drawing(WIDE, height, [*strokes, *legend])


def _flags(
    figure: Histogram, across: Callable[[float], float], floor: float, top: float, base: float, half: float
) -> list[Stroke]:
    """The dashed line, the marked value, and the words beside them."""
    strokes: list[Stroke] = []
    for mark, kind, y in ((figure.cut, "cut", top - 2), (figure.own, "own", top + 13)):
        if mark:
            value = math.log10(max(mark[0], floor)) if figure.log else mark[0]
            at = across(value)
            anchor, shift = ("end", -5) if at > half else ("start", 5)
            strokes.append(Line(at, top - 12, at, base, kind))
            strokes.append(Label(at + shift, y, mark[1], anchor, "strong" if kind == "own" else ""))
    return strokes


def _bars(figure: Bars) -> Drawing:
    name, told_wide, top, each = 118.0, 76.0, 22.0, 17.0
    width = WIDE - name - told_wide
    values = [bar.value for bar in figure.bars]
    high = max([*values, figure.line[0] * 1.05 if figure.line else 0.0, 1e-12])
    base = top + each * len(values)
    strokes: list[Stroke] = []
    for value in ticks(0, high, 4):
        at = name + value / high * width
        strokes += [Line(at, top - 4, at, base), Label(at, base + 14, told(value), "middle", "quiet")]
    for i, bar in enumerate(figure.bars):
        y = top + each * i
        long = max(0.0, bar.value) / high * width
        kind = "strong" if bar.marked else ""
        strokes.append(Box(name, y + 2, max(long, 0.6), each - 5, bar.role, bar.marked))
        if bar.marked:
            shape = SHAPES[bar.role]
            strokes.append(Dots(np.array([[name + max(long, 0.6), y + each / 2 - 0.5]]), bar.role, shape, 4.6))
        strokes.append(Label(name - 6, y + each - 5, shortened(bar.name, 18), "end", kind))
        strokes.append(Label(WIDE - 4, y + each - 5, bar.told, "end", kind))
    strokes.append(Line(name, top - 4, name, base, "axis"))
    if figure.line:
        at = name + figure.line[0] / high * width
        anchor, shift = ("end", 4) if at > name + width / 2 else ("start", -4)
        strokes += [Line(at, top - 6, at, base, "cut"), Label(at + shift, top - 9, figure.line[1], anchor)]
    strokes.append(Label(name + width / 2, base + 30, figure.axis, "middle", "quiet"))
    return Drawing(WIDE, base + 36, strokes)
