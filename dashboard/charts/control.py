"""One statistic of every class, with the class that a finding is about marked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dashboard.plain import in_figure
from dashboard.theme import Palette, layout

NAMED = 24  # classes up to which each has a line with its name
LINE = 19  # pixels of height for each


def control(
    values: Sequence[float], names: Sequence[str], here: int, colours: Palette, *, title: str, bar: float | None = None
) -> go.Figure:
    """A dot for each class; with few classes each on a line of its own, highest first, with many all on one strip.

    values, names: of each class. here: position of the class that is looked at, -1 for none. bar: from which value on a class
    counts as standing apart, where there is one.
    """
    numbers = np.asarray(values, float)
    order = np.argsort(-numbers, kind="stable")
    is_named = len(numbers) <= NAMED
    lines = [_line(names[i], i == here) for i in order]
    rng = np.random.default_rng(0)
    y = lines if is_named else list(rng.uniform(-0.3, 0.3, len(order)))
    mine = [int(i) == here for i in order]
    figure = go.Figure(
        go.Scatter(
            x=numbers[order],
            y=y,
            mode="markers",
            marker={
                "color": [colours.poison if m else colours.unknown for m in mine],
                "symbol": ["diamond" if m else "circle" for m in mine],
                "size": [13 if m else 8 for m in mine],
                "opacity": [1.0 if m or is_named else 0.5 for m in mine],
            },
            text=[in_figure(names[i]) for i in order],
            hovertemplate="%{text}: %{x:.3g}<extra></extra>",
            showlegend=False,
        )
    )
    if bar is not None:
        figure.add_vline(
            x=bar, line={"color": colours.ink, "width": 1, "dash": "dot"}, annotation_text="needed to stand apart",
            annotation_position="top", annotation_font_size=12,
        )  # fmt: skip
    axis = {"type": "category", "dtick": 1, "autorange": "reversed", "automargin": True, "showgrid": False}
    strip = {"visible": False, "range": [-1, 1]}
    figure.update_layout(
        layout(
            colours,
            xaxis={"title": {"text": title}, "rangemode": "tozero"},
            yaxis=axis if is_named else strip,
            height=110 + (LINE * len(order) if is_named else 90),
            margin={"l": 8, "t": 30},
        )
    )
    return figure


def _line(name: str, is_here: bool) -> str:
    return f"<b>{in_figure(name)}</b> ◂" if is_here else in_figure(name)
