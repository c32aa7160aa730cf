"""The address bar holds what a page shows; what it holds is checked, and nonsense is quietly put right."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import streamlit as st


def adopt(key: str, options: Sequence[str]) -> None:
    """Before a widget of that key is placed: take its value from the address if that is new and one of the options.

    A link into the page wins over what the session remembers; a value that is not an option gives way to the first.
    """
    asked = st.query_params.get(key)
    is_new = (
        asked != st.session_state.get(f"{key} in address") or key not in st.session_state
    )  # a page forgets its widgets
    if asked in options and is_new:
        st.session_state[key] = asked
    elif st.session_state.get(key) not in options:
        st.session_state[key] = options[0]


def publish(key: str) -> None:
    """After the widget: write its value into the address."""
    value = st.session_state[key]
    st.session_state[f"{key} in address"] = value
    if st.query_params.get(key) != value:
        st.query_params[key] = value


def adopt_number(key: str, low: float, high: float, default: float) -> None:
    """As `adopt`, for a whole number between bounds."""
    asked = st.query_params.get(key, "")
    is_new = asked != st.session_state.get(f"{key} in address") or key not in st.session_state
    if is_new and asked.isascii() and asked.isdigit() and len(asked) < 10 and low <= int(asked) <= high:
        st.session_state[key] = int(asked)
    elif not low <= st.session_state.get(key, low - 1) <= high:
        st.session_state[key] = default


def write(key: str, value: str | None) -> None:
    """Put a value into the address, or take it out, without a rerun where nothing changes."""
    st.session_state[f"{key} in address"] = value or ""
    if value is None or value == "":
        if key in st.query_params:
            del st.query_params[key]
    elif st.query_params.get(key) != value:
        st.query_params[key] = value


LONGEST = 1500  # characters of an address that every browser and chat carries


def ids_to_text(ids: Sequence[int]) -> str:
    """Example ids as the address holds them: runs of neighbours in base 36, "2s-2z.4f"; empty where they are too many."""
    parts: list[tuple[int, int]] = []
    for example in sorted(ids):
        if parts and example == parts[-1][1] + 1:
            parts[-1] = (parts[-1][0], example)
        else:
            parts.append((example, example))
    text = ".".join(_base36(a) if a == b else f"{_base36(a)}-{_base36(b)}" for a, b in parts)
    return text if len(text) <= LONGEST else ""


def ids_from_text(text: str) -> list[int]:
    """What `ids_to_text` wrote; an empty list for anything else, so that nonsense selects nothing."""
    if len(text) > LONGEST or not re.fullmatch(
        r"[0-9a-z]{1,7}(-[0-9a-z]{1,7})?(\.[0-9a-z]{1,7}(-[0-9a-z]{1,7})?)*", text
    ):
        return []
    found: list[int] = []
    for part in text.split("."):
        first, _, last = part.partition("-")
        low, high = int(first, 36), int(last or first, 36)
        if high - low > 1_000_000 or high < low:
            return []
        found += range(low, high + 1)
    return found


def _base36(value: int) -> str:
    return np.base_repr(value, 36).lower()
