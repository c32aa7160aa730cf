"""Training as it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from dashboard.theme import Palette, layout


def training_curves(metrics: Sequence[dict[str, Any]], colours: Palette, height: int = 300) -> go.Figure:
    """Loss and accuracy of each epoch, for the first training and the retraining."""
    figure = go.Figure()
    for stage, colour, name in (("train", colours.unknown, "poisoned set"), ("retrain", colours.ink, "after removal")):
        rows = [m for m in metrics if m["stage"] == stage]
        x = [m["epoch"] for m in rows]
        figure.add_trace(
            go.Scatter(x=x, y=[100 * m["accuracy"] for m in rows], name=f"accuracy, {name}", line={"color": colour})
        )
        figure.add_trace(
            go.Scatter(
                x=x,
                y=[m["loss"] for m in rows],
                name=f"loss, {name}",
                yaxis="y2",
                line={"color": colour, "dash": "dot"},
            )
        )
    figure.update_layout(
        layout(
            colours,
            xaxis={"title": {"text": "epoch"}, "tickformat": "d"},
            yaxis={"title": {"text": "training accuracy (%)"}, "range": [0, 102]},
            yaxis2={"title": {"text": "loss"}, "rangemode": "tozero"},
            height=height,
            margin={"r": 56, "t": 70},
        )
    )
    return figure
