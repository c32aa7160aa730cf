"""What several defenses make of the same rows: overlap of removals, score against score, and the same number removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.studies.overlap import Curve, Part
from dashboard.charts.methods import CHANCE, Style, styles, upright
from dashboard.charts.points import SHOWN, groups, thin
from dashboard.theme import Palette, layout

MOST_BARS = 20


def part_key(part: Part) -> str:
    """A part as the address and `customdata` name it: "spectre+spectral"."""
    return "+".join(part.members)


def upset(
    parts: Sequence[Part], titles: Mapping[str, str], colours: Palette, *, chosen: str = "", height: int = 430
) -> go.Figure:
    """Overlap of removals: a bar for each set of defenses that remove the same rows, and below it which those are.

    parts: as `core.studies.overlap.parts` sorts them; the first MOST_BARS are drawn. titles: of all defenses, by key, the
    uppermost first. Bars are split into clean and poison where the parts know it. `customdata` is the part's key; chosen: the key of the
    part that is looked at, which is tinted.
    """
    shown = list(parts[:MOST_BARS])
    at = list(range(len(shown)))
    keys = [part_key(part) for part in shown]
    figure = go.Figure()
    if shown and shown[0].poisons is not None:
        hits = [part.poisons or 0 for part in shown]
        clean = [len(part) - hit for part, hit in zip(shown, hits, strict=True)]
        kinds = [("poison", hits, colours.poison, "/"), ("clean", clean, colours.clean, "")]
    else:
        kinds = [("truth hidden", [len(part) for part in shown], colours.unknown, "")]
    for name, counts, colour, shape in kinds:
        pattern = {"shape": shape, "fillmode": "overlay", "fgcolor": colours.ground, "solidity": 0.2}
        figure.add_trace(
            go.Bar(
                x=at, y=counts, name=name, customdata=keys, width=0.62,
                marker={"color": colour, "pattern": pattern, "line": {"width": 0}},
                hovertemplate="%{y} images<extra>" + name + "</extra>",
            )
        )  # fmt: skip
    places = {key: len(titles) - 1 - i for i, key in enumerate(titles)}
    _dots(figure, shown, places, colours)
    totals = [
        {"x": i, "y": len(part), "text": f"{len(part):,}", "yshift": 10, "showarrow": False}
        for i, part in enumerate(shown)
    ]
    shapes = []
    if chosen in keys:
        i = keys.index(chosen)
        shapes.append(
            {
                "type": "rect", "x0": i - 0.45, "x1": i + 0.45, "y0": 0, "y1": 1, "yref": "paper", "layer": "below",
                "fillcolor": colours.selected, "opacity": 0.18, "line": {"width": 0},
            }
        )  # fmt: skip
    both = layout(
        colours, barmode="stack", height=height, annotations=totals, shapes=shapes, dragmode=False,
        margin={"l": 12, "b": 12}, showlegend=True, meta={"columns": {"x": "bar", "customdata": "removed by"}},
        xaxis={"visible": False, "range": [-0.6, max(len(shown), 4) - 0.4], "fixedrange": True},
        yaxis={"domain": [0.4, 1], "title": {"text": "images removed"}, "automargin": True, "rangemode": "tozero"},
    )  # fmt: skip
    below = {
        "domain": [0, 0.36], "anchor": "x", "tickvals": list(places.values()), "ticktext": list(titles.values()),
        "range": [-0.5, len(titles) - 0.5], "showgrid": False, "zeroline": False, "automargin": True, "fixedrange": True,
        "tickfont": {"size": 13},
    }  # fmt: skip
    figure.layout = {**both, "yaxis2": below}
    return figure


def _dots(figure: go.Figure, shown: Sequence[Part], places: Mapping[str, int], colours: Palette) -> None:
    """The matrix under the bars: a dark dot where a defense takes part, joined by a line."""
    joins: list[tuple[int | None, int | None]] = []
    for i, part in enumerate(shown):
        rows = [places[key] for key in part.members]
        joins += [(i, min(rows)), (i, max(rows)), (None, None)]  # nothing: a gap in the line
    figure.add_trace(
        go.Scatter(
            x=[x for x, _ in joins], y=[y for _, y in joins], yaxis="y2", mode="lines",
            line={"color": colours.ink, "width": 3}, hoverinfo="skip", showlegend=False,
        )
    )  # fmt: skip
    for inside, colour, symbol in ((False, colours.faint, "circle"), (True, colours.ink, "circle")):
        spots = [
            (i, place, part_key(part))
            for i, part in enumerate(shown)
            for key, place in places.items()
            if (key in part.members) == inside
        ]
        figure.add_trace(
            go.Scatter(
                x=[s[0] for s in spots], y=[s[1] for s in spots], customdata=[s[2] for s in spots], yaxis="y2",
                mode="markers", marker={"size": 13, "color": colour, "symbol": symbol}, hoverinfo="skip", showlegend=False,
                unselected={"marker": {"opacity": 1}},
            )
        )  # fmt: skip


def score_pair(
    pair: Sequence[tuple[str, np.ndarray, np.ndarray]],
    ids: np.ndarray,
    colours: Palette,
    *,
    unit: str,
    truth: np.ndarray | None = None,
    selected: np.ndarray | None = None,
    height: int = 430,
) -> go.Figure:
    """One defense's score, or rank, against another's. Every point carries its example id in `customdata`.

    pair: (title, values (n,), removed (n,) bool) of the horizontal and the vertical one. unit: "score" or "rank"; of ranks
    the most suspicious, 1, stands right and above. selected: (n,) bool.
    """
    (_, x, gone_x), (_, y, gone_y) = pair
    kept = gone_x | gone_y if truth is None else gone_x | gone_y | truth
    shown = thin(len(x), kept if selected is None else kept | selected)
    figure = go.Figure()
    for name, mask, colour, symbol in groups(truth, len(x), colours):
        rows = shown[mask[shown]]
        figure.add_trace(
            go.Scatter(
                x=x[rows], y=y[rows], customdata=ids[rows], mode="markers", name=f"{name} ({int(mask.sum()):,})",
                marker={"color": colour, "size": 6 if symbol == "circle" else 8, "symbol": symbol, "opacity": 0.75},
                hovertemplate="example %{customdata}<extra></extra>",
            )
        )  # fmt: skip
    rings = [("removed by one", gone_x ^ gone_y, "circle-open", colours.ink, 11)]
    rings += [("removed by both", gone_x & gone_y, "square-open", colours.ink, 12)]
    rings += [("selected", selected, "circle-open", colours.selected, 16)] if selected is not None else []
    for name, mask, symbol, colour, size in rings:
        if mask.any():
            figure.add_trace(
                go.Scatter(
                    x=x[mask], y=y[mask], customdata=ids[mask], mode="markers", name=f"{name} ({int(mask.sum()):,})",
                    marker={"color": colour, "size": size, "symbol": symbol, "line": {"width": 1.5}}, hoverinfo="skip",
                )
            )  # fmt: skip
    axes = [_axis(values, title, unit) for title, values, _ in pair]
    notes = []
    if len(shown) < len(x):
        text = f"showing {len(shown):,} of {len(x):,}, all poison and all removed kept"
        notes = [
            {"text": text, "xref": "paper", "yref": "paper", "x": 1, "y": 0, "showarrow": False, "font": {"size": 12}}
        ]
    figure.layout = layout(
        colours, xaxis=axes[0], yaxis=axes[1], height=height, dragmode="lasso", annotations=notes,
        meta={"columns": {"customdata": "example id"}},
    )  # fmt: skip
    return figure


def _axis(values: np.ndarray, title: str, unit: str) -> dict[str, Any]:
    """The axis of one defense: logarithmic where all values are positive; its range does not depend on the truth."""
    log = bool((values > 0).all())
    low, high = float(values.min()), float(values.max())
    if log:
        low, high = float(np.log10(low)), float(np.log10(high))
    pad = 0.05 * max(high - low, 1e-9)
    bounds = [low - pad, high + pad]
    scale = " (log scale)" if log else ""
    if unit == "rank":
        return {
            "type": "log",
            "range": bounds[::-1],
            "title": {"text": f"{title}: rank, 1 = most suspicious"},
            "dtick": 1,
        }
    return {"type": "log" if log else "linear", "range": bounds, "title": {"text": f"{title}: score{scale}"}} | (
        {"nticks": 6} if not log else {"dtick": 1 if high - low > 1 else "D2"}
    )


def found_curves(
    curves: Mapping[str, Curve],
    titles: Mapping[str, str],
    every: Sequence[str],
    mark: int | Mapping[str, tuple[int, int]],
    poisons: int,
    colours: Palette,
    height: int = 400,
) -> go.Figure:
    """Share of the poisons among the highest rows of each defense, as their number grows.

    mark: the same number removed for all, or for each defense its own: (removed, poisons among them).
    every: keys of all defenses of the run, so that each keeps its style whichever are shown.
    """
    figure = go.Figure()
    looks = styles(list(every), colours)
    n = max(int(curve.removed[-1]) for curve in curves.values())
    at = np.unique(np.geomspace(1, n, 100).round())
    figure.add_trace(
        go.Scatter(
            x=at, y=100 * at / n, mode="lines", name="by chance", line={"color": CHANCE, "width": 1},
            hoverinfo="skip",
        )
    )  # fmt: skip
    for key, curve in curves.items():
        look = looks[key]
        figure.add_trace(
            go.Scatter(
                x=curve.removed, y=100 * curve.hits / poisons, mode="lines", name=titles[key],
                line={"color": look.colour, "dash": look.dash, "width": look.width, "shape": "hv"},
                customdata=curve.hits, hovertemplate="%{customdata} of " + f"{poisons:,} poisons<extra>{titles[key]}</extra>",
            )
        )  # fmt: skip
    if isinstance(mark, int):
        figure.add_trace(upright(max(mark, 1), f"{mark:,} removed", colours))
    else:
        for key, (removed, hits) in mark.items():
            figure.add_trace(_own_point(removed, hits, poisons, titles[key], looks[key], colours))
    figure.layout = layout(
            colours, meta={"columns": {"customdata": "poisons found"}}, height=height, hovermode="x unified",
            xaxis={"type": "log", "title": {"text": "images removed, the most suspicious first (log scale)"}, "dtick": 1, "range": [-0.03, np.log10(n) + 0.03]},
            yaxis={"title": {"text": "poison removed (%)"}, "range": [-2, 104]},
        )  # fmt: skip
    return figure


def _own_point(removed: int, hits: int, poisons: int, title: str, look: Style, colours: Palette) -> go.Scatter:
    """What a defense removed of its own choice, in its shape. Nothing removed stands at one, where a log axis begins."""
    told = f"chose {removed:,}: {hits:,} of {poisons:,} poisons"
    return go.Scatter(
        x=[max(removed, 1)], y=[100 * hits / poisons], mode="markers", name=f"{title}: chose {removed:,}", showlegend=False,
        marker={
            "size": 13, "symbol": look.symbol, "color": look.colour, "line": {"width": 1.5, "color": colours.ground},
        },
        customdata=[told], hovertemplate="%{customdata}<extra>" + title + "</extra>",
    )  # fmt: skip


__all__ = ["MOST_BARS", "SHOWN", "found_curves", "part_key", "score_pair", "upset"]
