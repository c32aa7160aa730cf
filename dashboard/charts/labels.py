"""All labels of a training set side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dashboard.plain import in_figure
from dashboard.theme import Palette, layout

LINE = 27  # pixels of height for each label


def scores_by_label(
    scores: Sequence[np.ndarray],
    names: Sequence[str],
    colours: Palette,
    *,
    shown: int,
    top: int,
    name: str,
    truth: Sequence[np.ndarray] | None = None,
) -> go.Figure:
    """How far the scores of each label reach: a bar for the middle 90 %, a dot for each of the `top` highest.

    scores: for each label (n,), positive, as multiples of the label's median. shown: position of the label that the rest
    of the page shows. truth: for each label (n,) bool, True for poison; None hides it.
    """
    figure = go.Figure()
    shown_as = [in_figure(text) for text in names]
    lines = [f"<b>{text}</b> ◂" if i == shown else text for i, text in enumerate(shown_as)]
    middle = [np.percentile(values, (5, 50, 95)) for values in scores]
    figure.add_trace(
        go.Bar(
            y=lines,
            x=[high - low for low, _, high in middle],
            base=[low for low, _, _ in middle],
            orientation="h",
            width=0.5,
            marker={"color": [colours.selected if i == shown else colours.unknown for i in range(len(lines))]},
            opacity=0.45,
            name="the middle 90 % of the images",
            hoverinfo="skip",
        )
    )
    tops = [np.argsort(-values, kind="stable")[:top] for values in scores]
    kinds: list[tuple[str, str, str, list[np.ndarray]]] = [
        (f"one of its {top} highest", colours.ink, "circle-open", tops)
    ]
    if truth is not None:
        kinds[0] = ("clean", colours.clean, "circle-open", [t[~truth[i][t]] for i, t in enumerate(tops)])
        kinds.append(("poison", colours.poison, "diamond", [t[truth[i][t]] for i, t in enumerate(tops)]))
    for label, colour, symbol, rows in kinds:
        figure.add_trace(
            go.Scatter(
                x=np.concatenate([scores[i][r] for i, r in enumerate(rows)]),
                y=[lines[i] for i, r in enumerate(rows) for _ in r],
                mode="markers",
                name=label,
                marker={"color": colour, "symbol": symbol, "size": 7, "opacity": 0.8},
                hovertemplate="%{x:.3g} × the median<extra></extra>",
            )
        )
    figure.update_layout(
        layout(
            colours,
            xaxis={
                "type": "log",
                "dtick": 1,
                "title": {"text": f"{name} score (× the median of the label, log scale)"},
            },
            yaxis={"type": "category", "dtick": 1, "autorange": "reversed", "automargin": True, "showgrid": False},
            barmode="overlay",
            height=110 + LINE * len(lines),
            margin={"l": 8, "t": 48},
        )
    )
    return figure
