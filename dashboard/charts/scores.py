"""How the scores are spread, and what a cut through them does."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from dashboard.charts.figures import number
from dashboard.charts.points import groups
from dashboard.theme import Palette, layout


def score_histogram(
    scores: np.ndarray,
    cut: float,
    colours: Palette,
    *,
    name: str,
    truth: np.ndarray | None = None,
    span: tuple[float, float] | None = None,
    height: int = 360,
) -> go.Figure:
    """How the scores are spread, and where the cut lies. Positive scores on a log axis; bins are the same for both kinds.

    scores: (n,), larger is more suspicious; cut: rows at or above it are removed. span: fixed range of the axis.
    """
    log = bool((scores > 0).all())
    values = np.log10(scores) if log else scores
    low, high = span or (float(values.min()), float(values.max()))
    edges = np.linspace(low, high + 1e-9, 61)
    middles, wide = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    figure = go.Figure()
    for label, mask, colour, symbol in groups(truth, len(scores), colours):
        counts = np.histogram(np.clip(values[mask], low, high), edges)[0]
        figure.add_trace(
            go.Bar(
                x=middles,
                y=counts,
                width=wide,
                name=label,
                marker={
                    "color": colour,
                    "pattern": {
                        "shape": "/" if symbol == "diamond" else "",
                        "fillmode": "overlay",
                        "fgcolor": colours.ground,
                        "solidity": 0.2,
                    },
                    "line": {"width": 0},
                },
                hovertemplate="%{y} examples<extra>" + label + "</extra>",
            )
        )
    place = (np.log10(cut) if log and cut > 0 else cut) if np.isfinite(cut) else high + wide
    figure.add_vrect(x0=place, x1=high + 10 * wide, fillcolor=colours.ink, opacity=0.07, line_width=0)
    figure.add_vline(x=place, line={"color": colours.ink, "width": 2, "dash": "dash"}, annotation_text="removed →")
    axis: dict[str, Any] = {"range": [low - wide, high + wide], "title": {"text": f"{name} score"}}
    if log:
        ticks = [t for t in np.arange(np.floor(low), np.ceil(high) + 1) if low - wide <= t <= high + wide]
        ticks = ticks if len(ticks) > 1 else list(np.linspace(low, high, 5))
        axis |= {"tickvals": ticks, "ticktext": [number(10**t) for t in ticks]}
        axis["title"] = {"text": f"{name} score (log scale)"}
    # The root of the count: one poisoned example in ten thousand stays visible.
    tops = np.sum([np.asarray(trace.y) for trace in figure.data], axis=0)
    for trace in figure.data:
        trace.customdata = np.asarray(trace.y)
        trace.hovertemplate = "%{customdata} examples<extra>" + trace.name + "</extra>"
        trace.y = np.sqrt(np.asarray(trace.y))
    marks = [v for v in (0, 1, 5, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000) if v <= max(int(tops.max()), 1) * 1.2]
    figure.update_layout(
        layout(
            colours,
            barmode="overlay",
            xaxis=axis,
            yaxis={
                "title": {"text": "examples (root scale)"},
                "tickvals": np.sqrt(marks),
                "ticktext": [str(m) for m in marks],
            },
            height=height,
            meta={
                "columns": {
                    "x": f"{name} score, {'base 10 logarithm of the ' if log else ''}middle of the bin",
                    "y": "root of the number of examples",
                    "customdata": "examples",
                }
            },
        )
    )
    figure.update_traces(opacity=0.85)
    return figure


def roc_curve(
    false_rate: np.ndarray, true_rate: np.ndarray, here: tuple[float, float] | None, colours: Palette, height: int = 300
) -> go.Figure:
    """Poison removed against clean removed as the cut moves; the present cut is marked."""
    figure = go.Figure(
        go.Scatter(
            x=100 * false_rate,
            y=100 * true_rate,
            mode="lines",
            line={"color": colours.poison, "shape": "hv"},
            name="every cut",
        )
    )
    if here is not None:
        figure.add_trace(
            go.Scatter(
                x=[100 * here[0]],
                y=[100 * here[1]],
                mode="markers",
                marker={"size": 12, "color": colours.ink, "symbol": "x"},
                name="this cut",
            )
        )
    figure.layout = layout(
        colours,
        xaxis={"title": {"text": "clean removed (%)"}, "range": [-2, 102]},
        yaxis={"title": {"text": "poison removed (%)"}, "range": [-2, 104]},
        height=height,
    )
    return figure
