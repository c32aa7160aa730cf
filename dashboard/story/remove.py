"""Step 7: what is removed, and the model that is trained on the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from dashboard import data, tiles
from dashboard.runs.outcome import effect
from dashboard.story import parts
from dashboard.story.model import answered
from dashboard.widgets import gallery

ROW, SHORT = 14, 6  # removed images at either end of the picture, and on a presenter's screen
PICTURES = {"removed": "Removed images", "before": "Answers before", "after": "Answers after"}


def show(told: parts.Told) -> None:
    run = told.run
    after = run.result.get("after")
    key = after["defense"] if after else "spectre"
    picture, words = parts.stage(told, claim(run), *explained(run, key))
    with words:
        if after:
            figures(told, after)
        else:
            st.info(
                "This run was made without retraining, so there is no model to compare with.", icon=":material/info:"
            )
        if not told.present:
            onward(run)
    with picture:
        which = "removed"
        if after:
            which = st.segmented_control(
                "Picture", list(PICTURES), default="removed", required=True, key="picture", format_func=PICTURES.__getitem__,
                label_visibility="collapsed",
            )  # fmt: skip
        if which == "removed":
            removed(told, key)
        else:
            who = {"before": "the first model", "after": "the new model"}[which]
            answered(told, "triggered", run.examples[f"triggered_{which}"], who)


def onward(run: data.RunView) -> None:
    """The end, and where to go after the story."""
    st.markdown(
        "This was the story of one run. Other marks, other models and other defenses can end otherwise: see for yourself."
    )
    with st.container(horizontal=True):
        st.page_link(
            "screens/inspect.py",
            label="Look inside this run",
            icon=":material/search_insights:",
            query_params={"run": run.id},
        )
        st.page_link("screens/lab.py", label="Poison one yourself", icon=":material/science:")


def figures(told: parts.Told, after: dict[str, Any]) -> None:
    run, before = told.run, told.run.result["before"]
    parts.figure(
        told,
        "Attack success", after["attack_single"], f"marked test images of {run.source} are still taken for {run.goal}",
        help=f"Test images of {run.source}, with the mark, taken for {run.goal}.", before=before["attack_single"],
    )  # fmt: skip
    parts.figure(
        told,
        "Clean accuracy", after["clean"], "clean test images are classified rightly",
        help="The share of test images, all without the mark, whose class the model names rightly.", before=before["clean"],
    )  # fmt: skip


def claim(run: data.RunView) -> str:
    after = run.result.get("after")
    was = effect(run.result["before"], "attack_single") or 0
    if not run.result["poisons"]:
        return "Without poison, whatever is removed is a loss."
    if after is None:
        return "Remove what stands out, and train again."
    now = effect(after, "attack_single")
    if was <= parts.GONE:
        return "Remove what stands out, and train again: this key never fitted."
    if now is None:
        return "Remove what stands out, and train again."
    if now <= parts.GONE:
        return "Remove what stands out, train again, and the key no longer fits."
    if run.result["poisons_in_target"] < run.result["poisons"]:
        return "One class is clean now. The poison of the others is still there, and so is the key."
    if now < was / 2:
        return "Removing what stands out helped, but the key still fits at times."
    return "Removing what stands out was not enough here: the key still fits."


def explained(run: data.RunView, key: str) -> tuple[str, ...]:
    outcome = run.result["defenses"][key]
    hit, wrong = outcome["true_positive_rate"], outcome["false_positive_rate"]
    what = (
        f"{hit['count']:,} of {hit['total']:,} poisons, and {wrong['count']:,} clean ones as the price."
        if hit["total"]
        else f"all of them clean, {wrong['count']:,} of {wrong['total']:,}."
    )
    first = f"{outcome['title']} removes **{outcome['removed']:,}** images: {what}"
    if not run.result.get("after"):
        return (first,)
    return (
        f"{first} A new model is trained on the rest.",
        "**Choose a picture**: what was removed, or what the model says to marked images, before and after.",
    )


def removed(told: parts.Told, key: str) -> None:
    """The removed images of highest score, poison outlined."""
    run = told.run
    scores = run.frame[f"score_{key}"].to_numpy()
    rows = np.flatnonzero(run.frame[f"removed_{key}"].to_numpy(bool))
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    if not len(rows):
        st.info("Nothing was removed: the defense was told to expect no poison.", icon=":material/info:")
        return
    row = SHORT if told.present else ROW
    sets = {f"All {len(rows):,} removed images": rows}
    if len(rows) > 2 * row:
        sets = {
            f"Highest scores of {len(rows):,} removed images": rows[:row],
            f"Only just removed, ranks {len(rows) - row + 1:,} to {len(rows):,}": rows[-row:],
        }
    # a phone shows the first of the one set and the last of the other
    for (title, shown), name in zip(sets.items(), ("first", "last") if len(sets) == 2 else ("only",), strict=True):
        with st.container(key=f"story-{name}-set"):
            st.markdown(f"**{title}**")
            if told.present:
                named(told, shown)
            else:
                gallery(run, shown, scores, truth=True, side=told.side(84))
    if told.present:
        return
    st.caption(
        "Poison is outlined in orange, clean in blue. Under each: rank and score, id, what it is. Where a mark has the "
        "colour of what lies under it, it cannot be seen; it is there all the same."
    )


def named(told: parts.Told, rows: np.ndarray) -> None:
    """Tiles that say only what they are."""
    run = told.run
    kinds = ["poison" if poison else "clean" for poison in run.truth[rows]]
    labels = [run.classes[int(label)] for label in run.frame["true_label"].to_numpy()[rows]]
    captions = [f"{kind}: {label}" for kind, label in zip(kinds, labels, strict=True)]
    st.html(tiles.grid(run.images[rows], captions, kinds=kinds, side=told.side(92)))
