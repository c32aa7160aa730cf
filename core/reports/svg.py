"""Strokes as SVG. Colours come from the page's style, by the class that each role and kind has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.foundation.visible import escaped
from core.reports.drawing import Box, Dots, Drawing, Label, Line, Stroke


def svg(drawing: Drawing, says: str) -> str:
    """The whole figure; says: for those who cannot see it."""
    views = "".join(f'<g class="view g{i}">{_strokes(strokes)}</g>' for i, strokes in enumerate(drawing.views.values()))
    return (
        f'<svg viewBox="0 0 {drawing.width:g} {drawing.height:g}" role="img" aria-label="{escaped(says)}">'
        f"{_strokes(drawing.strokes)}{views}</svg>"
    )


def mark(role: str, shape: str) -> str:
    """A mark of a role, as it stands beside words."""
    dots = Dots(np.array([[7.0, 7.0]]), role, shape, 4.2 if shape != "ring" else 3.6)
    return f'<svg class="mark" viewBox="0 0 14 14" aria-hidden="true">{_dots(dots)}</svg>'


def _strokes(strokes: Sequence[Stroke]) -> str:
    return "".join(_stroke(stroke) for stroke in strokes)


def _stroke(stroke: Stroke) -> str:
    if isinstance(stroke, Line):
        return (
            f'<line class="l-{stroke.kind}" x1="{stroke.x1:.1f}" y1="{stroke.y1:.1f}" x2="{stroke.x2:.1f}" y2="{stroke.y2:.1f}"/>'
        )  # fmt: skip
    if isinstance(stroke, Box):
        framed = " framed" if stroke.framed else ""
        return (
            f'<rect class="f-{stroke.role}{framed}" x="{stroke.x:.1f}" y="{stroke.y:.1f}" '
            f'width="{max(stroke.width, 0):.1f}" height="{max(stroke.height, 0):.1f}"/>'
        )
    if isinstance(stroke, Label):
        kind = f" t-{stroke.kind}" if stroke.kind else ""
        return (
            f'<text class="a-{stroke.anchor}{kind}" x="{stroke.x:.1f}" y="{stroke.y:.1f}">{escaped(stroke.text)}</text>'
        )
    return _dots(stroke)


def _dots(dots: Dots) -> str:
    """One path for all points: each begins with M and its middle, from which the page's script knows where it is."""
    if not len(dots.points):
        return ""
    tail = _tail(dots.shape, dots.size)
    path = "".join(f"M{x:.1f} {y:.1f}{tail}" for x, y in dots.points.tolist())
    if dots.shape in ("dot", "square"):
        cap = "round" if dots.shape == "dot" else "square"
        wide = 2 * dots.size if dots.shape == "dot" else 1.7 * dots.size
        return f'<path class="s-{dots.role}" stroke-width="{wide:.1f}" stroke-linecap="{cap}" d="{path}"/>'
    kind = "f" if dots.shape == "diamond" else "o"
    return f'<path class="{kind}-{dots.role}" d="{path}"/>'


def _tail(shape: str, size: float) -> str:
    """What follows the middle of a point."""
    s = f"{size:g}"
    if shape in ("dot", "square"):
        return "h0"  # no length: the ends of the line are the point
    if shape == "diamond":
        return f"m0-{s}l{s} {s}l-{s} {s}l-{s}-{s}z"
    return f"m-{s} 0a{s} {s} 0 1 0 {2 * size:g} 0a{s} {s} 0 1 0-{2 * size:g} 0"
