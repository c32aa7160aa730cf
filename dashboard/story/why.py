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
    picture, words = parts.stage(told)
    with words:
        parts.say(
            told,
            "The poison hides because it helps to set the scale.",
            f"**Drag the orange cluster** as far out as you like. Measured by all points it never lies more than "
            f"**{FARTHEST:.1f} σ** from the middle: it stretches the dashed ellipse and hides in it. The green one does not follow.",
            "Each point stands for an image that has only two features. An ellipse of 3 σ holds what is usual; what lies outside is suspicious. Plain distance does not help: clean images "
            "differ so much along one direction that many lie farther out than the poison.",
            "The dashed ellipse is the **covariance**, the spread in every direction, of all points, poison included. The green "
            "one comes from points that agree with each other, the **trusted** ones (filled); the poison has no say in it.",
            "The buttons under the picture **whiten** it: they stretch it until the ellipse becomes a circle.",
        )
        if not told.present:
            st.caption(
                f"Made-up points: {CLEAN} clean, {POISON} poison, seed {SEED}. Green: minimum covariance determinant, computed in "
                "your browser at every move. SPECTRE uses a stronger filter that holds in a hundred dimensions, where the "
                "little that is left of the shift drowns in the noise of all other directions."
            )
    with picture:
        room = told.room_above(85 if told.present else 120)  # lines of figures stand under it
        lens.toy("story-toy", clean=CLEAN, poison=POISON, seed=SEED, **room)
