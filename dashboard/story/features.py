"""Step 3: what principal components see of the poison."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard import data, lens
from dashboard.plain import as_is
from dashboard.story import parts

APART = 4.0  # pooled standard deviations between the means of two groups, from which they are seen as two
MOST = 0.9  # share of the poison that a removal finds, from which it is said to show it


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
    picture, words = parts.stage(told, claim(run), *explained(run))
    with words:
        parts.figure(
            told,
            "Found by spectral signatures", found["true_positive_rate"], f"poisons, by removing {found['removed']:,} images",
            help="Spectral signatures (Tran et al. 2018) removes the images farthest out along the first direction.",
        )  # fmt: skip
    with picture:
        of = st.session_state.get("revealed run")
        if "reveal" not in st.session_state or of not in (None, run.id):
            st.session_state["reveal"] = of == run.id
        revealed = st.toggle("Reveal the truth", key="reveal")
        st.session_state["revealed run"] = run.id if revealed else None  # a step that is left forgets its switches
        kinds = ("clean", "poison") if revealed else ("hidden",)
        parts.key(
            *kinds, "removed", channel=f"story-raw/{run.id}", n=len(run.frame),
            removed=run.frame["removed_spectral"].to_numpy(bool), by="spectral signatures", truth=run.truth if revealed else None,
        )  # fmt: skip
        lens.clouds(packed(run.id, run.stamp, told.present, told), "story-raw")


def claim(run: data.RunView) -> str:
    outcome = run.result["defenses"]["spectral"]
    rate = parts.value(outcome["true_positive_rate"])
    if rate is None:
        return f"There is no poison here{', and yet something is removed' if outcome['removed'] else ''}."
    if rate < parts.LOUD and separation(run.views["raw"], run.truth) >= APART:
        return "Inside the model, the largest spread misses the poison."
    if rate < parts.LOUD:
        return "Inside the model, the largest spread hides the poison."
    return f"Here the largest spread shows {'the' if rate >= MOST else 'half or more of the'} poison."


def separation(plane: np.ndarray, truth: np.ndarray) -> float:
    """How far two groups of points in a plane lie apart, along the line that parts them best (Fisher 1936).

    plane: (n, 2); truth: (n,) bool. The distance of the two means in pooled standard deviations along that line; 0 where a
    group has fewer than three points.
    """
    groups = [np.asarray(plane[truth], np.float64), np.asarray(plane[~truth], np.float64)]
    if min(map(len, groups)) < 3:
        return 0.0
    pooled = sum((len(group) - 1) * np.cov(group.T) for group in groups) / (len(plane) - 2)
    apart = groups[0].mean(0) - groups[1].mean(0)
    return float(np.sqrt(apart @ np.linalg.pinv(pooled) @ apart))


def explained(run: data.RunView) -> tuple[str, ...]:
    outcome = run.result["defenses"]["spectral"]
    kept = run.result["defenses"]["spectre"]["record"]["k"]
    poisons = run.result["poisons_in_target"]
    task = f"**{poisons:,}** of these points are poison. Can you see them? **Reveal the truth.**" if poisons else ""
    keeps = "this direction alone" if kept == 1 else f"the **{kept}** directions of most spread"
    return (
        f"Each point is one of the {len(run.frame):,} training images labelled *{as_is(run.target)}*. {task}",
        f"The model turns every image into {run.result['features']['columns']:,} numbers, its **features**. A **direction** is a "
        "question put to every image and answered by one number: a sum of its features, each with a weight. The picture shows the "
        "two directions in which these images differ most, the first two **principal components** (PCA). Both axes have one unit, **σ**: the standard "
        "deviation along direction 1, which is how far a typical point lies from the middle along it.",
        f"You see two directions; the defense **SPECTRE** will use {keeps}.",
        "An older defense, **spectral signatures**, removes what lies farthest out along direction 1, left and right (ringed). "
        f"It {parts.found(outcome)}. {parts.told_to_expect(run, 'spectral', 'spectre')}",
        f"That is one run, *{as_is(run.id)}* with seed {run.result['seed']}. What an older defense finds depends much on chance: with another "
        "seed it may be most of the poison, or none. The page **Evidence** counts over seeds.",
        *other_way(run),
    )


def other_way(run: data.RunView) -> tuple[str, ...]:
    """Why not cut along direction 2, where direction 1 misses the poison; with what that would find."""
    outcome = run.result["defenses"]["spectral"]
    rate = parts.value(outcome["true_positive_rate"])
    if rate is None or rate >= parts.LOUD or not outcome["removed"]:
        return ()
    far = np.abs(run.views["raw"][:, 1])
    hit = int(run.truth[np.argsort(-far, kind="stable")[: outcome["removed"]]].sum())
    total = outcome["true_positive_rate"]["total"]
    return (
        f"Why not cut along direction 2? It would find {hit:,} of {total:,} here. But a program has to choose the direction "
        f"without the truth, among {run.result['features']['columns']:,} of them and all their mixtures.",
    )
