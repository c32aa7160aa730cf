"""What a cut through the scores does."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from dashboard.theme import Palette, layout


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
