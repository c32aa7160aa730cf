"""How the defenses are told apart in one picture: by the shape of the mark, the dash of the line, and a colour that
means nothing else.

These figures set their whole layout at once: Plotly's update_layout compares entry by entry, and takes 15 ms.
"""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

from dashboard.theme import DARK, Palette

SYMBOLS = ("circle", "square", "triangle-up", "x", "star-triangle-down", "hexagon")
CHANCE = "#7A8490"  # the line of mere chance: quieter than any defense, yet over 3 to 1 on either ground
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


@dataclass(frozen=True)
class Style:
    colour: str
    symbol: str
    dash: str
    width: float


def styles(names: list[str], colours: Palette) -> dict[str, Style]:
    """A style for each defense by its place in the list of all of them: the first is drawn in ink, as the main one."""
    dark = colours.ground == DARK.ground
    inks = [colours.ink, *(("#F0C33C", "#B9A3E3", "#929CA7") if dark else ("#A66F00", "#6A51A3", "#6B7580"))]
    return {
        name: Style(inks[i % len(inks)], SYMBOLS[i % len(SYMBOLS)], DASHES[i % len(DASHES)], 3 if not i else 2)
        for i, name in enumerate(names)
    }


def side_by_side(count: int, step: float = 1.03) -> list[float]:
    """Factors that set `count` marks at one place of a log axis a few percent apart, so that none hides another."""
    return [step ** (i - (count - 1) / 2) for i in range(count)]


def upright(at: float, name: str, colours: Palette) -> go.Scatter:
    """A line of short dashes across a picture of percentages; its word stands in the legend, where it hides nothing."""
    line = {"color": colours.ink, "width": 1.5, "dash": "2px,4px"}
    return go.Scatter(x=[at, at], y=[0, 100], mode="lines", name=name, line=line, hoverinfo="skip")
