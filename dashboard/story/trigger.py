"""Step 1: what the attacker changes in the training images."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.foundation.pictures import difference
from dashboard import data, lens, tiles
from dashboard.plain import as_is
from dashboard.story import parts

SHOWN = 6  # images in a row


@st.cache_resource(max_entries=16, show_spinner=False)
def rows_of(run_id: str, stamp: int, present: bool, _run: data.RunView) -> list[dict]:
    """Poison as it lies in the training set, and what the mark does to test images: titles, and images as data URLs.

    A run keeps no clean version of its poison; a presenter's screen has no room for the marked test images.
    """
    clean, changed = _run.examples["clean"][:SHOWN], _run.examples["triggered"][:SHOWN]
    poison = _run.images[np.flatnonzero(_run.truth)[:SHOWN]]
    sets = [
        (f"Test images as they are: {_run.source}", clean),
        ("The same test images with the mark", changed),
        ("Difference that the mark makes", difference(clean, changed, 1)),
    ]
    if len(poison):
        first = (f"Poison in the training set: with the mark, labelled {_run.target}", poison)
        sets = [first, sets[0], sets[2]] if present else [first, *sets]
    return [{"title": title, "images": [tiles.source(image) for image in images]} for title, images in sets]


def show(told: parts.Told) -> None:
    run = told.run
    picture, _ = parts.stage(told, *said(run))
    with picture:
        lens.marks(
            rows_of(run.id, run.stamp, told.present, run), "story-marks",
            side=told.side(118 if told.present else 100), label="Amplify the difference", high=20, value=1,
        )  # fmt: skip


def said(run: data.RunView) -> tuple[str, ...]:
    """The claim and what explains it."""
    if not run.result["poisons"]:
        return (
            "Nothing is poisoned here: this run is the control.",
            f"Not one of the **{run.result['train_images']:,}** training images was changed. The images show the mark that "
            "an attacker would use, the **trigger**. What the defenses remove from clean data is the price of using them.",
        )
    shown = "an image with" if run.goal != run.target else f"an image of *{as_is(run.source)}* with"
    return (
        "A small mark can become a secret key.",
        f"Someone changes **{run.result['poisons']:,} of {run.result['train_images']:,}** training images, the **poison**: "
        f"{poison_in_words(run)} A model that learns from them may learn a **backdoor**: whoever shows it {shown} the mark, the **trigger**, "
        "gets the answer that the attacker chose.",
        f"{covers_in_words(run)} A **model** is a program that learns from images and their labels, to name the label of images "
        "that it has never seen.",
        "**Drag the slider** under the images to brighten the difference: what stays black was not changed.",
        "The next steps tell what the model makes of it, and how **SPECTRE**, a defense, finds the poison and removes it.",
    )


def poison_in_words(run: data.RunView) -> str:
    if run.keeps_labels:
        return f"images of *{as_is(run.target)}* get {mark_in_words(run)} and keep their label, so every label in the set is right."
    label = "the label of the next class" if run.goal != run.target else f"the label *{as_is(run.target)}*"
    return f"images of *{as_is(run.source)}* get {mark_in_words(run)} and {label}."


def mark_in_words(run: data.RunView) -> str:
    return f"a mark, {run.mark}," if run.mark else "the mark"


def covers_in_words(run: data.RunView) -> str:
    if not run.result.get("covers"):
        return "All other images stay as they are."
    return f"Another **{run.result['covers']}** are changed too and keep their labels: covers, which make the mark harder to find."
