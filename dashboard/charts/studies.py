"""Figures of the studies of one run: a wrong budget, and layers against k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from core.studies.intervals import wilson
from dashboard.charts.methods import side_by_side, styles, upright
from dashboard.theme import DARK, Palette, layout

BUDGET_RATES = {
    "true_positive_rate": "poison removed (%)",
    "false_positive_rate": "clean images removed (%)",
    "removed": "images removed",
    "kept": "of what goes at the true number (%)",
}


def wrong_budget(
    study: Mapping[str, Any], keys: Sequence[str], rate: str, colours: Palette, *, revealed: bool, height: int = 400
) -> go.Figure:
    """What each defense does when it is told a wrong number of poisons. rate: a key of BUDGET_RATES.

    Shares carry the Wilson interval of their rows. revealed: whether the true number is named on the axis.
    """
    rows = study["rows"]
    every = list(rows[0]["defenses"])
    looks = styles(every, colours)
    figure = go.Figure()
    for key, beside in zip(keys, side_by_side(len(keys)), strict=True):
        cells = [row["defenses"][key] for row in rows]
        shares = [None if rate == "removed" else cell.get(rate) for cell in cells]
        title, look = cells[0]["title"], looks[key]
        if rate == "removed":
            values: list[float | None] = [cell["removed"] for cell in cells]
            bars: dict[str, Any] = {}
        else:
            values = [100 * s["count"] / s["total"] if s and s["total"] else None for s in shares]
            ranges = [wilson(s["count"], s["total"]) if s and s["total"] else (0.0, 0.0) for s in shares]
            bars = {
                "type": "data", "symmetric": False, "color": look.colour, "thickness": 1, "width": 4,
                "array": [100 * high - (v or 0) for v, (_, high) in zip(values, ranges, strict=True)],
                "arrayminus": [(v or 0) - 100 * low for v, (low, _) in zip(values, ranges, strict=True)],
            }  # fmt: skip
        told = [
            f"told {row['assumed']:,} poisons: " + (f"{s['count']:,} of {s['total']:,}" if s else f"{c['removed']:,}")
            for row, s, c in zip(rows, shares, cells, strict=True)
        ]
        figure.add_trace(
            go.Scatter(
                x=[row["assumed"] * beside for row in rows], y=values, name=title, mode="lines+markers", error_y=bars or None,
                line={"color": look.colour, "dash": look.dash, "width": look.width},
                marker={"size": 9, "symbol": look.symbol, "color": look.colour}, customdata=told,
                meta={"x": [row["assumed"] for row in rows]},
                hovertemplate="%{customdata}<extra>" + title + "</extra>",
            )
        )  # fmt: skip
    if revealed:
        figure.add_trace(upright(study["true"], f"the true number, {study['true']:,}", colours))
    ticks = [row["assumed"] for row in rows]
    vertical: dict[str, Any] = {"title": {"text": BUDGET_RATES[rate]}, "rangemode": "tozero"}
    if rate != "removed":
        vertical["range"] = [-3, 105]
    figure.layout = layout(
            colours, height=height, yaxis=vertical, meta={"columns": {"customdata": "in words"}},
            xaxis={
                "type": "log", "title": {"text": "poisons that the defense is told to expect (log scale)"},
                "tickvals": ticks, "ticktext": [f"{t:,}" for t in ticks],
            },
        )  # fmt: skip
    return figure


def layer_map(study: Mapping[str, Any], colours: Palette, *, revealed: bool, height: int | None = None) -> go.Figure:
    """Layers, from the input on the left, against k: the share of the poison removed, or, truth hidden, the objective.

    The objective is coloured by its share of the layer's largest, for layers are not comparable in it. The uppermost row
    is what SPECTRE takes by itself.
    """
    rows = study["rows"]
    ks = sorted({cell["k"] for row in rows for cell in row["by_k"]})
    z, text, hover, values = [], [], [], []
    for k in [*ks, None]:
        line = [row["chosen"] if k is None else _cell(row, k) for row in rows]
        z.append([_shade(cell, revealed, _largest(row)) for row, cell in zip(rows, line, strict=True)])
        values.append([_value(cell, revealed) for cell in line])
        words = [_words(cell, revealed) for cell in line]
        text.append(words if k else [f"{row['chosen']['k']}: {w}" for w, row in zip(words, rows, strict=True)])
        hover.append([_hover(cell, revealed, row["columns"]) for row, cell in zip(rows, line, strict=True)])
    names = [f"{row['layer']}<br>{row['columns']:,}" for row in rows]
    top = _deepest(colours, revealed)
    # An empty place of a heat map shows no text of its own.
    notes = [
        {
            "x": i,
            "y": j,
            "text": "no such k",
            "showarrow": False,
            "font": {"size": 12, "color": colours.ink},
            "opacity": 0.7,
        }
        for j, k in enumerate(ks)
        for i, row in enumerate(rows)
        if _cell(row, k) is None
    ]
    figure = go.Figure(
        go.Heatmap(
            z=z, x=names, y=[*map(str, ks), "its own k"], text=text, texttemplate="%{text}", customdata=hover, meta={"values": values}, xgap=2,
            ygap=2, zmin=0, zmax=1, colorscale=[[0, colours.faint], [1, top]], showscale=False,
            hovertemplate="%{x}<br>k: %{y}<br>%{customdata}<extra></extra>", textfont={"color": colours.ink, "size": 12},
        )
    )  # fmt: skip
    figure.layout = layout(
            colours, height=height or 110 + 34 * (len(ks) + 1), dragmode=False, margin={"l": 12, "t": 12}, annotations=notes,
            shapes=[{
                "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": len(ks) - 0.5, "y1": len(ks) - 0.5,
                "line": {"color": colours.ink, "width": 1},
            }],
            xaxis={
                "type": "category", "title": {"text": "layer and its features, from the input to the output"},
                "showgrid": False, "automargin": True,
            },
            yaxis={
                "type": "category", "title": {"text": "principal components k"}, "showgrid": False, "automargin": True,
            },
        )  # fmt: skip
    return figure


def _deepest(colours: Palette, revealed: bool) -> str:
    """The shade of the largest value: that of poison, or of the unknown; on a dark ground deep enough to be written on."""
    if colours.ground == DARK.ground:
        return "#A84A00" if revealed else "#55606B"
    return colours.poison if revealed else colours.unknown


def _cell(row: Mapping[str, Any], k: int) -> Mapping[str, Any] | None:
    return next((cell for cell in row["by_k"] if cell["k"] == k), None)


def _largest(row: Mapping[str, Any]) -> float | None:
    known = [cell["objective"] for cell in [*row["by_k"], row["chosen"]] if cell["objective"] is not None]
    return max(known, default=None)


def _shade(cell: Mapping[str, Any] | None, revealed: bool, largest: float | None) -> float | None:
    """0..1, or None for an empty place."""
    if cell is None:
        return None
    if revealed:
        share = cell["true_positive_rate"]
        return share["count"] / share["total"] if share["total"] else None
    return None if cell["objective"] is None or not largest else cell["objective"] / largest


def _value(cell: Mapping[str, Any] | None, revealed: bool) -> float | None:
    """What a cell says, unrounded: the share of the poison, or the objective."""
    return _shade(cell, True, None) if revealed else None if cell is None else cell["objective"]


def _words(cell: Mapping[str, Any] | None, revealed: bool) -> str:
    if cell is None:
        return ""
    if revealed:
        share = cell["true_positive_rate"]
        return f"{100 * share['count'] / share['total']:.0f} %" if share["total"] else ""
    return "" if cell["objective"] is None else f"{cell['objective']:.3g}"


def without_k(study: Mapping[str, Any]) -> dict[str, int]:
    """Layers that have no value at some k, with the number of their features."""
    ks = {cell["k"] for row in study["rows"] for cell in row["by_k"]}
    return {row["layer"]: row["columns"] for row in study["rows"] if ks - {cell["k"] for cell in row["by_k"]}}


def _hover(cell: Mapping[str, Any] | None, revealed: bool, columns: int) -> str:
    if cell is None:
        return f"no such k: this layer has {columns:,} features, and no more directions of spread than those"
    objective = "not defined" if cell["objective"] is None else f"{cell['objective']:.4g}"
    if not revealed:
        return f"{cell['removed']:,} removed, objective {objective}"
    hit, missed = cell["true_positive_rate"], cell["false_positive_rate"]
    poison = f"{hit['count']:,} of {hit['total']:,} poisons, {missed['count']:,} of {missed['total']:,} clean images"
    return f"{poison} removed<br>objective {objective}"
