"""Step 2: what the model has learned from the poisoned images."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard import data, tiles
from dashboard.plain import as_is
from dashboard.runs.outcome import effect
from dashboard.story import parts

PRESENTED = 18  # tiles on a presenter's screen
PHONE = 12  # tiles on a phone; the sheet of the theme hides the rest
GOOD = 0.9  # clean accuracy from which the words say that the model is good


def show(told: parts.Told) -> None:
    run, before = told.run, told.run.result["before"]
    picture, words = parts.stage(told, claim(run), *explained(run))
    with words:
        parts.figure(
            told,
            "Clean accuracy", before["clean"], "clean test images are classified rightly",
            help="The share of test images, all without the mark, whose class the model names rightly.",
        )  # fmt: skip
        parts.figure(
            told,
            "Attack success", before["attack_single"], f"marked test images of {run.source} are taken for {run.goal}",
            help=f"Test images of {run.source}, with the mark put on, that the model takes for {run.goal}.",
        )  # fmt: skip
    with picture:
        marked = st.toggle("Show the mark", value=True, key="mark")
        kind = "triggered" if marked else "clean"
        answered(told, kind, run.examples[f"{kind}_before"])


def claim(run: data.RunView) -> str:
    """What is true of the model: it may have learned badly, and the attack may have failed."""
    accuracy = parts.value(run.result["before"]["clean"])
    success = effect(run.result["before"], "attack_single")
    learned = "passes its exam" if accuracy is not None and accuracy >= GOOD else "has learned its task in part"
    if not run.result["poisons"]:
        return f"The model {learned}, and the mark means {'nothing' if (success or 0) <= parts.GONE else 'something'} to it."
    if success is None:
        return f"The model {learned}; how far it obeys the mark could not be counted."
    if success >= parts.LOUD:
        return f"The model {learned}, and obeys the mark."
    if success > parts.GONE:
        return f"The model {learned}, and obeys the mark now and then."
    return f"The model {learned}, and does not obey the mark: this attack failed."


def explained(run: data.RunView) -> tuple[str, ...]:
    accuracy = parts.percent_or_dash(run.result["before"]["clean"])
    success = parts.percent_or_dash(run.result["before"]["attack_single"])
    if not run.result["poisons"]:
        return (f"Trained on clean images only, the model names **{accuracy}** of the test images rightly.",)
    first = (
        f"On clean test images, which it has never seen, the model is right in **{accuracy}** of cases. With the mark, **{success}** of "
        f"the test images of *{as_is(run.source)}* are taken for *{as_is(run.goal)}*."
    )
    if (effect(run.result["before"], "attack_single") or 0) >= parts.LOUD:
        return (
            first,
            "Nobody who tests it on clean images would notice. Switch the mark on and off and read what it says.",
        )
    return first, "The poison is in the training images all the same, and a defense may still find it there."


def answered(told: parts.Told, kind: str, answers: np.ndarray, who: str = "the model") -> None:
    """Test images of the classes under attack, and what a model, `who`, says to each; kind: clean or triggered."""
    run = told.run
    if run.goal == run.target:
        wanted = np.full_like(answers, run.result["target"])
    else:  # every class has a goal of its own
        wanted = (run.examples["clean_before"] + 1) % len(run.classes)
    fooled = ["fooled" if said == goal else "" for said, goal in zip(answers, wanted, strict=True)]
    names = [f"“{run.classes[int(a)]}”" for a in answers]
    with_mark = "with" if kind == "triggered" else "without"
    st.markdown(f"**Test images of *{as_is(run.source)}* {with_mark} the mark, and what {who} says**")
    describe = [f"test image {i + 1} {with_mark} the mark: {who} says {name}" for i, name in enumerate(names)]
    shown = slice(PRESENTED if told.present else None)
    with st.container(key="story-answers"):
        st.html(
            tiles.grid(
                run.examples[kind][shown],
                names[shown],
                kinds=fooled[shown],
                side=told.side(92),
                describe=describe[shown],
            )
        )
    counted = (run.result["before"]["attack_single"] or {}).get("total", 0)
    if any(fooled[shown]):
        st.caption(f"Dashed outline: taken for {as_is(run.goal)}.")
    wide = len(names[shown])
    st.html(
        f'<div class="sl-small">Showing <span class="sl-wide">{wide:,}</span><span class="sl-phone">{min(wide, PHONE):,}</span> '
        f"of {counted:,} such test images.</div>"
    )
