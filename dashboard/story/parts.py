"""What the steps of the Story share: where picture and words go, how much is said, and what may be said of any run."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.runs import percent
from dashboard import data, lens
from dashboard.widgets import colours, share_metric

LOUD = 0.5  # a share of poisons found, or of attacks that succeed, from which the words say that it worked
GONE = 0.1  # a share of attacks that succeed, up to which they say that it did not

# Pixels of the window that a picture leaves for what stands above and below it.
SPARE = {False: 290, True: 165}


@dataclass(frozen=True)
class Told:
    """A run, and whether a presenter tells it to a room: larger type and fewer words."""

    run: data.RunView
    present: bool

    def room_above(self, below: int) -> dict[str, Any]:
        """How high a picture may be that has `below` pixels of its own under it: options of `dashboard.lens`."""
        return {"height": 1600 if self.present else 600, "spare": SPARE[self.present] + below, "bare": self.present}

    def side(self, pixels: int) -> int:
        """The side of a tile, larger on a presenter's screen."""
        return round(pixels * 1.35) if self.present else pixels


def stage(told: Told, claim: str, short: str, *more: str) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Say the claim of a step and what explains it, in Markdown; returns where the picture goes, and further words.

    A narrow screen shows claim and first paragraph, the picture, and the rest, in this order (see `steps.STYLE`); a
    presenter's screen no more words than the first paragraph.
    """
    left, right = st.columns([9, 5] if told.present else [5, 3], gap="large")
    with right.container(key="story-lead"):
        st.html(f'<h2 class="sl-claim">{claim}</h2>')
        st.markdown(short)
    words = right.container(key="story-words")
    for paragraph in () if told.present else more:
        words.markdown(paragraph)
    return left.container(key="story-picture"), words


def formula(told: Told, tex: str, *sentences: str) -> None:
    """A formula, folded, and what it says in words; a presenter's screen has no room for it."""
    if told.present:
        return
    with st.expander("As a formula"):
        st.latex(tex)
        for sentence in sentences:
            st.markdown(sentence)


def key(*kinds: str, channel: str, n: int, by: str = "", **state: Any) -> None:
    """What the colours and shapes mean: any of clean, poison, hidden, removed; and the state that the picture shows.

    by: who removes. In one container, as what tells the state is invisible and would leave a gap.
    """
    with st.container(gap=None):
        legend(*kinds, by=by)
        lens.sync(channel, n, **state)


def legend(*kinds: str, by: str = "") -> None:
    c = colours()
    marks = {
        "clean": f'<i style="background:{c.clean}"></i>clean',
        "poison": f'<i class="diamond" style="background:{c.poison}"></i>poison',
        "hidden": f'<i style="background:{c.unknown}"></i>truth hidden',
        "removed": f'<i class="ring" style="border-color:{c.ink}"></i>removed{f" by {by}" if by else ""}',
    }
    st.html(f'<div class="sl-legend">{"".join(f"<span>{marks[kind]}</span>" for kind in kinds)}</div>')


def value(share: dict[str, Any] | None) -> float | None:
    """A share as a number from 0 to 1; None where there was nothing to count."""
    return None if share is None else share["value"]


def found(outcome: dict[str, Any]) -> str:
    """What a removal found, in words, for runs with and without poison."""
    share = outcome["true_positive_rate"]
    if not share["total"]:
        return f"removes {outcome['removed']:,} images; there is no poison to find"
    return f"finds {share['count']:,} of {share['total']:,} poisons"


def told_to_expect(run: data.RunView, *defenses: str) -> str:
    """What defenses were told, and how many images they remove: with what they have in common said once."""
    removed = [run.result["defenses"][key]["removed"] for key in defenses]
    factor = run.config.get("defense_options", {}).get("removal_factor", 1.5)
    if not run.expected and not any(removed):
        return "The run was told to expect no poison, so that nothing is removed."
    told = f"told to expect **{run.expected:,}** poison{'s' if run.expected != 1 else ''}"
    if all(number == round(factor * run.expected) for number in removed):
        who = "Both defenses are" if len(defenses) > 1 else "The defense is"
        verb = "remove" if len(defenses) > 1 else "removes"
        return f"{who} {told}, and {verb} {factor:g} times as many images, to be safe: **{removed[0]:,}**."
    each = (
        f"{run.result['defenses'][key]['title']} removes {run.result['defenses'][key]['removed']:,}" for key in defenses
    )
    return f"The defenses are {told} among these images; {' and '.join(each)}."


def figure(
    told: Told, label: str, share: dict[str, Any] | None, unit: str, *, help: str, before: dict[str, Any] | None = None
) -> None:
    """One share as a tile, or as a line on a presenter's screen."""
    if not told.present:
        share_metric(label, share, unit, help=help, before=before)
        return
    change = f"{percent_or_dash(before)} → " if before and before["value"] is not None else ""
    of = f"{share['count']:,} of {share['total']:,} {unit}" if share and share["total"] else "nothing to count"
    words = f"{html.escape(label)} <b>{change}{percent_or_dash(share)}</b><small>{html.escape(of)}</small>"
    st.html(f'<p class="sl-figure">{words}</p>')


def percent_or_dash(share: dict[str, Any] | None) -> str:
    return "–" if share is None or share["value"] is None else percent(share)
