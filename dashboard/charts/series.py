"""Figures of several runs: each run a dot, the mean over seeds, and the interval around it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import plotly.graph_objects as go

from core.studies.intervals import Interval, over_runs, wilson
from dashboard.charts.methods import Style, side_by_side, styles
from dashboard.plain import in_figure
from dashboard.theme import Palette, layout

INTERVAL = ("poisons", "runs, or the seed of a single one", "from (%)", "to (%)")  # what a mark says beside its place
Row = Mapping[str, Any]
Pick = Callable[[Row], Mapping[str, int] | None]  # the share of a run that is drawn: {"count", "total"}


def by_poisons(rows: Sequence[Row], pick: Pick) -> list[tuple[int, list[tuple[Row, float]], Interval]]:
    """(poisons, the runs with their share, mean and interval) for each number of poisons with something to count."""
    found = []
    for count in sorted({row["poisons"] for row in rows}):
        picked = [(row, pick(row)) for row in rows if row["poisons"] == count]
        shares = [(row, share) for row, share in picked if share and share["total"]]
        interval = over_runs([(share["count"], share["total"]) for _, share in shares])
        if interval:
            found.append((count, [(row, share["count"] / share["total"]) for row, share in shares], interval))
    return found


def success_by_poisons(rows: Sequence[Row], colours: Palette, *, single: bool = False, height: int = 420) -> go.Figure:
    """Attack success against the number of poisons; where runs were retrained, after that too, joined run by run.

    single: with one random trigger on each image instead of all at once.
    """
    name = "attack_single" if single else "attack_combined"
    figure = go.Figure()
    before = Style(colours.poison, "diamond", "solid", 3)
    after = Style(colours.ink, "circle-open", "dot", 2)
    place = _places(rows)
    pairs = [row for row in rows if row["after"] and row["after"][name]["total"] and row["before"][name]["total"]]
    shift = _shifts(rows)
    for row in pairs:
        at = place(row["poisons"]) * shift[row["seed"]]
        ends = [100 * row[moment][name]["count"] / row[moment][name]["total"] for moment in ("before", "after")]
        figure.add_trace(
            go.Scatter(
                x=[at, at], y=ends, mode="lines", line={"color": colours.faint, "width": 2}, hoverinfo="skip",
                meta={"x": [row["poisons"]] * 2, "series": f"before and after, seed {row['seed']}"},
                showlegend=False,
            )
        )  # fmt: skip
    curve(figure, rows, lambda row: row["before"][name], "as trained" if pairs else "attack success", before)
    if pairs:
        curve(figure, rows, lambda row: (row["after"] or {}).get(name), "after retraining", after)
    figure.layout = _layout(
        rows, colours, f"attack success (% of test images of {in_figure(rows[0]['victims'])})", height
    )
    return figure


def found_by_poisons(
    rows: Sequence[Row],
    titles: Mapping[str, str],
    every: Sequence[str],
    colours: Palette,
    *,
    rate: str,
    height: int = 420,
) -> go.Figure:
    """Share of the poison, or of the clean images, that each defense removes, against the number of poisons.

    rate: "true_positive_rate" or "false_positive_rate". every: all defenses, so that each keeps its style.
    """
    figure = go.Figure()
    looks = styles(list(every), colours)
    for (key, title), beside in zip(titles.items(), side_by_side(len(titles), 1.06), strict=True):
        curve(figure, rows, _rate_of(key, rate), title, looks[key], beside)
    what = "poison removed (%)" if rate == "true_positive_rate" else "clean images removed (%)"
    figure.layout = _layout(rows, colours, what, height)
    return figure


def _rate_of(key: str, rate: str) -> Pick:
    return lambda row: cast(Mapping[str, int], row["defenses"][key][rate])


def _places(rows: Sequence[Row]) -> Callable[[int], float]:
    """Where a number of poisons stands on the log axis: none at all left of the smallest."""
    smallest = min((row["poisons"] for row in rows if row["poisons"]), default=1)
    return lambda count: float(count) if count else smallest / 3


def _shifts(rows: Sequence[Row]) -> dict[int, float]:
    """Seeds side by side, a few percent apart, so that equal results do not hide each other."""
    seeds = sorted({row["seed"] for row in rows})
    return dict(zip(seeds, side_by_side(len(seeds), 1.02), strict=True))


def curve(figure: go.Figure, rows: Sequence[Row], pick: Pick, name: str, look: Style, beside: float = 1.0) -> None:
    """Mean and interval for each number of poisons, and every run as a small mark. beside: factor on the log axis."""
    at = _places(rows)

    def place(count: int) -> float:
        return at(count) * beside

    points = by_poisons(rows, pick)
    shift = _shifts(rows)
    dots = [(place(count) * shift[row["seed"]], value, row) for count, runs, _ in points for row, value in runs]
    means = [interval for _, _, interval in points]
    figure.add_trace(
        go.Scatter(
            x=[place(count) for count, _, _ in points], y=[100 * m.centre for m in means], name=name, legendgroup=name,
            mode="lines+markers", line={"color": look.colour, "dash": look.dash, "width": look.width},
            marker={"size": 10, "symbol": look.symbol, "color": look.colour},
            error_y={
                "type": "data", "symmetric": False, "color": look.colour, "thickness": 1.2, "width": 5,
                "array": [100 * (m.high - m.centre) for m in means], "arrayminus": [100 * (m.centre - m.low) for m in means],
            },
            customdata=[[count, m.runs, 100 * m.low, 100 * m.high] for (count, _, _), m in zip(points, means, strict=True)],
            meta={"x": [count for count, _, _ in points]},
            hovertemplate="%{customdata[0]} poisons: mean %{y:.1f} % of %{customdata[1]} runs<br>"
            "interval %{customdata[2]:.1f} to %{customdata[3]:.1f} %<extra>" + name + "</extra>",
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=[x for x, _, _ in dots], y=[100 * value for _, value, _ in dots], legendgroup=name, showlegend=False,
            mode="markers", marker={"size": 6, "symbol": look.symbol, "color": look.colour, "opacity": 0.55},
            customdata=[[row["poisons"], row["seed"]] for _, _, row in dots], name=name,
            meta={"x": [row["poisons"] for _, _, row in dots], "series": f"{name}, single runs"},
            hovertemplate="%{customdata[0]} poisons, seed %{customdata[1]}: %{y:.1f} %<extra>" + name + "</extra>",
        )
    )  # fmt: skip


def _layout(rows: Sequence[Row], colours: Palette, what: str, height: int) -> dict[str, Any]:
    return layout(
        colours,
        height=height,
        xaxis=log_axis(rows),
        yaxis={"title": {"text": what}, "range": [-3, 105]},
        margin={"t": 64},
        meta={"columns": dict(zip((f"customdata {i}" for i in range(1, 5)), INTERVAL, strict=True))},
    )


def log_axis(rows: Sequence[Row]) -> dict[str, Any]:
    """The axis of poisons, with a tick for each number that was run; wide enough that seeds and defenses side by side are one number."""
    counts, place = sorted({row["poisons"] for row in rows}), _places(rows)
    alone = {"range": [math.log10(place(counts[0]) / 3), math.log10(3 * place(counts[0]))]} if len(counts) == 1 else {}
    return {
        "type": "log", "title": {"text": "poisons in the training set (log scale)"}, **alone,
        "tickvals": [place(count) for count in counts], "ticktext": [f"{count:,}" for count in counts],
    }  # fmt: skip


def before_after(rows: Sequence[Row], labels: Sequence[str], colours: Palette, *, single: bool = False) -> go.Figure:
    """Attack success of each run before and after retraining, with the Wilson interval of its test images.

    labels: what to call each run, the uppermost first.
    """
    name = "attack_single" if single else "attack_combined"
    figure = go.Figure()
    for moment, title, colour, symbol in (
        ("before", "as trained", colours.poison, "diamond"),
        ("after", "after retraining", colours.ink, "circle-open"),
    ):
        shares = [(label, row[moment][name]) for row, label in zip(rows, labels, strict=True) if row[moment]]
        known = [(label, share) for label, share in shares if share["total"]]
        values = [share["count"] / share["total"] for _, share in known]
        ranges = [wilson(share["count"], share["total"]) for _, share in known]
        figure.add_trace(
            go.Scatter(
                x=[100 * v for v in values], y=[label for label, _ in known], mode="markers", name=title,
                marker={"size": 12, "color": colour, "symbol": symbol, "line": {"width": 2}},
                error_x={
                    "type": "data", "symmetric": False, "color": colour, "thickness": 1.5,
                    "array": [100 * (high - v) for v, (_, high) in zip(values, ranges, strict=True)],
                    "arrayminus": [100 * (v - low) for v, (low, _) in zip(values, ranges, strict=True)],
                },
                customdata=[[share["count"], share["total"]] for _, share in known],
                hovertemplate="%{x:.1f} % (%{customdata[0]} of %{customdata[1]})<extra>" + title + "</extra>",
            )
        )  # fmt: skip
    figure.layout = layout(
            colours, height=140 + 46 * len(labels), margin={"l": 12},
            xaxis={"title": {"text": "attack success (%)"}, "range": [-3, 103]},
            yaxis={"categoryorder": "array", "categoryarray": list(labels)[::-1], "automargin": True},
            meta={"columns": {"customdata 1": "test images", "customdata 2": "of"}},
        )  # fmt: skip
    return figure
