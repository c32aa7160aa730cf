"""The story of a backdoor in seven steps, on a finished run: one claim a step, one picture, one control."""

from __future__ import annotations

import streamlit as st

from dashboard import data
from dashboard.story.parts import Told
from dashboard.story.steps import DRAW, bar
from dashboard.widgets import again, choose_run

step, present = bar()
slot = st.container()
below = st.container(key="story-below-presenting" if present else "story-below")
with below, st.expander("Tell it with another run"):
    run = choose_run({**data.bundled(), **data.finished()})
if run is not None:
    with slot:
        DRAW[step](Told(run, present))
        st.caption(run.small_print)
    with below:
        again(run.result["command"], data.python_lines(run))
