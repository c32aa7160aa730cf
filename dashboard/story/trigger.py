"""Step 1: what the attacker changes in the training images."""

from __future__ import annotations

import streamlit as st

from core.pictures import difference
from dashboard import data, lens, tiles
from dashboard.story import parts


@st.cache_resource(max_entries=16, show_spinner=False)
def rows_of(run_id: str, stamp: int, _run: data.RunView) -> list[dict]:
    """Images as they were, with the mark, and the difference, as data URLs."""
    clean, changed = _run.examples["clean"][:6], _run.examples["triggered"][:6]
    goal = "to be taken for" if _run.keeps_labels else "labelled"
    sets = (
        (f"As it was: {_run.source}", clean),
        (f"With the mark: {goal} {_run.goal}", changed),
        ("Difference", difference(clean, changed, 1)),
    )
    return [{"title": title, "images": [tiles.source(image) for image in images]} for title, images in sets]


def show(told: parts.Told) -> None:
    run = told.run
    picture, words = parts.stage(told)
    with words:
        if run.result["poisons"]:
            parts.say(
                told,
                "A small mark can become a secret key.",
                f"Someone changes **{run.result['poisons']} of {run.result['train_images']:,}** training images: "
                f"{poison_in_words(run)} {covers_in_words(run)}",
                "The mark is called a **trigger**, the changed images **poison**. A model that is trained on them may learn a "
                "**backdoor**: whoever shows it the trigger gets the answer that the attacker chose.",
                "**Drag the slider** under the images to see what was changed. The next steps tell what the model makes of it, and how "
                "the defense **SPECTRE** finds the poison and removes it.",
            )
        else:
            parts.say(
                told,
                "Nothing is poisoned here: this run is the control.",
                f"Not one of the **{run.result['train_images']:,}** training images was changed. The images show the mark that "
                "an attacker would use, the **trigger**. What the defenses remove from clean data is the price of using them.",
            )
    with picture:
        lens.marks(
            rows_of(run.id, run.stamp, run), "story-marks",
            side=told.side(118), label="Amplify the difference", high=20, value=1,
        )  # fmt: skip


def poison_in_words(run: data.RunView) -> str:
    if run.keeps_labels:
        return f"images of *{run.target}* get the mark and keep their label, so every label in the set is right."
    label = "the label of the next class" if run.goal != run.target else f"the label *{run.target}*"
    return f"images of *{run.source}* get the mark and {label}."


def covers_in_words(run: data.RunView) -> str:
    if not run.result.get("covers"):
        return "All other images stay as they are."
    return f"Another **{run.result['covers']}** are changed too and keep their labels: covers, which make the mark harder to find."
