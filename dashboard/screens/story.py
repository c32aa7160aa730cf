"""The story of a backdoor in seven steps, on a finished run: one claim a step, one picture, one control."""

from __future__ import annotations

import streamlit as st

from dashboard import data
from dashboard.story.parts import Told
from dashboard.story.steps import DRAW, MADE_UP, bar, onward
from dashboard.widgets import again, choose_run

ABOUT = (
    "A run is one experiment: images are poisoned, a model is trained on them, the defenses search, and a model is trained on what "
    "is left. Features are what the named layer of the model makes of an image. The seed starts all random choices, so that "
    "the same run can be made again."
)

step, present = bar()
slot = st.container()
below = st.container(key="story-below-presenting" if present else "story-below")
with below, st.expander("Tell it with another run"):
    run = choose_run({**data.bundled(), **data.finished()})
if run is not None:
    with slot:
        DRAW[step](Told(run, present))
        if step not in MADE_UP:
            st.caption(f"This is {run.small_print}", help=None if present else ABOUT)
        onward(step)
    with below:
        if step in MADE_UP:
            st.caption("The points of this step are made up; what follows makes the run of the other steps.")
        again(run.result["command"], data.python_lines(run))
