"""Figures: pure functions from arrays to Plotly figures. Every point carries its stable example id in `customdata`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dashboard.theme import Palette, layout

SVG_UP_TO = 2500  # points; above, WebGL draws them
SHOWN = 5000  # points at most in one picture; all poison and all removed are kept
FRAMES = 15  # steps between two views of the whitening slider


def number(value: float) -> str:
    """A score as a person reads it: three digits, no exponent below a million."""
    return f"{value:,.0f}" if 100 <= abs(value) < 1e6 else f"{value:.3g}"


def _thin(n: int, keep: np.ndarray, seed: int = 0) -> np.ndarray:
    """Rows to draw, ascending: all of `keep` and a fixed random sample of the rest."""
    if n <= SHOWN:
        return np.arange(n)
    rest = np.flatnonzero(~keep)
    room = max(SHOWN - int(keep.sum()), 0)
    drawn = np.random.default_rng(seed).permutation(rest)[:room]
    return np.sort(np.concatenate([np.flatnonzero(keep), drawn]))


def _scatter(n: int) -> Any:
    return go.Scatter if n <= SVG_UP_TO else go.Scattergl


def _limits(*clouds: np.ndarray) -> tuple[list[float], list[float]]:
    """Axis ranges that hold all clouds, with a margin."""
    points = np.concatenate(clouds)
    low, high = points.min(0), points.max(0)
    pad = 0.06 * np.maximum(high - low, 1e-6)
    return [float(low[0] - pad[0]), float(high[0] + pad[0])], [float(low[1] - pad[1]), float(high[1] + pad[1])]


def _groups(truth: np.ndarray | None, n: int, colours: Palette) -> list[tuple[str, np.ndarray, str, str]]:
    """(name, mask, colour, symbol) of each kind of point; shape repeats what colour says."""
    if truth is None:
        return [("truth hidden", np.ones(n, bool), colours.unknown, "circle")]
    return [("clean", ~truth, colours.clean, "circle"), ("poison", truth, colours.poison, "diamond")]


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
    shown = _thin(len(points), removed if truth is None else removed | truth)
    figure = go.Figure()
    kind = _scatter(len(shown))
    for name, mask, colour, symbol in _groups(truth, len(points), colours):
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
    across, up = _limits(points)
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
        )
    )
    return figure


def _thinned(shown: int, total: int) -> dict[str, Any]:
    text = f"showing {shown:,} of {total:,}, all poison and all removed kept"
    return {"text": text, "xref": "paper", "yref": "paper", "x": 1, "y": 1, "showarrow": False, "font": {"size": 12}}


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
    shown = _thin(n, truth if truth is not None else np.zeros(n, bool))
    groups = [(name, shown[mask[shown]], c, s) for name, mask, c, s in _groups(truth, n, colours)]
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
        for name, rows, colour, symbol in groups:
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

    ranges = [_limits(v[1]) for v in views]
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
    for label, mask, colour, symbol in _groups(truth, len(scores), colours):
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
        )
    )
    figure.update_traces(opacity=0.85)
    return figure


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
    figure.update_layout(
        layout(
            colours,
            xaxis={"title": {"text": "principal components k"}},
            yaxis={"title": {"text": "objective (mean QUE)"}, "range": [bottom - pad, top + 1.6 * pad]},
            height=height,
        )
    )
    return figure


def filter_rounds(
    rounds: Sequence[dict[str, Any]], truth: np.ndarray | None, colours: Palette, height: int = 330
) -> go.Figure:
    """What each round of the robust filter held against its threshold, and how many rows it dropped."""
    number = np.arange(1, len(rounds) + 1)
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
        figure.add_trace(go.Bar(x=number, y=counts, name=name, marker={"color": colour}))
    line = [r["eigenvalue"] for r in rounds]
    figure.add_trace(
        go.Scatter(
            x=number, y=line, name="excess fourth moment", yaxis="y2", mode="lines+markers", line={"color": colours.ink}
        )
    )
    limits = [r["threshold"] if r["reason"] == "moment" else None for r in rounds]
    figure.add_trace(
        go.Scatter(
            x=number,
            y=limits,
            name="its limit",
            yaxis="y2",
            mode="lines",
            line={"color": colours.trusted, "dash": "dot"},
        )
    )
    figure.update_layout(
        layout(
            colours,
            barmode="stack",
            xaxis={"title": {"text": "round of the filter"}},
            yaxis={"title": {"text": "rows dropped"}, "rangemode": "tozero"},
            yaxis2={"title": {"text": "excess fourth moment"}, "type": "log"},
            height=height,
            margin={"r": 56, "t": 56},
        )
    )
    return figure


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
    figure.update_layout(
        layout(
            colours,
            xaxis={"title": {"text": "direction, by falling variance"}},
            yaxis={"type": "log", "title": {"text": "variance (log scale)"}},
            height=height,
        )
    )
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
    figure.update_layout(
        layout(
            colours,
            xaxis={"title": {"text": "clean removed (%)"}, "range": [-2, 102]},
            yaxis={"title": {"text": "poison removed (%)"}, "range": [-2, 104]},
            height=height,
        )
    )
    return figure


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
