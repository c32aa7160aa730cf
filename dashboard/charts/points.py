"""Clouds of points: every one carries its stable example id in `customdata`."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from dashboard.theme import Palette, layout

SVG_UP_TO = 2500  # points; above, WebGL draws them
SHOWN = 5000  # points at most in one picture; all poison and all removed are kept


def thin(n: int, keep: np.ndarray, seed: int = 0) -> np.ndarray:
    """Rows to draw, ascending: all of `keep` and a fixed random sample of the rest."""
    if n <= SHOWN:
        return np.arange(n)
    rest = np.flatnonzero(~keep)
    room = max(SHOWN - int(keep.sum()), 0)
    drawn = np.random.default_rng(seed).permutation(rest)[:room]
    return np.sort(np.concatenate([np.flatnonzero(keep), drawn]))


def _scatter(n: int) -> Any:
    return go.Scatter if n <= SVG_UP_TO else go.Scattergl


def limits(*clouds: np.ndarray) -> tuple[list[float], list[float]]:
    """Axis ranges that hold all clouds, with a margin."""
    points = np.concatenate(clouds)
    low, high = points.min(0), points.max(0)
    pad = 0.06 * np.maximum(high - low, 1e-6)
    return [float(low[0] - pad[0]), float(high[0] + pad[0])], [float(low[1] - pad[1]), float(high[1] + pad[1])]


def groups(truth: np.ndarray | None, n: int, colours: Palette) -> list[tuple[str, np.ndarray, str, str]]:
    """(name, mask, colour, symbol) of each kind of point; shape repeats what colour says."""
    if truth is None:
        return [("truth hidden", np.ones(n, bool), colours.unknown, "circle")]
    return [("clean", ~truth, colours.clean, "circle"), ("poison", truth, colours.poison, "diamond")]


def _thinned(shown: int, total: int) -> dict[str, Any]:
    text = f"showing {shown:,} of {total:,}, all poison and all removed kept"
    return {"text": text, "xref": "paper", "yref": "paper", "x": 1, "y": 1, "showarrow": False, "font": {"size": 12}}


def projection(
    points: np.ndarray,
    ids: np.ndarray,
    colours: Palette,
    *,
    unit: str,
    removed: np.ndarray,
    truth: np.ndarray | None = None,
    selected: np.ndarray | None = None,
    focus: int | None = None,
    legend: bool = True,
    height: int = 380,
) -> go.Figure:
    """One plane picture of the rows. points: (n, 2); removed, truth, selected: (n,) bool; truth None hides it.

    focus: the row that is looked at, marked by a cross of its own.
    """
    shown = thin(len(points), removed if truth is None else removed | truth)
    figure = go.Figure()
    kind = _scatter(len(shown))
    for name, mask, colour, symbol in groups(truth, len(points), colours):
        rows = shown[mask[shown]]
        figure.add_trace(
            kind(
                x=points[rows, 0],
                y=points[rows, 1],
                customdata=ids[rows],
                mode="markers",
                name=f"{name} ({int(mask.sum()):,})",
                marker={"color": colour, "size": 6 if symbol == "circle" else 8, "symbol": symbol, "opacity": 0.75},
                hovertemplate="example %{customdata}<extra></extra>",
                unselected={"marker": {"opacity": 0.25}},
            )
        )
    for name, mask, colour, size in (
        ("removed", removed, colours.ink, 11),
        ("selected", np.zeros(len(points), bool) if selected is None else selected, colours.selected, 15),
    ):
        if mask.any():
            figure.add_trace(
                kind(
                    x=points[mask, 0],
                    y=points[mask, 1],
                    customdata=ids[mask],
                    mode="markers",
                    name=f"{name} ({int(mask.sum()):,})",
                    marker={"color": colour, "size": size, "symbol": "circle-open", "line": {"width": 1.5}},
                    hoverinfo="skip",
                )
            )
    if focus is not None:
        cross = {
            "color": colours.selected,
            "size": 18,
            "symbol": "cross-thin",
            "line": {"width": 3, "color": colours.selected},
        }
        at = points[focus : focus + 1]
        figure.add_trace(kind(x=at[:, 0], y=at[:, 1], mode="markers", name="looked at", marker=cross, hoverinfo="skip"))
    across, up = limits(points)
    notes = [] if len(shown) == len(points) else [_thinned(len(shown), len(points))]
    figure.update_layout(
        layout(
            colours,
            xaxis={"range": across, "title": {"text": f"direction 1 ({unit})"}},
            yaxis={"range": up, "title": {"text": f"direction 2 ({unit})"}},
            annotations=notes,
            height=height,
            showlegend=legend,
            margin={"t": 34 if legend else 8},
            meta={"columns": {"customdata": "example id"}},
        )
    )
    return figure
