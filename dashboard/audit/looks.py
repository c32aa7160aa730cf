"""Step 2 of a new audit: what looks at the data, and how much poison is assumed."""

from __future__ import annotations

import streamlit as st

from core.cases.config import CaseConfig
from core.cases.reading import FEATURES
from core.foundation.errors import InputError
from dashboard.audit import assume, draft, network
from dashboard.audit.reader import Outcome
from dashboard.widgets import as_sentence

WAYS = {draft.TRAINED: "A model that is trained here", draft.MINE: "A model of mine"}


def choose(read: CaseConfig, found: Outcome) -> tuple[CaseConfig, str]:
    """The widgets; the whole config, and what is wrong with it in words, as Markdown."""
    assert found.account is not None
    left, right = st.columns(2, gap="large")
    problem = ""
    with left:
        st.subheader("What looks at it")
        if found.account["what"] == FEATURES:
            st.markdown("**The features as they are.** They were made by a model already; none is needed here.")
            st.caption("What stands apart in them is what that model, at that layer, makes of the data.")
        else:
            problem = _model(found)
    with right:
        st.subheader("What is assumed")
        assume.choose(found)
    made = draft.whole(read, found.account["what"])
    if found.account["carries"]["least"] is None:
        problem = problem or "No class has enough rows to be looked at: nothing could be said of this set."
    try:
        return made.checked(), problem
    except InputError as wrong:
        return made, problem or as_sentence(str(wrong))


def _model(found: Outcome) -> str:
    way = st.radio(
        "Which model", list(WAYS), format_func=WAYS.__getitem__, key="bring looks", persist_state="session", horizontal=True,
        label_visibility="collapsed",
    )  # fmt: skip
    return network.mine() if way == draft.MINE else network.trained(found.kind)
