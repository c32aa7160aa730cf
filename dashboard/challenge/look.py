"""The look at one label: its scores with a cut, three projections, and the images.

The cut and a lasso select. Buttons put what is selected into the basket or take it out; a click on an image does so for one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core.challenges import Challenge, Truth
from core.foundation.errors import InputError
from core.runs import remove_count
from dashboard import lens
from dashboard.address import adopt, publish
from dashboard.challenge.gallery import gallery, show_set
from dashboard.challenge.game import Game, catch_up, changes, open_game
from dashboard.challenge.pictures import NAMES, Label, clouds_of, label_of, legend, overview, scores_of, synchronise
from dashboard.plain import as_is
from dashboard.widgets import as_sentence

CLOUDS, CUT = "challenge-clouds", "challenge-cut"


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
        above = cut(game, label)
    synchronise(game, label, above)
    planes(game, label)
    gallery(game, label)


def turn_to_poison(game: Game, known: Truth) -> None:
    """Once after the reveal, before anything is placed: the label to look at is that of the poison."""
    turned = f"turned {game.place}"
    if known.label is not None and not st.session_state.get(turned):
        st.session_state["label"] = str(known.label)
    st.session_state[turned] = True


def begin_anew(game: Game) -> None:
    """Before anything is placed: in a new round the label of the last reveal is not what one looks at first."""
    shown = f"round {game.seal}"
    if st.session_state.get(shown, game.round) != game.round:
        st.session_state["label"] = "0"
    st.session_state[shown] = game.round


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
    names = challenge.classes
    options: dict[str, Any] = {"key": "label", "required": True}
    if len(numbers) > 20:
        chosen = st.selectbox("Label to look at", numbers, format_func=lambda i: names[int(i)], **options)
    else:  # which reads Markdown
        chosen = st.segmented_control(
            "Label to look at", numbers, wrap=True, format_func=lambda i: as_is(names[int(i)]), **options
        )
    publish("label")
    adopt("score", list(NAMES))
    column = st.segmented_control(
        "Score", list(NAMES), required=True, key="score", wrap=True,
        format_func=lambda s: {"que": "QUE: after robust whitening", "pca": "PCA: first raw direction"}[s],
        help="Two ways to say how much an image stands apart from the others of its label. QUE (quantum entropy) adds up "
        "all directions that spread too much after robust whitening. PCA takes the one direction of largest spread.",
    )  # fmt: skip
    publish("score")
    return label_of(challenge, int(chosen or 0), column or "que")


def cut(game: Game, label: Label) -> np.ndarray:
    """The histogram with its cut, which selects, and the button that fills the basket. Returns what lies above: (n,) bool."""
    key, total = f"cut {game.seal} {label.number} {label.column}", len(label.ids)
    st.session_state.setdefault(key, min(game.challenge.assumed, total))
    above, _ = remove_count(label.scores, int(st.session_state[key]))
    moved = (game, label, key)
    lens.cut(scores_of(game.seal, label.number, label.column, game.challenge, label), CUT, on_cut=lambda: _drag(*moved))
    ids = {int(i) for i in label.ids[above]}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(
            f"The highest of label {as_is(label.name)}", 0, total, key=key, on_change=_select_above, args=moved, width=180,
            help="Moves the cut, as dragging it does: what lies above it is selected. Nothing goes into the basket until you "
            "press the button.",
        )  # fmt: skip
        if game.revealed:
            return above
        st.button(
            f"Put these {len(ids)} in the basket", icon=":material/add:", key="take", disabled=ids <= game.basket,
            on_click=changes(game.basket.update), args=(ids,),
        )  # fmt: skip
        inside = game.basket & {int(i) for i in label.ids}
        st.button(
            f"Take all of {as_is(label.name)} out", icon=":material/remove:", key="untake", disabled=not inside,
            on_click=changes(game.basket.difference_update), args=(inside,),
        )  # fmt: skip
    return above


def _drag(game: Game, label: Label, key: str) -> None:
    """The cut was let go."""
    moved = (st.session_state.get(CUT) or {}).get("cut")
    if moved:
        st.session_state[key] = min(max(int(moved["count"]), 0), len(label.ids))
        st.session_state[f"moved {game.seal}"] = int(moved["at"])
        _select_above(game, label, key)


def _select_above(game: Game, label: Label, key: str) -> None:
    """What lies above the cut is selected."""
    above, _ = remove_count(label.scores, int(st.session_state[key]))
    _select(game, label, label.ids[above].tolist())


def planes(game: Game, label: Label) -> None:
    """Three projections of one label, brushed together, and what to do with the selection."""
    legend(game.revealed)
    packed = clouds_of(game.seal, label.number, game.challenge, label)
    taken = (game, label)
    lens.clouds(packed, CLOUDS, on_select=lambda: _brush(*taken), on_look=lambda: _touch(*taken))
    picked = game.selected & {int(i) for i in label.ids}
    with st.container(horizontal=True, vertical_alignment="center", key="selection"):
        if not game.revealed:
            st.button(
                f"Put the {len(picked)} selected into the basket" if picked else "Put the selected into the basket",
                icon=":material/add:", key="put", disabled=picked <= game.basket, on_click=changes(game.basket.update),
                args=(picked,),
            )  # fmt: skip
            st.button(
                "Take them out", icon=":material/remove:", key="take-out", disabled=not picked & game.basket,
                on_click=changes(game.basket.difference_update), args=(picked,),
            )  # fmt: skip
        st.button(
            "Clear the selection", icon=":material/close:", key="unselect", disabled=not picked, on_click=_select,
            args=(game, label, []),
        )  # fmt: skip
        if not picked:
            st.caption(
                "Draw around points (*Lasso*, *Box*) or click one (*Tap* on a phone): their images appear below."
            )


def _brush(game: Game, label: Label) -> None:
    """A lasso or a box."""
    ids = (st.session_state.get(CLOUDS) or {}).get("selected")
    if ids is not None:
        _select(game, label, ids)


def _touch(game: Game, label: Label) -> None:
    """One point was clicked: it alone is selected."""
    example = (st.session_state.get(CLOUDS) or {}).get("focus")
    if example is not None:
        _select(game, label, [example])


def _select(game: Game, label: Label, ids: list[int]) -> None:
    """Ids of the label, and nothing else that a browser may send, are selected and their images shown."""
    game.selected.clear()
    game.selected.update({int(i) for i in ids} & {int(i) for i in label.ids})
    st.session_state.pop(f"focus {game.seal}", None)
    show_set(game, "selected" if game.selected else "all")
