"""The pictures of a challenge. Most look the same to a whole class, so they are made once and shared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.challenges import Challenge
from dashboard import charts
from dashboard.challenge.game import Game
from dashboard.charts.labels import scores_by_label
from dashboard.theme import palette
from dashboard.widgets import colours, plot

VIEWS = (
    ("raw", "Raw", "σ of the first"),
    ("naive", "Naive whitening", "σ of all rows"),
    ("robust", "Robust whitening", "σ of the trusted rows"),
)
HEIGHT = 300  # pixels


@dataclass(frozen=True)
class Label:
    """What the page shows of one label. Position i of every array is ids[i]."""

    number: int
    name: str
    ids: np.ndarray
    column: str  # of the score that is looked at: que or pca
    score_name: str
    scores: np.ndarray  # as multiples of the label's median
    ranks: np.ndarray  # from 1


def multiples(challenge: Challenge, label: int, column: str) -> np.ndarray:
    """The scores of a label's images, divided by their median: labels of different scales become comparable."""
    scores = challenge.rows[column].to_numpy(float)[challenge.of_label(label)]
    multiple: np.ndarray = np.maximum(scores / max(float(np.median(scores)), 1e-300), 1e-3)
    return multiple


def overview(game: Game, label: Label) -> None:
    """All labels at a glance."""
    challenge = game.challenge
    numbers, poison = range(len(challenge.classes)), _poison(game)

    def make() -> go.Figure:
        return scores_by_label(
            [multiples(challenge, i, label.column) for i in numbers],
            challenge.classes,
            palette(_kind()),
            shown=label.number,
            top=challenge.assumed,
            name=label.score_name,
            truth=None if poison is None else [np.isin(challenge.of_label(i), poison) for i in numbers],
        )

    figure = _shared(("labels", label.column, label.number, *_common(game)), make)
    plot(figure, "by-label", "Scores of the images of every label")


def histogram(game: Game, label: Label, threshold: float) -> None:
    """How the scores of one label are spread, and the cut."""

    def make() -> go.Figure:
        figure = charts.score_histogram(
            label.scores, threshold, palette(_kind()), name=label.score_name, height=HEIGHT, truth=_truth(game, label)
        )
        figure.update_xaxes(title_text=f"{label.score_name} score (× the median of the label, log scale)")
        figure.layout.annotations[0].text = "cut →"
        return figure

    figure = _shared(("histogram", label.column, label.number, threshold, *_common(game)), make)
    plot(figure, "histogram", f"Histogram of the scores of label {label.name}")


def planes(game: Game, label: Label) -> None:
    """Three plane pictures of one label; what is in the basket is ringed."""
    _legend(game.revealed)
    ringed = np.isin(label.ids, list(game.removed))
    for column, (view, title, unit) in zip(st.columns(3), VIEWS, strict=True):

        def make(view: str = view, unit: str = unit) -> go.Figure:
            return charts.projection(
                game.challenge.plane(view, label.ids), label.ids, palette(_kind()), unit=unit, removed=ringed,
                truth=_truth(game, label), legend=False, height=HEIGHT,
            )  # fmt: skip

        with column:
            st.markdown(f"**{title}**")
            figure = _shared((view, label.number, ringed.tobytes(), *_common(game)), make)
            plot(figure, f"plane-{view}", f"{title}: the images of label {label.name} in a plane")


def _legend(revealed: bool) -> None:
    """What the colours and shapes mean, once for the three pictures."""
    c = colours()
    kinds = [("clean", c.clean, ""), ("poison", c.poison, "diamond")] if revealed else [("truth hidden", c.unknown, "")]
    marks = [f'<span><i class="{shape}" style="background:{colour}"></i>{name}</span>' for name, colour, shape in kinds]
    ring = "you removed it" if revealed else "in your basket"
    marks.append(f'<span><i class="ring" style="border-color:{c.ink}"></i>{ring}</span>')
    st.html(f'<div class="sl-legend">{"".join(marks)}</div>')


def _poison(game: Game) -> tuple[int, ...] | None:
    truth = game.truth()
    return truth.poison if truth else None


def _truth(game: Game, label: Label) -> np.ndarray | None:
    """(n,) bool for the images of a label, True for poison; None while it is hidden."""
    poison = _poison(game)
    return None if poison is None else np.isin(label.ids, poison)


def _common(game: Game) -> tuple[str, bool, str]:
    """What every picture depends on. The seal stands for the rows and the truth."""
    return game.seal, game.revealed, _kind()


def _kind() -> str:
    return st.context.theme.type or "light"


@st.cache_resource(max_entries=400, show_spinner=False)
def _shared(key: tuple, _make: Callable[[], go.Figure]) -> go.Figure:
    """A figure by what it shows. Nobody changes it afterwards."""
    return _make()
