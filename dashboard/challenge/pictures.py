"""The pictures of a challenge. Most look the same to a whole class, so they are made once and shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.challenges import Challenge, Truth
from core.foundation.sources import full_source, short_source
from dashboard import lens, tiles
from dashboard.challenge.game import Game
from dashboard.charts.labels import scores_by_label
from dashboard.theme import palette
from dashboard.widgets import colours, plot

VIEWS = (
    ("raw", "Raw", "σ of the first"),
    ("naive", "Naively whitened", "σ of all rows"),
    ("robust", "Robustly whitened", "σ of the trusted rows"),
)
HEIGHT = 320  # pixels


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
    channel: str  # over which its pictures agree

    @property
    def cut_channel(self) -> str:
        """Of the histogram alone: its cut removes nothing."""
        return f"{self.channel}/{self.column}"

    def mask(self, ids: set[int]) -> np.ndarray:
        """(n,) bool: which images of the label are among those."""
        return np.isin(self.ids, list(ids))


NAMES = {"que": "QUE", "pca": "PCA"}  # of the scores


def label_of(challenge: Challenge, number: int, column: str) -> Label:
    """A label as one score sees it."""
    scores = multiples(challenge, number, column)
    ranks = np.empty(len(scores), int)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return Label(
        number, challenge.classes[number], challenge.of_label(number), column, NAMES[column], scores, ranks,
        f"challenge/{challenge.id}/{number}",
    )  # fmt: skip


def multiples(challenge: Challenge, label: int, column: str) -> np.ndarray:
    """The scores of a label's images, divided by their median: labels of different scales become comparable."""
    scores = challenge.rows[column].to_numpy(float)[challenge.of_label(label)]
    multiple: np.ndarray = np.maximum(scores / max(float(np.median(scores)), 1e-300), 1e-3)
    return multiple


def overview(game: Game, label: Label) -> None:
    """All labels at a glance."""
    figure = _overview(game.seal, label.column, label.number, game.revealed, st.context.theme.type or "light", game)
    plot(figure, "by-label", "Scores of the images of every label")


@st.cache_resource(max_entries=200, show_spinner=False)
def _overview(seal: str, column: str, shown: int, revealed: bool, theme: str, _game: Game) -> go.Figure:
    """The figure by what it shows; nobody changes it afterwards. The seal stands for the rows and the truth."""
    challenge, known = _game.challenge, _game.truth
    numbers = range(len(challenge.classes))
    return scores_by_label(
        [multiples(challenge, i, column) for i in numbers],
        challenge.classes,
        palette(theme),
        shown=shown,
        top=challenge.assumed,
        name=column.upper(),
        truth=[np.isin(challenge.of_label(i), known.poison) for i in numbers] if known else None,
    )


def truth_of(game: Game, label: Label) -> np.ndarray | None:
    """(n,) bool for the images of a label, True for poison; None while it is hidden."""
    known = game.truth
    return None if known is None else np.isin(label.ids, known.poison)


def synchronise(game: Game, label: Label, above: np.ndarray) -> None:
    """Tell the pictures of a label what holds: the basket is ringed; above: (n,) bool, the images above the cut."""
    n, truth = len(label.ids), truth_of(game, label)
    removed, selected = label.mask(game.removed), label.mask(game.selected)
    focus = np.flatnonzero(label.ids == st.session_state.get(f"focus {game.seal}", -1))
    lens.sync(
        label.channel, n, removed=removed, truth=truth, selected=selected, focus=int(focus[0]) if len(focus) else None,
        heard=st.session_state.get(f"heard {game.seal}", 0),
    )  # fmt: skip
    lens.sync(label.cut_channel, n, removed=above, truth=truth, moved=st.session_state.get(f"moved {game.seal}", 0))


@st.cache_resource(max_entries=200, show_spinner=False)
def clouds_of(seal: str, number: int, _challenge: Challenge, _label: Label) -> bytes:
    """The three projections of a label, packed once for all visitors."""
    views = [(name, title, unit, _challenge.plane(name, _label.ids)) for name, title, unit in VIEWS]
    file = f"{_challenge.id}-{number}-projections"
    return lens.pack_clouds(_label.channel, _label.ids, views, height=HEIGHT, file=file, lead=2)


@st.cache_resource(max_entries=400, show_spinner=False)
def scores_of(seal: str, number: int, column: str, _challenge: Challenge, _label: Label) -> bytes:
    """The scores of a label, packed once for all visitors."""
    name = _label.score_name
    return lens.pack_histogram(
        _label.cut_channel, _label.ids, _label.scores, name=name, height=HEIGHT, selects=_label.channel,
        axis=f"{name} score (× the median of the label, log scale)", file=f"{_challenge.id}-{number}-{column}",
        words={"removed": "above the cut"},
    )  # fmt: skip


def legend(revealed: bool) -> None:
    """What the colours and shapes mean, once for the three pictures."""
    c = colours()
    kinds = [("clean", c.clean, ""), ("poison", c.poison, "diamond")] if revealed else [("truth hidden", c.unknown, "")]
    marks = [f'<span><i class="{shape}" style="background:{colour}"></i>{name}</span>' for name, colour, shape in kinds]
    rings = (("you removed it" if revealed else "in your basket", c.ink), ("selected", c.selected))
    marks += [f'<span><i class="ring" style="border-color:{colour}"></i>{name}</span>' for name, colour in rings]
    st.html(f'<div class="sl-legend">{"".join(marks)}</div>')


def sources(challenge: Challenge, ids: Sequence[int]) -> list[str]:
    """Images as data URLs, each made once for all visitors: a class looks at the same ones."""
    made = _sources(challenge.seal)
    for i in ids:
        if i not in made:
            made[i] = tiles.source(challenge.images[i])
    return [made[i] for i in ids]


def file_of(truth: Truth | None, i: int) -> tuple[str, str]:
    """The file of an image in short and in full, once the truth is out; empty before, for its folder is what it shows."""
    told = truth.sources[i] if truth and truth.sources else ""
    short = short_source(told)
    return short, full_source(told) if short else ""


@st.cache_resource(max_entries=8, show_spinner=False)
def _sources(seal: str) -> dict[int, str]:
    """The data URLs of a challenge by id, to be filled."""
    return {}
