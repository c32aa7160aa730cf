"""How the defenses are told apart in one picture: by the shape of the mark, the dash of the line, and a colour that
means nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboard.theme import DARK, Palette

SYMBOLS = ("circle", "square", "triangle-up", "x", "star-triangle-down", "hexagon")
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


def mark_on_log_axis(figure: go.Figure, at: float, text: str, colours: Palette) -> None:
    """A dashed line across the picture with its word at the top; Plotly takes the word's place as a logarithm."""
    line = {"color": colours.ink, "width": 1, "dash": "dash"}
    figure.add_shape(type="line", x0=at, x1=at, y0=0, y1=1, yref="paper", line=line)
    figure.add_annotation(
        x=math.log10(at), y=0.02, yref="paper", text=text, showarrow=False, xanchor="left", xshift=4, yanchor="bottom",
        bgcolor=colours.ground, opacity=0.9,
    )  # fmt: skip
