"""Small pieces that several pages place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.foundation.errors import InputError
from core.runs import RunFolder, percent
from dashboard import charts, data, lens, theme, tiles
from dashboard.address import adopt, adopt_switch, publish, publish_switch
from dashboard.plain import as_is

# Plotly's own button for a picture stays: hidden, it works for those of dashboard/export.js. No notices: they would lie
# over the page.
CHART = {
    "displaylogo": False,
    "displayNotifier": False,
    "showSendToCloud": False,
    "modeBarButtonsToRemove": ["autoScale2d"],
}


def colours() -> theme.Palette:
    """The palette of the visitor's theme."""
    return theme.palette(st.context.theme.type)


TRUTH = "truth"  # of the session, and in the address: whether it is shown
ASKED = "truth asked"  # whether a link has just asked for it
ABOUT = "truth of"  # the run of which it is shown


def adopt_truth() -> bool:
    """Before anything is placed: whether the truth is shown, as far as address and session say."""
    st.session_state[ASKED] = adopt_switch(TRUTH)
    return bool(st.session_state.get(TRUTH))


def reveal_truth(about: str, help: str) -> bool:
    """The switch that shows the truth. about: of which run; of another one it is hidden again, unless a link shows it."""
    if st.session_state.get(ABOUT, about) != about and not st.session_state.get(ASKED):
        st.session_state[TRUTH] = False
    st.session_state[ABOUT] = about
    shown = st.toggle("Reveal the truth", key=TRUTH, help=help)
    publish_switch(TRUTH)
    return shown


def choose_run(folders: dict[str, RunFolder], key: str = "run", sealed: bool = False) -> data.RunView | None:
    """A menu of runs, its choice in the address bar; None, with a word of what to do, where there is none to show.

    sealed: the menu does not tell who was poisoned.
    """
    if not folders:
        st.info("No finished run yet. Start one in the Lab.", icon=":material/science:")
        return None
    adopt(key, list(folders))
    run_id = st.selectbox(
        "Run",
        list(folders),
        format_func=lambda i: i if sealed else data.title(folders[i]),
        key=key,
        help="Finished runs: your own, and those that come with the program.",
    )
    publish(key)
    try:
        return data.open_run(folders[run_id])
    except InputError as problem:
        st.error(f"This run cannot be shown: {as_is(problem)}. Choose another one.")
        return None


def as_sentence(message: str) -> str:
    """A message of the core, "no room for 3 poisons", as Markdown of a page: with a capital and a full stop."""
    begins = re.match(r"[a-z]+(?=[ ,:;]|$)", message)  # a word, not the name of a file
    return f"{as_is(f'{message[:1].upper()}{message[1:]}' if begins else message)}."


def share_metric(
    label: str, share: dict[str, Any] | None, unit: str, *, help: str, before: dict[str, Any] | None = None
) -> None:
    """One share as a tile: percentage, its count and what it is a share of; with the change where there is a before.

    unit, help: plain text, for names of classes stand in it.
    """
    if share is None or share["value"] is None:
        st.metric(label, "–", help=as_is(help), border=True, delta_description="nothing to count", delta=None)
        return
    shown = percent(share) if before is None or before["value"] is None else f"{percent(before)} → {percent(share)}"
    st.metric(label, shown, help=as_is(help), border=True)
    st.caption(f"{share['count']:,} of {share['total']:,} {as_is(unit)}")


def legend(revealed: bool, *, brushed: bool = True) -> None:
    """What the colours and shapes mean, once for several pictures. brushed: points of them can be selected and looked at."""
    c = colours()
    kinds = [("clean", c.clean, ""), ("poison", c.poison, "diamond")] if revealed else [("truth hidden", c.unknown, "")]
    marks = [f'<span><i class="{shape}" style="background:{colour}"></i>{name}</span>' for name, colour, shape in kinds]
    rings = (("removed", c.ink), ("selected", c.selected))[: 2 if brushed else 1]
    cross = f'<span><b style="color:{c.selected}">+</b> looked at</span>' if brushed else ""
    marks += [f'<span><i class="ring" style="border-color:{colour}"></i>{name}</span>' for name, colour in rings]
    st.html(f'<div class="sl-legend">{"".join(marks)}{cross}</div>')


def plot(figure: go.Figure, key: str, alt: str, on_pick: Callable[[], None] | None = None) -> None:
    """Place a figure with our own theme and a description for screen readers; see `lens.figure`."""
    lens.figure(figure, key, alt=alt, config=CHART, on_pick=on_pick)


def gallery(
    run: data.RunView, rows: np.ndarray, scores: np.ndarray, truth: bool, side: int = 88, focus: int | None = None
) -> None:
    """Tiles of training images in the given order, with rank and score; truth outlined, and files named, where it is revealed."""
    ranks = data.ranks(scores)
    frame = run.frame
    captions, kinds, titles = [], [], []
    for row in rows:
        text = f"#{ranks[row]} · {charts.number(scores[row])}\nid {frame['id'].iat[row]}"
        kind = ""
        if truth:
            poisoned = bool(frame["is_poison"].iat[row])
            text += f"\n{'poison' if poisoned else 'clean'}: {run.classes[int(frame['true_label'].iat[row])]}"
            kind = "poison" if poisoned else "clean"
            text += f"\n{run.short_source(row)}".rstrip("\n")
        captions.append(text)
        titles.append(run.full_source(row) if truth else "")
        kinds.append(f"{kind} focus" if focus == row else kind)
    st.html(tiles.grid(run.images[rows], captions, kinds=kinds, side=side, titles=titles))


def again_once(revealed: bool, command: str, python: str) -> None:
    """As `again`, for commands that name the poison: only once the truth is shown."""
    if revealed:
        again(command, python)
    else:
        st.caption("The command that made this run names the poison; it appears with the truth.")


def again(command: str, python: str, label: str = "Make this again") -> None:
    """The command line and the Python lines that give what is shown, folded."""
    with st.expander(label, icon=":material/terminal:"):
        st.caption("On the command line")
        lens.code(command, "again-command", "the command line")
        st.caption("In Python")
        lens.code(python, "again-python", "the Python lines")
