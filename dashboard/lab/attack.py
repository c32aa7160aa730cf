"""The second card, which trigger; and the band below: who is poisoned, and how many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from core.attacks import ATTACKS, LABELLINGS, Goal, Poisoning, check_goal
from core.datasets import DATASETS
from core.experiment import RunConfig
from core.foundation.errors import InputError
from dashboard import forms
from dashboard.lab.budget import IMAGES, OF_SET, UNITS, Room, in_units, rounding
from dashboard.lab.data import Chosen
from dashboard.widgets import as_sentence

LABELLED = {"dirty": "Dirty labels", "clean": "Clean labels", "all-to-all": "All to all"}
ABOUT = {
    "dirty": "Images of the source get the label of the target.",
    "clean": "Images of the target keep their label: every label in the set is right.",
    "all-to-all": "Images of every class get the label of the next class.",
}


@dataclass(frozen=True)
class Plan:
    """What the card holds. problem: why it cannot be done, in words; empty where it can."""

    attack: str
    options: Mapping[str, Any]
    poisoning: Mapping[str, Any]
    source: tuple[int, ...]
    target: int
    poisons: int
    candidates: int = 0  # how many images may be poisoned
    problem: str = ""


def choose() -> tuple[str, dict[str, Any]]:
    """The card: which attack, with its own parameters."""
    st.subheader("How")
    attack = st.selectbox(
        "Attack", list(ATTACKS), format_func=lambda k: ATTACKS[k].title, key="attack", persist_state="session"
    )
    entry = ATTACKS[attack]
    st.caption(f"{entry.summary} {entry.citation}")
    return attack, forms.parameters(entry, f"attack-{attack}", columns=2)


def fill(config: RunConfig) -> None:
    """Give the widgets of card and band the values of a resolved config; call it before they are placed."""
    state, attack, dataset = st.session_state, config.attack, config.dataset
    labels = str(config.poisoning["labels"])
    state["attack"] = attack
    forms.fill(ATTACKS[attack], f"attack-{attack}", config.attack_options)
    state[f"who-{attack}-labels"] = labels
    forms.fill(Poisoning, f"who-{attack}", config.poisoning, skip=("labels",))
    own = f"{dataset}-{attack}-{labels}"
    sources = list(config.make_goal().sources)
    state[f"any-{own}"] = not sources
    if sources:
        state[f"source-{own}"] = sources
    state[f"target-{dataset}"] = config.target
    for key in (f"unit-{dataset}", f"unit-{dataset}-before"):
        state[key] = IMAGES
    for key in (f"amount-{dataset}-{IMAGES}", f"count-{dataset}"):
        state[key] = config.poisons


def plan(chosen: Chosen, attack: str, options: Mapping[str, Any]) -> Plan:
    """The band under the cards: labels, classes, budget, from left to right."""
    st.subheader("Who is poisoned")
    left, middle, right = st.columns(3, gap="medium")
    with left:
        poisoning = choose_poisoning(attack)
    empty = Plan(attack, options, poisoning, (), 0, 0)
    if chosen.split is None:
        middle.caption("Classes and budget appear once the images are loaded.")
        return empty
    names = chosen.split.train.class_names
    with middle:
        source, target = choose_classes(chosen, attack, poisoning["labels"])
    if source is None:
        return replace(empty, target=target, problem="Choose at least one source class, or switch on *any class*.")
    goal = Goal(source, target, poisoning["labels"])
    try:
        check_goal(names, goal)
    except InputError as wrong:
        return replace(empty, source=source, target=target, problem=as_sentence(str(wrong)))
    sizes = np.bincount(chosen.split.train.labels, minlength=len(names))
    room = Room(tuple(int(size) for size in sizes), goal)
    with right:
        poisons, problem = choose_budget(chosen.dataset, room, poisoning["cover_rate"], names)
    return Plan(attack, options, poisoning, source, target, poisons, room.candidates, problem)


def choose_poisoning(attack: str) -> dict[str, Any]:
    """The options of `Poisoning`; each attack brings its own suggestions, and remembers what was changed."""
    suggested: dict[str, Any] = {"labels": "dirty", **ATTACKS[attack].poisoning}
    labels = st.segmented_control(
        "Labels", LABELLINGS, default=suggested["labels"], required=True, format_func=LABELLED.__getitem__,
        key=f"who-{attack}-labels", persist_state="session",
    )  # fmt: skip
    labels = labels or suggested["labels"]
    st.caption(ABOUT[labels])
    with st.expander("Covers and strength", expanded=any(name != "labels" for name in ATTACKS[attack].poisoning)):
        rest = forms.parameters(Poisoning, f"who-{attack}", defaults=suggested, skip=("labels",), columns=3)
    return {"labels": labels, **rest}


def choose_classes(chosen: Chosen, attack: str, labels: str) -> tuple[tuple[int, ...] | None, int]:
    """Source classes (empty: any; None: not chosen yet) and target."""
    assert chosen.split is not None
    key, names = chosen.dataset, chosen.split.train.class_names
    entry = DATASETS[key]
    classes = range(len(names))
    clean = labels == "clean"
    wide = ATTACKS[attack].any_source or labels != "dirty"
    own = f"{key}-{attack}-{labels}"
    anyone = st.toggle(
        "Counted over any class" if clean else "Source: any class",
        wide,
        key=f"any-{own}",
        persist_state="session",
        help={
            "dirty": "On: images of every class but the target are poisoned. Off: only of the classes chosen below.",
            "clean": "The poison comes from the target class. The source only says over which test images the success "
            "of the attack is counted.",
            "all-to-all": "On: images of every class. Off: only of the classes chosen below.",
        }[labels],
    )
    source: tuple[int, ...] | None = ()
    _only(classes, f"source-{own}", f"target-{key}")
    if not anyone:
        picked = st.multiselect(
            "Success is counted over" if clean else "Source classes",
            classes,
            [min(entry.source, len(names) - 1)],
            format_func=lambda i: names[i],
            key=f"source-{own}",
            persist_state="session",
            placeholder="Choose classes",
            help="Images of these classes get the trigger" + (" in the test only." if clean else "."),
        )
        source = tuple(picked) or None
    if clean:
        st.caption(
            "Poison comes from the target class; the source only says over which test images success is counted."
        )
    target = st.selectbox(
        "Class that the defenses look at" if labels == "all-to-all" else "Target class",
        classes,
        min(entry.target, len(names) - 1),
        format_func=lambda i: names[i],
        key=f"target-{key}",
        persist_state="session",
        help="Poison ends up in every class here; the defenses are shown this one."
        if labels == "all-to-all"
        else "The label that the model learns to give to whatever carries the trigger.",
    )
    return source, target


def _only(classes: Sequence[int], source: str, target: str) -> None:
    """Forget classes that a link, or an earlier run of data that have changed, names and that are not there."""
    state = st.session_state
    if state.get(target, 0) not in classes:
        del state[target]
    if any(one not in classes for one in state.get(source, ())):
        state[source] = [one for one in state[source] if one in classes]


def choose_budget(dataset: str, room: Room, cover_rate: float, names: tuple[str, ...]) -> tuple[int, str]:
    """How many are poisoned, entered in any unit, shown in all three; and why that cannot be, if so."""
    unit_key, count_key = f"unit-{dataset}", f"count-{dataset}"
    suggested = min(DATASETS[dataset].poisons, room.candidates)
    unit = st.segmented_control(
        "Budget in", UNITS, default=IMAGES, required=True, key=unit_key, persist_state="session",
        format_func=lambda u: {IMAGES: "images", OF_SET: "% of the set"}.get(u, "% of the class"),
        help="Say how many images are poisoned as a count, as a share of the training set, or as a share of all images "
        "that then carry the label of the target.",
    )  # fmt: skip
    unit = unit or IMAGES
    amount: float
    key = f"amount-{dataset}-{unit}"
    if st.session_state.get(f"{unit_key}-before", IMAGES) != unit:  # the same budget, said in the new unit
        count = st.session_state.get(count_key, suggested)
        st.session_state[key] = count if unit == IMAGES else room.share(count, unit)
    elif key not in st.session_state:
        st.session_state[key] = suggested if unit == IMAGES else room.share(suggested, unit)
    st.session_state[f"{unit_key}-before"] = unit
    # No upper limit here: the browser would keep the last valid number behind a red field. Too many is said below.
    if unit == IMAGES:
        amount = st.number_input(
            "Poisons (images)", 0, None, step=1, key=key, persist_state="session",
            help="0 is a control run without an attack.",
        )  # fmt: skip
    else:
        amount = st.number_input(
            f"Poisons ({unit})", 0.0, None, step=0.5, format="%.4g", key=key, persist_state="session",
            help="Rounded to whole images. 0 is a control run without an attack.",
        )  # fmt: skip
    exact = room.images_for(float(amount), unit)
    count = round(exact) if np.isfinite(exact) else 0
    covers = round(cover_rate * count)
    problem = room.problem(exact if np.isinf(exact) else count, covers, names)
    if problem:
        return count, problem
    st.session_state[count_key] = count
    kept = f"; **{covers:,}** cover{'s keep their' if covers > 1 else ' keeps its'} own label" if covers else ""
    st.markdown(f"{in_units(room, count, names)}{kept}.")
    if rounded := rounding(room, float(amount), unit, count):
        st.caption(rounded)
    if room.goal.labels == "all-to-all":
        st.caption("Poison spreads evenly over the classes, so a share of one class is about the share of the set.")
    return count, ""
