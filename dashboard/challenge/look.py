"""The look at one label: its scores with a cut, three pictures, and the images, which can be ticked."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.challenges import Challenge, Truth
from core.outcomes import remove_count
from dashboard import charts, tiles
from dashboard.address import adopt, publish
from dashboard.challenge.game import Game
from dashboard.charts.labels import scores_by_label
from dashboard.theme import palette
from dashboard.widgets import colours, plot

PAGE = 24  # images at a time
NAMES = {"que": "QUE", "pca": "PCA"}
VIEWS = (
    ("raw", "Raw", "σ of the first"),
    ("naive", "Naive whitening", "σ of all rows"),
    ("robust", "Robust whitening", "σ of the trusted rows"),
)
CSS = """<style>
.st-key-tiles button { height: auto; padding: 4px 4px 2px; border-radius: 5px; }
.st-key-tiles button img { height: 72px !important; max-height: none !important; width: 72px !important;
  max-width: none !important; object-fit: contain !important; image-rendering: pixelated; display: block; border-radius: 3px; }
.st-key-tiles button p { display: flex; flex-direction: column; align-items: center; font-size: .75rem; line-height: 1.3; margin: 0; }
.st-key-tiles button[aria-pressed="true"] { outline: 3px solid currentColor; outline-offset: -1px; font-weight: 650; }
</style>"""


@dataclass(frozen=True)
class Label:
    """What the page shows of one label. Position i of every array is ids[i]."""

    number: int
    name: str
    ids: np.ndarray
    scores: np.ndarray  # as multiples of the label's median
    score_name: str
    ranks: np.ndarray  # from 1


def multiples(challenge: Challenge, label: int, column: str) -> np.ndarray:
    """The scores of a label's images, divided by their median: labels of different scales become comparable."""
    scores = challenge.rows[column].to_numpy(float)[challenge.of_label(label)]
    return np.maximum(scores / max(float(np.median(scores)), 1e-300), 1e-3)


def advice() -> None:
    """What to look for, before the first look."""
    st.markdown(
        "Poison comes as a **group**: images that share a mark stand apart from their label **together**, on one side. A few "
        "single oddities are in every label.",
        help="σ is the standard deviation, the usual distance from the middle. Raw: the features as the model has them. Naive "
        "whitening divides by the spread of all images, poison included, and so hides it. Robust whitening divides by the "
        "spread of those that a filter trusts, so that what does not belong is thrown out far.",
    )


def choose_label(challenge: Challenge) -> Label:
    """The label and the score to look at, both in the address bar."""
    numbers = [str(i) for i in range(len(challenge.classes))]
    adopt("label", numbers)
    choose: Any = st.selectbox if len(numbers) > 20 else st.segmented_control
    chosen = choose(
        "Label to look at", numbers, required=True, format_func=lambda i: challenge.classes[int(i)], key="label"
    )
    publish("label")
    adopt("score", list(NAMES))
    column = st.segmented_control(
        "Score", list(NAMES), required=True, key="score",
        format_func=lambda s: {"que": "QUE: after robust whitening", "pca": "PCA: first raw direction"}[s],
        help="Two ways to say how much an image stands apart from the others of its label. QUE (quantum entropy) adds up "
        "all directions that spread too much after robust whitening. PCA takes the one direction of largest spread.",
    )  # fmt: skip
    publish("score")
    label = int(chosen or 0)
    scores = multiples(challenge, label, column or "que")
    ranks = np.empty(len(scores), int)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    name = challenge.classes[label]
    return Label(label, name, challenge.of_label(label), scores, NAMES[column or "que"], ranks)


def overview(challenge: Challenge, label: Label, truth: Truth | None) -> None:
    """All labels at a glance."""
    column = "que" if label.score_name == "QUE" else "pca"
    kind, poison = st.context.theme.type or "light", truth.poison if truth else None
    figure = _shared(
        (challenge.seal, "overview", column, label.number, kind, poison),
        lambda: scores_by_label(
            [multiples(challenge, i, column) for i in range(len(challenge.classes))],
            challenge.classes,
            palette(kind),
            shown=label.number,
            top=challenge.assumed,
            name=label.score_name,
            truth=None
            if poison is None
            else [np.isin(challenge.of_label(i), poison) for i in range(len(challenge.classes))],
        ),
    )
    plot(figure, "by-label", "Scores of the images of every label")


def cut(game: Game, label: Label, truth: Truth | None) -> None:
    """The histogram of one label, and the cut that fills the basket."""
    start = min(game.challenge.assumed, len(label.ids))
    count = st.slider(
        f"The highest of label {label.name}", 0, len(label.ids), start, format="%d images",
        key=f"cut {game.seal} {label.number} {label.score_name}", disabled=game.revealed,
        help="Moves the cut in the histogram. Nothing is taken until you press the button.",
    )  # fmt: skip
    above, threshold = remove_count(label.scores, count)
    figure = charts.score_histogram(
        label.scores, threshold, colours(), name=label.score_name, height=300,
        truth=None if truth is None else np.isin(label.ids, truth.poison),
    )  # fmt: skip
    figure.update_xaxes(title_text=f"{label.score_name} score (× the median of the label, log scale)")
    figure.layout.annotations[0].text = "cut →"
    plot(figure, "histogram", f"Histogram of the scores of label {label.name}")
    if game.revealed:
        return
    ids = {int(i) for i in label.ids[above]}
    inside = game.basket & {int(i) for i in label.ids}
    with st.container(horizontal=True):
        st.button(
            f"Put these {len(ids)} in the basket", icon=":material/add:", key="take", disabled=not ids - inside,
            on_click=game.basket.update, args=(ids,),
        )  # fmt: skip
        st.button(
            f"Take all of {label.name} out", icon=":material/remove:", key="untake", disabled=not inside,
            on_click=game.basket.difference_update, args=(inside,),
        )  # fmt: skip


def pictures(game: Game, label: Label, truth: Truth | None) -> None:
    """Three plane pictures of one label; what is in the basket is ringed."""
    _legend(truth is not None)
    removed = np.isin(label.ids, list(game.basket))
    for column, (view, title, unit) in zip(st.columns(3), VIEWS, strict=True):
        with column:
            st.markdown(f"**{title}**")
            figure = charts.projection(
                game.challenge.plane(view, label.ids), label.ids, colours(), unit=unit, removed=removed, legend=False,
                truth=None if truth is None else np.isin(label.ids, truth.poison), height=300,
            )  # fmt: skip
            plot(figure, f"plane-{view}", f"{title}: the images of label {label.name} in a plane")


def _legend(revealed: bool) -> None:
    """What the colours and shapes mean, once for the three pictures."""
    c = colours()
    kinds = [("clean", c.clean, ""), ("poison", c.poison, "diamond")] if revealed else [("truth hidden", c.unknown, "")]
    marks = [f'<span><i class="{shape}" style="background:{colour}"></i>{name}</span>' for name, colour, shape in kinds]
    marks.append(f'<span><i class="ring" style="border-color:{c.ink}"></i>in your basket</span>')
    st.html(f'<div class="sl-legend">{"".join(marks)}</div>')


def tick(game: Game, label: Label) -> None:
    """The images of a label by falling score; a click puts one into the basket or takes it out."""
    order = label.ids[np.argsort(label.ranks)]
    pages = -(-len(order) // PAGE)
    place = f"page {game.seal} {label.number} {label.score_name}"
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(
            f"**Images labelled {label.name}**, highest {label.score_name} first. Click an image to put it into the basket "
            "or to take it out."
        )
        page = st.pagination(pages, key=place) if pages > 1 else 1
    shown = [int(i) for i in order[(page - 1) * PAGE : page * PAGE]]
    rank = dict(zip(label.ids.tolist(), label.ranks.tolist(), strict=True))
    images = game.challenge.images
    sources = {i: tiles.png(images[i]) for i in shown}
    key = f"tiles-{label.number}-{label.score_name}-{page}"
    st.session_state[key] = [i for i in shown if i in game.basket]

    def keep() -> None:
        game.basket.difference_update(shown)
        game.basket.update(st.session_state[key] or [])

    with st.container(key="tiles"):
        st.pills(
            "Images to remove", shown, selection_mode="multi", key=key, on_change=keep, label_visibility="collapsed",
            format_func=lambda i: f"![image {i}, rank {rank[i]}]({_source(sources[i])}) #{rank[i]} · id {i}",
        )  # fmt: skip


def _source(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


@st.cache_resource(max_entries=256, show_spinner=False)
def _shared(key: tuple, _make: Callable[[], go.Figure]) -> go.Figure:
    """A figure that looks the same to everyone is made once; nobody changes it."""
    return _make()
