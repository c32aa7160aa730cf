"""How SPECTRE came to its verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dashboard.charts.figures import number
from dashboard.theme import Palette, layout


def objective_by_k(candidates: Sequence[dict[str, Any]], chosen: int, colours: Palette, height: int = 330) -> go.Figure:
    """Mean QUE against the number of principal components; the chosen k is marked."""
    ks, values = [c["k"] for c in candidates], [c["objective"] for c in candidates]
    figure = go.Figure(
        go.Scatter(
            x=ks,
            y=values,
            mode="lines+markers",
            line={"color": colours.unknown},
            marker={"size": 9, "color": colours.unknown},
            name="tried",
            hovertemplate="k = %{x}<br>objective %{y:.3f}<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[ks[chosen]],
            y=[values[chosen]],
            mode="markers+text",
            text=[f"k = {ks[chosen]}"],
            textposition="top center",
            marker={"size": 14, "color": colours.trusted, "symbol": "star"},
            name="chosen",
            hoverinfo="skip",
        )
    )
    top, bottom = max(values), min(values)
    pad = 0.15 * (top - bottom or 1)
    figure.layout = layout(
        colours,
        xaxis={"title": {"text": "principal components k"}},
        yaxis={"title": {"text": "objective (mean QUE)"}, "range": [bottom - pad, top + 1.6 * pad]},
        height=height,
    )
    return figure


def filter_rounds(
    rounds: Sequence[dict[str, Any]], truth: np.ndarray | None, colours: Palette, height: int = 330
) -> go.Figure:
    """What each round of the robust filter held against its threshold, and how many rows it dropped."""
    at = np.arange(1, len(rounds) + 1)
    figure = go.Figure()
    kinds: list[tuple[str, list[int], str]] = []
    if truth is None:
        kinds.append(("rows dropped", [len(r["dropped"]) for r in rounds], colours.unknown))
    else:
        hits = [int(truth[np.array(r["dropped"], int)].sum()) for r in rounds]
        kinds.append(("poison dropped", hits, colours.poison))
        kinds.append(
            ("clean dropped", [len(r["dropped"]) - h for r, h in zip(rounds, hits, strict=True)], colours.clean)
        )
    for name, counts, colour in kinds:
        figure.add_trace(go.Bar(x=at, y=counts, name=name, marker={"color": colour}))
    line = [r["eigenvalue"] for r in rounds]
    figure.add_trace(
        go.Scatter(
            x=at, y=line, name="excess fourth moment", yaxis="y2", mode="lines+markers", line={"color": colours.ink}
        )
    )
    limits = [r["threshold"] if r["reason"] == "moment" else None for r in rounds]
    figure.add_trace(
        go.Scatter(
            x=at,
            y=limits,
            name="its limit",
            yaxis="y2",
            mode="lines",
            line={"color": colours.trusted, "dash": "dot"},
        )
    )
    figure.layout = layout(
        colours,
        barmode="stack",
        xaxis={"title": {"text": "round of the filter"}},
        yaxis={"title": {"text": "rows dropped"}, "rangemode": "tozero"},
        yaxis2={
            "title": {"text": "excess fourth moment"},
            "type": "log",
            **log_ticks([*line, *filter(None, limits)]),
        },
        height=height,
        margin={"r": 56, "t": 56},
    )
    return figure


def log_ticks(values: Sequence[float]) -> dict[str, list[Any]]:
    """Round numbers for a log axis that holds the values; Plotly's own are unreadable over less than a decade."""
    positive = [v for v in values if v > 0]
    if not positive:
        return {}
    low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
    steps = (1, 2, 5) if high - low <= 2 else (1,)
    ticks = [f * 10.0**power for power in range(low, high + 1) for f in steps]
    return {"tickvals": ticks, "ticktext": [number(t) for t in ticks]}


def spectrum(before: Sequence[float], after: Sequence[float], k: int, colours: Palette, height: int = 330) -> go.Figure:
    """Variance along each direction before whitening (of the components) and after (1 = like the trusted rows)."""
    figure = go.Figure()
    figure.add_trace(
        go.Bar(
            x=np.arange(1, k + 1),
            y=np.array(before[:k]) / max(before[0], 1e-300),
            name="before (share of the first)",
            marker={"color": colours.unknown},
        )
    )
    figure.add_trace(
        go.Scatter(
            x=np.arange(1, len(after) + 1),
            y=after,
            name="after robust whitening (1 = trusted)",
            mode="lines+markers",
            line={"color": colours.trusted},
        )
    )
    figure.layout = layout(
        colours,
        xaxis={"title": {"text": "direction, by falling variance"}},
        yaxis={"type": "log", "title": {"text": "variance (log scale)"}},
        height=height,
    )
    return figure
