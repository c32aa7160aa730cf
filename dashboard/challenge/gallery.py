"""The images of a label. Before the reveal a click puts one into the basket or takes it out; afterwards it shows its point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from dashboard import lens
from dashboard.challenge.game import Game, changes
from dashboard.challenge.pictures import Label, file_of, sources
from dashboard.plain import as_is

PAGE = 24  # images at a time
TILES = "challenge-tiles"
SETS = ("all", "selected", "basket")


def show_set(game: Game, name: str) -> None:
    """In a callback: what the gallery shows from now on."""
    st.session_state[f"which {game.seal}"] = name


def gallery(game: Game, label: Label) -> None:
    """The images of a label by falling score: all of them, the selected, or those in the basket."""
    order = np.argsort(label.ranks)  # rows of the label
    masks = {"all": label.ids >= 0, "selected": label.mask(game.selected), "basket": label.mask(game.removed)}
    sets = {name: order[mask[order]] for name, mask in masks.items()}
    names = {
        "all": f"labelled {as_is(label.name)}",
        "selected": "selected",
        "basket": "removed" if game.revealed else "in the basket",
    }
    which = f"which {game.seal}"
    st.session_state.setdefault(which, "all")
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.segmented_control(
            "Images, highest score first", SETS, required=True, key=which, wrap=True,
            format_func=lambda s: f"{names[s]} ({len(sets[s])})",
        )  # fmt: skip
        rows = sets[st.session_state[which]]
        pages = -(-len(rows) // PAGE)
        place = f"page {game.seal} {label.number} {label.column} {st.session_state[which]} {pages}"
        page = st.pagination(pages, key=place) if pages > 1 else 1
    if not len(rows):
        empty = {
            "selected": "Nothing of this label is selected. Choose *Lasso* or *Box* above the pictures and draw around points.",
            "basket": "You removed nothing of this label." if game.revealed
            else "Nothing of this label is in the basket. Select points and press the button, or click an image.",
        }  # fmt: skip
        st.info(empty[st.session_state[which]], icon=":material/info:")
        return
    shown = rows[(page - 1) * PAGE : page * PAGE]
    about = f"images {(page - 1) * PAGE + 1} to {(page - 1) * PAGE + len(shown)} of {len(rows)}"
    if game.revealed:
        st.caption(f"{about}; click an image to see where it lies")
    else:
        st.caption(f"{about}; click an image to put it into the basket or to take it out")
    lens.tiles(
        label.channel, entries(game, label, shown), TILES, label=f"{names[st.session_state[which]]}, {about}", side=76,
        on_look=lambda: _look(game), on_put=None if game.revealed else changes(lambda: take_clicks(game)),
    )  # fmt: skip


def entries(game: Game, label: Label, rows: Sequence[int]) -> list[dict]:
    """What `lens.tiles` shows of those rows of a label; what they are, and their files, only after the reveal."""
    known = game.truth
    poison = set(known.poison) if known else set()
    ids = [int(label.ids[row]) for row in rows]
    found = []
    for row, i, source in zip(rows, ids, sources(game.challenge, ids), strict=True):
        kind = ("poison" if i in poison else "clean") if known else ""
        caption = [f"#{label.ranks[row]} · id {i}"]
        short, full = file_of(known, i)
        if known:
            caption.append(f"poison: {game.challenge.classes[known.true_labels[i]]}" if i in poison else "clean")
            caption += [short] * bool(short)
        found.append({"id": i, "row": int(row), "src": source, "caption": caption, "kind": kind, "title": full})
    return found


def take_clicks(game: Game) -> None:
    """Images were clicked: what the browser sends is read with suspicion. Nothing where none were, or for the second time."""
    sent = (st.session_state.get(TILES) or {}).get("put")
    if sent:
        known = range(len(game.challenge.rows))
        game.basket.update(int(i) for i in sent["in"] if int(i) in known)
        game.basket.difference_update(int(i) for i in sent["out"])
        st.session_state[f"heard {game.seal}"] = int(sent["at"])


def _look(game: Game) -> None:
    example = (st.session_state.get(TILES) or {}).get("focus")
    if example is not None:
        st.session_state[f"focus {game.seal}"] = int(example)
