"""The address bar holds what a page shows; what it holds is checked, and nonsense is quietly put right."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st


def adopt(key: str, options: Sequence[str]) -> None:
    """Before a widget of that key is placed: take its value from the address if that is new and one of the options.

    A link into the page wins over what the session remembers; a value that is not an option gives way to the first.
    """
    asked = st.query_params.get(key)
    if asked in options and asked != st.session_state.get(f"{key} in address"):
        st.session_state[key] = asked
    elif st.session_state.get(key) not in options:
        st.session_state[key] = options[0]


def publish(key: str) -> None:
    """After the widget: write its value into the address."""
    value = st.session_state[key]
    st.session_state[f"{key} in address"] = value
    if st.query_params.get(key) != value:
        st.query_params[key] = value
