"""Step 5: the real points, from raw over naively to robustly whitened."""

from __future__ import annotations

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
        f"story-path/{run.id}", run.ids, views, notes=notes, path=True, brush=False, file=f"{run.id}-whitening",
        slider="From raw over naive to robust whitening", **_told.room_above(95),
    )  # fmt: skip


def show(told: parts.Told) -> None:
    run = told.run
    defenses, about = run.result["defenses"], run.result["views"]
    picture, words = parts.stage(told)
    with words:
        parts.say(told, claim(run), *explained(run))
        parts.figure(
            told,
            "Found: raw → robust", defenses["spectre"]["true_positive_rate"],
            f"poisons by SPECTRE; {defenses['spectral']['true_positive_rate']['count']:,} in the raw picture, "
            f"{about['naive']['true_positive_rate']['count']:,} in the naive one",
            help="All three remove the same number of images.", before=defenses["spectral"]["true_positive_rate"],
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
        parts.key("clean", "poison", channel=f"story-path/{run.id}", n=len(run.frame), truth=run.truth)
        lens.clouds(packed(run.id, run.stamp, told.present, told), "story-path")


def claim(run: data.RunView) -> str:
    rate = parts.value(run.result["defenses"]["spectre"]["true_positive_rate"])
    if rate is None:
        return "Whitened by what can be trusted, clean images stay together."
    if rate >= parts.LOUD:
        return "Whitened by what can be trusted, the poison has nowhere to hide."
    return "Whitened by what can be trusted, this poison still hides."


def explained(run: data.RunView) -> tuple[str, ...]:
    about = run.result["views"]
    robust, naive = (o["true_positive_rate"] for o in (run.result["defenses"]["spectre"], about["naive"]))
    counted = "the direction used" if about["k"] == 1 else f"all {about['k']} directions"
    lines = [
        "**Drag the slider** under the picture: the same images, seen in three ways.",
        "Whitening stretches the picture until the spread is the same in every direction. **Naive**: by the spread of all "
        "images, so the poison helps to set the scale. **Robust**: SPECTRE first finds images that it can trust, and only those "
        "set the scale; whatever still spreads more is suspicious.",
        "All along, these are real projections of the real points; the axes rescale with them. What is found counts "
        f"{counted}, not only these two.",
    ]
    if robust["total"] and naive["count"] >= robust["count"]:
        lines.append("On this run naive whitening finds as many: this poison does not need the robust one.")
    return tuple(lines)
