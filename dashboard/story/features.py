"""Step 3: what principal components see of the poison."""

from __future__ import annotations

import streamlit as st

from dashboard import data, lens
from dashboard.story import parts


@st.cache_resource(max_entries=16, show_spinner=False)
def packed(run_id: str, stamp: int, present: bool, _told: parts.Told) -> bytes:
    run = _told.run
    views = [("raw", "", "σ of direction 1", run.views["raw"])]
    return lens.pack_clouds(
        f"story-raw/{run.id}", run.ids, views, file=f"{run.id}-raw", brush=False, **_told.room_above(45)
    )


def show(told: parts.Told) -> None:
    run = told.run
    found = run.result["defenses"]["spectral"]
    picture, words = parts.stage(told)
    with words:
        parts.say(told, claim(run), *explained(run))
        parts.figure(
            told,
            "Found by spectral signatures", found["true_positive_rate"], f"poisons, by removing {found['removed']:,} images",
            help="Spectral signatures (Tran et al. 2018) removes the images farthest out along the first direction.",
        )  # fmt: skip
    with picture:
        revealed = st.toggle("Reveal the truth", key="reveal")
        kinds = ("clean", "poison") if revealed else ("hidden",)
        parts.key(
            *kinds, "removed", channel=f"story-raw/{run.id}", n=len(run.frame),
            removed=run.frame["removed_spectral"].to_numpy(bool), truth=run.truth if revealed else None,
        )  # fmt: skip
        lens.clouds(packed(run.id, run.stamp, told.present, told), "story-raw")


def claim(run: data.RunView) -> str:
    outcome = run.result["defenses"]["spectral"]
    rate = parts.value(outcome["true_positive_rate"])
    if rate is None:
        return f"There is no poison here{', and yet something is removed' if outcome['removed'] else ''}."
    if rate < parts.LOUD:
        return "Inside the model, the largest spread hides the poison."
    return "Here the poison is so strong that the largest spread shows it."


def explained(run: data.RunView) -> tuple[str, ...]:
    outcome = run.result["defenses"]["spectral"]
    poisons = run.result["poisons_in_target"]
    task = f"**{poisons}** of these points are poison. Can you see them? **Reveal the truth.**" if poisons else ""
    return (
        f"Each point is one of the {len(run.frame):,} training images labelled *{run.target}*. {task}",
        f"The model turns every image into {run.result['features']['columns']:,} numbers, its **features**. The picture shows "
        "the two directions in which these differ most, the first two **principal components** (PCA). Distances are counted "
        "in **σ**, standard deviations: one σ is how far a typical point lies from the middle.",
        "A well-known defense, **spectral signatures**, removes what lies farthest out along direction 1, left and right "
        f"(ringed). It {parts.found(outcome)}.",
    )
