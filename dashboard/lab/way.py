"""In the second card: what happens to images on their way, and what that leaves of the trigger."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.attacks import Transport
from core.experiment import RunConfig
from core.experiment.preview import Preview
from dashboard import forms

KEY = "way"


def choose() -> dict[str, Any]:
    """The fold with the options of `Transport`."""
    with st.expander("What happens on the way"):
        st.caption("All images travel alike, clean and poisoned, in training and in the test.")
        return forms.parameters(Transport, KEY, columns=2)


def fill(config: RunConfig) -> None:
    """Give the widgets the values of a resolved config; call it before they are placed."""
    forms.fill(Transport, KEY, config.transport)


def left(shown: Preview) -> None:
    """What is left of the trigger, where it changed anything and something happened to it on the way."""
    if shown.left is None:
        return
    st.markdown(
        f":material/local_shipping: As they arrive, **{100 * shown.left:.0f} %** of the trigger is left.",
        help="All pictures here are as they arrive. How much of the change by the trigger arrives in its own direction, "
        "on average over the first images that may be poisoned; above 100 % the way makes it stronger.",
    )
