"""The views of whitening under one slider."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dashboard.charts.points import groups, limits, thin
from dashboard.theme import Palette, layout

FRAMES = 15  # steps between two views of the whitening slider


def whitening_path(
    views: Sequence[tuple[str, np.ndarray, str]],
    ids: np.ndarray,
    truth: np.ndarray | None,
    colours: Palette,
    start: int = 0,
    height: int = 560,
) -> go.Figure:
    """The views in a row under one slider that answers while it moves, in the browser.

    views: (name, points (n, 2), what is found there) each. start: the view that is shown first. Every step in between is a linear mixture of two linear
    projections, so it is a real projection of the points too. Positions are a linear mixture; the axes glide along.
    """
    n = len(ids)
    shown = thin(n, truth if truth is not None else np.zeros(n, bool))
    kinds = [(name, shown[mask[shown]], c, s) for name, mask, c, s in groups(truth, n, colours)]
    steps = [(i, t) for i in range(len(views) - 1) for t in np.linspace(0, 1, FRAMES, endpoint=False)]
    steps.append((len(views) - 1, 0.0))

    def at(view: int, t: float) -> np.ndarray:
        here = views[view][1]
        there = views[min(view + 1, len(views) - 1)][1]
        return ((1 - t) * here + t * there).astype(np.float32)

    def label(view: int, t: float) -> str:
        if t == 0:
            return f"<b>{views[view][0]}</b><br>{views[view][2]}"
        return f"<b>{views[view][0]} → {views[view + 1][0]}</b><br> "

    def traces(points: np.ndarray, full: bool) -> list[go.Scatter]:
        made = []
        for name, rows, colour, symbol in kinds:
            extra: dict[str, Any] = {}
            if full:
                size = 6 if symbol == "circle" else 9
                extra = {
                    "customdata": ids[rows],
                    "mode": "markers",
                    "name": name,
                    "marker": {"color": colour, "size": size, "symbol": symbol, "opacity": 0.8},
                    "hovertemplate": "example %{customdata}<extra></extra>",
                }
            made.append(go.Scatter(x=points[rows, 0], y=points[rows, 1], **extra))
        return made

    def note(text: str) -> dict[str, Any]:
        place = {"xref": "paper", "yref": "paper", "x": 0.01, "y": 0.99, "showarrow": False, "align": "left"}
        return {
            **place,
            "text": text,
            "font": {"size": 17, "color": colours.ink},
            "xanchor": "left",
            "yanchor": "top",
            "bgcolor": colours.ground,
            "opacity": 0.9,
        }

    ranges = [limits(v[1]) for v in views]
    # Under the slider as annotations: the slider itself drops labels that it finds too close on a narrow screen.
    stops = [
        {"text": name, "x": i / (len(views) - 1), "y": 0, "xref": "paper", "yref": "paper", "yshift": -118, "showarrow": False,
         "xanchor": ("left", "center", "right")[min(i, 1) + (i == len(views) - 1)], "font": {"size": 16, "color": colours.ink}}
        for i, (name, _, _) in enumerate(views)
    ]  # fmt: skip

    def window(view: int, t: float) -> tuple[list[float], list[float]]:
        """The axis ranges glide with the points: what spreads to 80 deviations must not press the rest to a dot."""
        here, there = ranges[view], ranges[min(view + 1, len(views) - 1)]
        across, up = (
            [(1 - t) * a + t * b for a, b in zip(h, w, strict=True)] for h, w in zip(here, there, strict=True)
        )
        return across, up

    def scene(view: int, t: float) -> dict[str, Any]:
        across, up = window(view, t)
        return {"annotations": [note(label(view, t)), *stops], "xaxis": {"range": across}, "yaxis": {"range": up}}

    frames = [go.Frame(name=str(i), data=traces(at(*s), full=False), layout=scene(*s)) for i, s in enumerate(steps)]
    slider = {
        "active": start * FRAMES,
        "pad": {"t": 70, "b": 6, "l": 10, "r": 10},
        "currentvalue": {"visible": False},
        "ticklen": 0,
        "minorticklen": 0,
        "bgcolor": colours.unknown,
        "activebgcolor": colours.clean,
        "bordercolor": colours.faint,
        "font": {"size": 15, "color": colours.ink},
        "steps": [
            {
                "label": "",
                "method": "animate",
                "args": [
                    [str(i)],
                    {"mode": "immediate", "frame": {"duration": 0, "redraw": False}, "transition": {"duration": 0}},
                ],
            }
            for i in range(len(steps))
        ],
    }
    across, up = ranges[start]
    figure = go.Figure(traces(at(start, 0.0), full=True), frames=frames)
    figure.update_layout(
        layout(
            colours,
            xaxis={"range": across, "title": {"text": "direction 1 (σ, standard deviations)"}},
            yaxis={"range": up, "title": {"text": "direction 2 (σ, standard deviations)"}},
            annotations=[note(label(start, 0.0)), *stops],
            sliders=[slider],
            height=height,
            margin={"b": 130},
        )
    )
    return figure
