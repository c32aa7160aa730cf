"""The look at one label: its scores with a cut, three pictures, and the images, which can be ticked."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import streamlit as st

from core.challenges import Challenge
from core.errors import InputError
from core.outcomes import remove_count
from dashboard import tiles
from dashboard.address import adopt, publish
from dashboard.challenge.game import Game, catch_up, changes, open_game
from dashboard.challenge.pictures import Label, histogram, multiples, overview, planes
from dashboard.widgets import as_sentence

PAGE = 24  # images at a time
NAMES = {"que": "QUE", "pca": "PCA"}
CSS = """<style>
.st-key-tiles button { height: auto; padding: 4px 4px 2px; border-radius: 5px; }
.st-key-tiles button img { height: 72px !important; max-height: none !important; width: 72px !important;
  max-width: none !important; object-fit: contain !important; image-rendering: pixelated; display: block; border-radius: 3px; }
.st-key-tiles button p { display: flex; flex-direction: column; align-items: center; font-size: .75rem; line-height: 1.3; margin: 0; }
.st-key-tiles button[aria-pressed="true"] { outline: 3px solid currentColor; outline-offset: -1px; font-weight: 650; }
</style>"""


@st.fragment
def look(challenge: Challenge) -> None:
    """All of it. A part of its own: to look at another label redraws neither the answer nor the board."""
    catch_up()
    try:
        game = open_game(challenge)
    except InputError as problem:
        st.error(as_sentence(str(problem)))
        return
    st.subheader("Look again" if game.revealed else "Look")
    advice()
    left, right = st.columns(2, gap="large")
    with left:
        label = choose_label(challenge)
        overview(game, label)
    with right:
        cut(game, label)
    planes(game, label)
    if not game.revealed:
        tick(game, label)


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
    options: dict[str, Any] = {"format_func": lambda i: challenge.classes[int(i)], "key": "label", "required": True}
    if len(numbers) > 20:
        chosen = st.selectbox("Label to look at", numbers, **options)
    else:
        chosen = st.segmented_control("Label to look at", numbers, wrap=True, **options)
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
    column = column or "que"
    scores = multiples(challenge, label, column)
    ranks = np.empty(len(scores), int)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    name = challenge.classes[label]
    return Label(label, name, challenge.of_label(label), column, NAMES[column], scores, ranks)


@st.fragment
def cut(game: Game, label: Label) -> None:
    """The histogram of one label, and the cut that fills the basket. While the cut moves, nothing else is drawn."""
    catch_up()
    start = min(game.challenge.assumed, len(label.ids))
    count = st.slider(
        f"The highest of label {label.name}", 0, len(label.ids), start, format="%d images",
        key=f"cut {game.seal} {label.number} {label.score_name}",
        help="Moves the cut in the histogram. Nothing is taken until you press the button.",
    )  # fmt: skip
    above, threshold = remove_count(label.scores, count)
    histogram(game, label, threshold)
    if game.revealed:
        return
    ids = {int(i) for i in label.ids[above]}
    inside = game.basket & {int(i) for i in label.ids}
    with st.container(horizontal=True):
        st.button(
            f"Put these {len(ids)} in the basket", icon=":material/add:", key="take", disabled=not ids - inside,
            on_click=changes(game.basket.update), args=(ids,),
        )  # fmt: skip
        st.button(
            f"Take all of {label.name} out", icon=":material/remove:", key="untake", disabled=not inside,
            on_click=changes(game.basket.difference_update), args=(inside,),
        )  # fmt: skip


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
    sources = _sources(game.challenge, shown)
    key = f"tiles-{label.number}-{label.score_name}-{page}"
    st.session_state[key] = [i for i in shown if i in game.basket]

    def keep() -> None:
        game.basket.difference_update(shown)
        game.basket.update(st.session_state[key] or [])

    with st.container(key="tiles"):
        st.pills(
            "Images to remove", shown, selection_mode="multi", key=key, on_change=changes(keep), label_visibility="collapsed",
            format_func=lambda i: f"![image {i}, rank {rank[i]}]({sources[i]}) #{rank[i]} · id {i}",
        )  # fmt: skip


_MADE: dict[str, dict[int, str]] = {}  # data URLs of images by seal and id: a class looks at the same ones
KEPT = 8  # challenges


def _sources(challenge: Challenge, ids: list[int]) -> dict[int, str]:
    """Images as data URLs, each made once for all visitors: 24 of them take as long as a picture."""
    if challenge.seal not in _MADE and len(_MADE) >= KEPT:
        _MADE.clear()
    made = _MADE.setdefault(challenge.seal, {})
    for i in ids:
        if i not in made:
            made[i] = f"data:image/png;base64,{base64.b64encode(tiles.png(challenge.images[i])).decode()}"
    return {i: made[i] for i in ids}
