"""Training as it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from dashboard.theme import Palette, layout

Rows = Sequence[dict[str, Any]]
STAGES = (("train", "training, epoch"), ("retrain", "retraining, epoch"))
FEW = 6  # epochs of which each has its tick; there are no half ones
GAP = 0.06  # of the width, between training and retraining
LOSS = 0.30  # of the height, below


def epochs_of(metrics: Rows) -> list[dict[str, Any]]:
    """The rows that can be drawn: one for each epoch with its stage, loss and accuracy."""
    names = {stage for stage, _ in STAGES}
    return [
        row
        for row in metrics
        if row.get("stage") in names
        and all(isinstance(row.get(n), (int, float)) for n in ("epoch", "loss", "accuracy"))
    ]


def sample_of(metrics: Rows, field: str) -> int:
    """How many images a share was counted over; 0 where it was not."""
    return next((int(row[field]["total"]) for row in metrics if _counted(row, field)), 0)


def training_curves(metrics: Rows, colours: Palette, height: int = 400) -> go.Figure:
    """Accuracy, attack success and loss of each epoch: the training, and beside it the retraining where it has begun.

    metrics: as `epochs_of` gives them. Runs of earlier versions have no attack success and no test accuracy.
    """
    figure = go.Figure()
    parts = [(title, [m for m in metrics if m["stage"] == stage]) for stage, title in STAGES]
    parts = [(title, rows) for title, rows in parts if rows]
    width = (1 - GAP * (len(parts) - 1)) / max(len(parts), 1)
    axes: dict[str, Any] = {}
    for i, (title, rows) in enumerate(parts):
        n = i + 1
        for trace in (*_shares(rows, colours), _loss(rows, colours)):
            below = trace.name == "loss"
            trace.update(
                xaxis=f"x{n}", yaxis="y2" if below else "y", showlegend=not below and trace.name not in _names(figure)
            )
            figure.add_trace(trace)
        left = i * (width + GAP)
        last = max(max(m.get("epochs", 1), m["epoch"]) for m in rows)
        axes[f"xaxis{n}" if i else "xaxis"] = {
            **_style(colours), "domain": [left, left + width], "anchor": "y2", "tickformat": "d", "nticks": 6,
            **({"dtick": 1} if last <= FEW else {}), "range": [0.5, last + 0.5], "title": {"text": title, "font": {"size": 13}},
        }  # fmt: skip
    figure.update_layout(layout(colours, height=height, margin={"r": 16, "t": 62}, hovermode="x unified", **axes))
    figure.update_layout(
        meta={"columns": {"customdata 1": "images", "customdata 2": "of"}},
        yaxis={"domain": [LOSS + 0.06, 1], "range": [-3, 103], "title": {"text": "share (%)"}},
        yaxis2={
            **_style(colours),
            "domain": [0, LOSS],
            "rangemode": "tozero",
            "title": {"text": "loss", "font": {"size": 13}},
            "nticks": 4,
        },
        hoverlabel={"bgcolor": colours.ground, "font": {"color": colours.ink}},
    )
    return figure


def _names(figure: go.Figure) -> set[str]:
    return {trace.name for trace in figure.data}


def _style(colours: Palette) -> dict[str, Any]:
    return {key: layout(colours)["xaxis"][key] for key in ("gridcolor", "zerolinecolor", "linecolor", "tickfont")}


def _shares(rows: Rows, colours: Palette) -> list[go.Scatter]:
    """Each with a dash and a mark of its own, so that the colour is not needed."""
    kinds = (
        ("test_accuracy", "test accuracy", colours.clean, "solid", "circle"),
        ("attack_success", "attack success", colours.poison, "dash", "diamond"),
    )
    traces = [_share(rows, *kind) for kind in kinds if any(_counted(row, kind[0]) for row in rows)]
    percent = [100 * row["accuracy"] for row in rows]
    traces.append(
        go.Scatter(
            x=[row["epoch"] for row in rows],
            y=percent,
            name="training accuracy",
            mode="lines",
            line={"color": colours.unknown, "dash": "dot", "width": 2},
            hovertemplate="%{y:.1f} %",
        )
    )
    return traces


def _share(rows: Rows, field: str, name: str, colour: str, dash: str, symbol: str) -> go.Scatter:
    shown = [row for row in rows if _counted(row, field)]
    counts = [(row[field]["count"], row[field]["total"]) for row in shown]
    return go.Scatter(
        x=[row["epoch"] for row in shown], y=[100 * count / total for count, total in counts], customdata=counts,
        name=name, mode="lines+markers", line={"color": colour, "dash": dash, "width": 2.5},
        marker={"symbol": symbol, "size": 7, "color": colour},
        hovertemplate="%{y:.0f} % (%{customdata[0]} of %{customdata[1]})",
    )  # fmt: skip


def _counted(row: dict[str, Any], field: str) -> bool:
    share = row.get(field)
    if not isinstance(share, dict):
        return False
    numbers = isinstance(share.get("count"), int) and isinstance(share.get("total"), int)
    return numbers and share["total"] > 0


def _loss(rows: Rows, colours: Palette) -> go.Scatter:
    return go.Scatter(
        x=[row["epoch"] for row in rows], y=[row["loss"] for row in rows], name="loss", mode="lines",
        line={"color": colours.ink, "width": 2}, hovertemplate="%{y:.3g}",
    )  # fmt: skip
