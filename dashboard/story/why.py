"""Step 4: why the spread of the data hides the poison, on made-up points to drag."""

from __future__ import annotations

import math

import streamlit as st

from dashboard import lens
from dashboard.story import parts

CLEAN, POISON, SEED = 200, 30, 8  # made-up points
# A tight cluster that is a share e of all points cannot lie farther than this from their mean, in their own deviations,
# however far away it is: it pulls mean and covariance after it.
FARTHEST = math.sqrt(CLEAN / POISON)


def show(told: parts.Told) -> None:
    picture, words = parts.stage(
        told,
        "The poison hides because it helps to set the scale.",
        f"Poison can hide even from those who look in every direction. **Drag the orange cluster** wherever you like. Measured by "
        f"all points it never lies more than **{FARTHEST:.1f} σ** from the middle: σ is the ruler, and it grows as you pull. The cluster "
        "stretches the dashed ellipse and hides in it. The green one does not follow what lies apart.",
        "Each point stands for an image that has only two features. An ellipse of 3 σ holds what is usual; what lies outside is "
        "suspicious.",
        "Why not simply measure the distance from the middle? Clean images differ so much along one direction that many lie farther "
        "out than the poison does. The last line under the picture counts them.",
        "The dashed ellipse shows the **covariance** of all points, poison included: how much they spread in every direction, and "
        "which way they lean. The green one is that of the **trusted** points (filled; the others are hollow): the largest group that "
        "fits one ellipse well. Poison that lies in or right beside the cloud of clean points may be trusted too: then neither ellipse finds it.",
        "The buttons under the picture **whiten** it: they stretch it until the ellipse you choose becomes a circle.",
    )
    with words:
        parts.formula(
            told,
            r"\frac{\lVert \text{poison} - \mu \rVert}{\sigma} \le \sqrt{\frac{1 - e}{e}}",
            "A tight group that is a share e of all points lies at most so many of their standard deviations from their mean, "
            f"however far away it is; here √({CLEAN}/{POISON}) = {FARTHEST:.1f}.",
            f"Green: the minimum covariance determinant, the ellipse of least area that holds {CLEAN - POISON} of the points, "
            "widened to those that fit it. Your browser computes it at every move. SPECTRE uses a filter that also works in many "
            "directions at once.",
        )
        if not told.present:
            st.caption(f"Made-up points: {CLEAN} clean, {POISON} poison, random seed {SEED}.")
    with picture:
        room = told.room_above(85 if told.present else 120)  # lines of figures stand under it
        lens.toy("story-toy", clean=CLEAN, poison=POISON, seed=SEED, **room)
