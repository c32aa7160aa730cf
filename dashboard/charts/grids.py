"""Values over two settings at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dashboard.theme import Palette, layout


def grid_map(
    values: np.ndarray,
    columns: Sequence[int],
    rows: Sequence[str],
    colours: Palette,
    *,
    name: str,
    unit: str,
    span: tuple[float, float] | None,
    height: int = 330,
) -> go.Figure:
    """A heat map over k (columns) and alpha (rows), each cell with its number. values: (rows, columns), NaN for none.

    span: the range of the colours; None gives each row a range of its own, for values that compare along a row only.
    """
    shade = values
    if span is None:
        low, high = np.nanmin(values, 1, keepdims=True), np.nanmax(values, 1, keepdims=True)
        shade, span = (values - low) / np.where(high > low, high - low, 1), (0, 1)
    text = [["" if np.isnan(v) else f"{v:.0f}" if unit == "%" else f"{v:.3g}" for v in row] for row in values]
    figure = go.Figure(
        go.Heatmap(
            z=shade,
            x=[str(k) for k in columns],
            y=list(rows),
            customdata=values,
            meta={"values": [[None if np.isnan(v) else float(v) for v in row] for row in values]},  # what a CSV holds
            text=text,
            texttemplate="%{text}",
            zmin=span[0],
            zmax=span[1],
            colorscale="Cividis",  # even in lightness, the same to colour-blind eyes
            showscale=unit == "%",
            colorbar={"title": {"text": f"{name} ({unit})"}, "thickness": 12},
            hovertemplate=f"k = %{{x}}, α = %{{y}}<br>{name} %{{customdata:.4g}} {unit}<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    figure.layout = layout(
        colours,
        xaxis={"title": {"text": "principal components k"}, "type": "category"},
        yaxis={"title": {"text": "sharpness α"}, "type": "category"},
        height=height,
    )
    return figure
