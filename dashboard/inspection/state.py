"""What the page Inspect shows: one selection, one cut, one example that is looked at, shared by every picture.

Everything is kept by example id, in the session and in the address bar, and read from there with suspicion.
"""

from __future__ import annotations

import time
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from core.runs import remove_count
from dashboard import address, data

CLOUDS, HISTOGRAM, GALLERY, NEIGHBOURS = "inspect-clouds", "inspect-histogram", "inspect-gallery", "inspect-neighbours"
MOVES = ("cut-slider", "cut-number")  # widgets that move the cut
BRIEF = 0.5  # seconds in which nobody sets a value back by hand
SETS = ("removed", "kept", "selected", "guessed")


@dataclass(frozen=True)
class Shown:
    """All that the pictures of the page need to agree on."""

    run: data.RunView
    defense: str
    scores: np.ndarray  # (n,), larger is more suspicious
    removed: np.ndarray  # (n,) bool at the present cut
    revealed: bool
    selected: np.ndarray  # (n,) bool
    guessed: np.ndarray  # (n,) bool, what the visitor takes for poison
    focus: int | None  # the row that is looked at
    variant: str  # which scores, where they are not the run's own: "α = 8, k = 16"

    @property
    def title(self) -> str:
        title = str(self.run.result["defenses"][self.defense]["title"])
        return f"{title}, {self.variant}" if self.variant else title

    @property
    def file(self) -> str:
        """What a file with these scores is called, without its ending: whose they are is in it."""
        words = self.variant.replace("α", "alpha").replace("∞", "inf")
        return "-".join(
            [self.run.id, "scores", self.defense, *(part.replace(" = ", "") for part in words.split(", ") if part)]
        )

    def rank(self, row: int) -> int:
        """The place of a row by these scores, from 1."""
        if not self.variant:
            return int(self.run.ranks[self.defense][row])
        return int((self.scores > self.scores[row]).sum()) + 1

    @property
    def truth(self) -> np.ndarray | None:
        """The truth where it is revealed, else None: what draws must not know it."""
        return self.run.truth if self.revealed else None


def event(key: str, name: str) -> Any:
    """What a component has just sent, None where it sent something else."""
    return (st.session_state.get(key) or {}).get(name)


OF_A_RUN = ("selected", "guess", "look", "cut", "defense", "alpha", "k", "truth")  # in an address


def forget_another(runs: Container[str]) -> None:
    """Before anything is placed: where the address names a run that is not here, what it says beside that is of another run."""
    asked, theirs = st.query_params.get("run", ""), [key for key in OF_A_RUN if key in st.query_params]
    if asked and asked not in runs and theirs:
        for key in theirs:
            del st.query_params[key]
        st.rerun()  # a widget that is bound to the address has read it already


def open_run(run: data.RunView) -> None:
    """Before anything is placed: ids of one run mean nothing in another, and the address may hold a selection."""
    if st.session_state.get("inspected") != run.id:
        if "inspected" in st.session_state:
            st.session_state.update(selected=[], guessed=[], focus=None, trail=[], which="removed")
        st.session_state.update(inspected=run.id, position=1)
        st.session_state.setdefault("selected", [])
        st.session_state.setdefault("guessed", [])
        st.session_state.setdefault("focus", None)
    _adopt_ids(run)


def _adopt_ids(run: data.RunView) -> None:
    """A selection, a guess or an example from a link, where it is new and the run has it."""
    for key, where in (("selected", "selected"), ("guess", "guessed"), ("look", "focus")):
        named = address.asked_ids(key, where, None if where == "focus" else [])
        if named is None:
            continue
        found = [i for i in named if i in run.row_of]
        if not found or len(found) < len(named) or (where == "focus" and len(named) > 1):
            address.refuse(key)
            continue
        st.session_state[where] = found[0] if where == "focus" else found
        if where == "selected":
            st.session_state["which"] = "selected"


def publish(shown: Shown, own: int) -> None:
    """What a link to this state needs: the cut where it was moved, the selection, and the example."""
    count = int(shown.removed.sum())
    address.write("cut", None if count == own else str(st.session_state["cut"]))
    for key, mask, held in (("selected", shown.selected, "selected"), ("guess", shown.guessed, "guessed")):
        address.write(key, address.ids_to_text(shown.run.ids[mask].tolist()), held)
    looked = None if shown.focus is None else address.ids_to_text([int(shown.run.ids[shown.focus])])
    address.write("look", looked, "focus")


def cut(run: data.RunView, defense: str, variant: str, own: int) -> int:
    """How many rows are removed: what the slider, the number, the dragged line or a link said last."""
    of = f"{run.id}/{defense}/{variant}"
    if st.session_state.get("cut of") != of:
        if "cut of" in st.session_state:
            st.session_state["cut"] = own
        st.session_state["cut of"] = of
    address.adopt_number("cut", 0, len(run.frame), own)
    return int(st.session_state["cut"])


def removal(run: data.RunView, defense: str, scores: np.ndarray, count: int, variant: str) -> np.ndarray:
    """(n,) bool. At its own number the run's own removal, which a cut on the score alone need not give (clustering)."""
    if not variant and count == run.result["defenses"][defense]["removed"]:
        return run.frame[f"removed_{defense}"].to_numpy(bool)
    return remove_count(scores, count)[0]


# --- callbacks


def take_selection() -> None:
    """A lasso or box in one picture becomes the selection of the whole page."""
    ids = event(CLOUDS, "selected")
    if ids is not None:
        st.session_state.update(selected=[int(i) for i in ids], which="selected" if ids else "removed", position=1)


def take_focus(key: str) -> None:
    """A point or an image that was clicked is looked at everywhere."""
    example = event(key, "focus")
    if example is not None and int(example) != st.session_state.get("focus"):
        before = [st.session_state["focus"]] if st.session_state.get("focus") is not None else []
        st.session_state["trail"] = [*st.session_state.get("trail", []), *before][-20:]
        st.session_state["focus"] = int(example)


def take_cut(key: str = HISTOGRAM) -> None:
    """A dragged line, or a widget of that key, moves the cut."""
    value = st.session_state.get(key)
    if key == HISTOGRAM and (moved := event(key, "cut")):
        st.session_state.update(cut=int(moved["count"]), moved=int(moved["at"]))
    elif key != HISTOGRAM and value is not None and not _is_behind(key, value):
        st.session_state["cut"] = int(value)


def follow(key: str, count: int) -> None:
    """Before a widget of that key is placed: it shows the cut, wherever that was moved."""
    st.session_state["cut drawn"] = count
    held, left = st.session_state.get(key), st.session_state.get(f"{key} left", {})
    if held == count:  # heard
        st.session_state[f"{key} left"] = address.fresh(left)
        return
    now = time.monotonic()
    st.session_state[f"{key} left"] = {**left, held: now, count: now}
    st.session_state[key] = count


def _is_behind(key: str, value: int) -> bool:
    """Whether a widget only repeats what the page has given it, or replaced, before the browser heard of it.

    The browser sends the values of all widgets with each change, and while somebody presses the keys of the slider it has
    not yet heard what the number beside it became: that old number must not win, however long the server took. Where no
    other widget has been moved in the same moment, it is sooner taken for the visitor's own.
    """
    left = st.session_state.get(f"{key} left", {})
    others = (st.session_state.get(other) for other in MOVES if other != key)
    is_alone = all(other in (None, st.session_state.get("cut drawn")) for other in others)
    return value in left and (not is_alone or time.monotonic() - left[value] < BRIEF)


def clear_selection() -> None:
    st.session_state.update(selected=[], which="removed", position=1)


def clear_focus() -> None:
    st.session_state.update(focus=None, trail=[])


def step_back() -> None:
    """To the example that was looked at before this one."""
    *trail, last = st.session_state["trail"]
    st.session_state.update(trail=trail, focus=last)
