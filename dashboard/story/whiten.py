"""Step 5: the real points, from raw over naively to robustly whitened."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard import data, lens
from dashboard.story import parts


@st.cache_resource(max_entries=16, show_spinner=False)
def packed(run_id: str, stamp: int, present: bool, _told: parts.Told) -> bytes:
    run = _told.run
    defenses, about = run.result["defenses"], run.result["views"]
    views = [
        ("raw", "Raw", "σ of direction 1", run.views["raw"]),
        ("naive", "Naive", "σ of all images", run.views["naive"]),
        ("robust", "Robust", "σ of the trusted images", run.views["robust"]),
    ]
    notes = [parts.found(outcome) for outcome in (defenses["spectral"], about["naive"], defenses["spectre"])]
    return lens.pack_clouds(
        f"story-path/{run.id}", run.ids, views, notes=notes, masks=removed_by_view(run), path=True, brush=False, file=f"{run.id}-whitening",
        slider="From raw over naive to robust whitening", **_told.room_above(95),
    )  # fmt: skip


def removed_by_view(run: data.RunView) -> list[np.ndarray]:
    """(n,) bool for each view: what the method of that view removes."""
    columns = run.frame["removed_spectral"], run.views["naive_removed"], run.frame["removed_spectre"]
    return [np.asarray(column, bool) for column in columns]


def show(told: parts.Told) -> None:
    run = told.run
    defenses, about = run.result["defenses"], run.result["views"]
    picture, words = parts.stage(told, claim(run), *explained(run))
    with words:
        parts.figure(
            told,
            "Found: raw → robust", defenses["spectre"]["true_positive_rate"],
            f"poisons by SPECTRE; {defenses['spectral']['true_positive_rate']['count']:,} in the raw picture, "
            f"{about['naive']['true_positive_rate']['count']:,} in the naive one",
            help=same_number(run), before=defenses["spectral"]["true_positive_rate"],
        )  # fmt: skip
        if not about["is_chosen"]:
            st.caption(
                f"SPECTRE chose k = 1 here, without whitening; the picture shows k = {about['k']}, the best with it."
            )
        parts.formula(
            told,
            r"w = \Sigma^{-1/2}\,(x - \mu)",
            f"x: an image, as its first k = {about['k']} principal components; μ: the mean. Σ is the covariance: how much the "
            "images spread in each direction. Multiplying by Σ to the power −½ divides every direction by its standard "
            "deviation. Naive and robust differ in one thing: whose covariance it is, of all images or of the trusted ones.",
        )
    with picture:
        parts.key(
            "clean", "poison", "removed", channel=f"story-path/{run.id}", n=len(run.frame), truth=run.truth,
            removed=removed_by_view(run)[0],
        )  # fmt: skip
        lens.clouds(packed(run.id, run.stamp, told.present, told), "story-path")


def claim(run: data.RunView) -> str:
    rate = parts.value(run.result["defenses"]["spectre"]["true_positive_rate"])
    if rate is None:
        return "Whitened by what can be trusted, clean images stay together."
    if rate >= parts.LOUD:
        return "Whitened by what can be trusted, the poison has nowhere to hide."
    return "Whitened by what can be trusted, this poison still hides."


def same_number(run: data.RunView) -> str:
    removed = [int(mask.sum()) for mask in removed_by_view(run)]
    if len(set(removed)) == 1:
        return f"All three remove the same number of images, {removed[0]:,}."
    return f"Removed: raw {removed[0]:,}, naive {removed[1]:,}, robust {removed[2]:,} images."


def explained(run: data.RunView) -> tuple[str, ...]:
    about = run.result["views"]
    robust, naive = (o["true_positive_rate"] for o in (run.result["defenses"]["spectre"], about["naive"]))
    k, trusted = about["k"], int(run.views["trusted"].sum())
    lines = [
        "**Drag the slider** under the picture: the same images, seen in three ways. Ringed is what each of them removes.",
        "**Whitening** stretches the picture until the spread is the same in every direction. **Naive**: by the spread of all "
        "images, so the poison helps to set the scale. **Robust**: by the spread of images that can be trusted; whatever still "
        "spreads more is suspicious.",
        f"To find images to trust, SPECTRE sets those aside that reach unusually far in some direction, round after "
        f"round. It **trusts** the other {trusted:,} of {len(run.frame):,} here. What was set aside does not set the scale; whether "
        "it is removed, the score of the next step decides.",
        in_the_picture(k),
        *price(run),
    ]
    if robust["total"] and naive["count"] >= robust["count"]:
        lines.append("On this run naive whitening finds as many: this poison does not need the robust one.")
    return tuple(lines)


def in_the_picture(k: int) -> str:
    """How two directions of the picture stand to all that the removal goes by."""
    if k == 1:
        return "One direction is used here, and it is the first one of the picture."
    return (
        f"The picture shows two directions. The raw view removes along the first alone, as in step 3; naive and robust go by {k} "
        "directions, and from one to the other only the ruler changes. So a ringed point inside the crowd stands out in another direction, and one far up may stay. In the naive view the directions "
        "are those of the raw one, each in its own σ. The robust view has two new directions: those in which the images still spread most."
    )


def price(run: data.RunView) -> tuple[str, ...]:
    """The clean images that SPECTRE removes with the poison."""
    wrong = run.result["defenses"]["spectre"]["false_positive_rate"]["count"]
    hit = run.result["defenses"]["spectre"]["true_positive_rate"]["count"]
    if not wrong or not hit:
        return ()
    return (
        f"With the poison, SPECTRE removes {wrong:,} clean image{'s' if wrong != 1 else ''}: ringed and blue in the robust view.",
    )
