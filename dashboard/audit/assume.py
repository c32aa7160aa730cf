"""What is assumed of the poison, and what few change: name, class, seed, device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.foundation.seeds import LAST_SEED
from dashboard.audit import draft
from dashboard.audit.reader import Outcome
from dashboard.lab.training import devices_here


def choose(found: Outcome) -> None:
    """How much poison, at which level; and what few change."""
    assert found.account is not None
    way = st.radio(
        "Poison in a class, where there is any", list(draft.POISONS), format_func=draft.POISONS.__getitem__, key="bring poisons kind",
        persist_state="session", horizontal=True,
        help="SPECTRE has to be told how many rows to expect. Nobody knows: as many as stand apart is the usual choice. It begins with 8 % of a "
        "class; where you suspect 20 % or more, and it finds nothing, try 25 %.",
    )  # fmt: skip
    if way == "count":
        st.number_input(
            "Rows in a poisoned class", 1, None, 50, step=1, key="bring poisons count", persist_state="session"
        )
    if way == "share":
        st.number_input("Share of a class (%)", 0.1, 50.0, 2.0, step=0.5, format="%g", key="bring poisons share", persist_state="session")  # fmt: skip
    level = st.number_input(
        "Level", 0.001, 0.5, 0.05, step=0.01, format="%g", key="bring level", persist_state="session",
        help="How often chance alone may make the audit call a class poisoned. Lower means fewer false alarms, and small "
        "poison is missed more easily.",
    )  # fmt: skip
    st.caption(f"Of 100 clean sets, about {100 * level:g} would have some class that is called poisoned by chance.")
    with st.expander("Name, class, seed, device"):
        st.text_input(
            "Name of the audit", key="bring name", persist_state="session", placeholder="after the file", max_chars=40
        )
        _class(found.account)
        columns = st.columns(2)
        columns[0].number_input("Seed", 0, LAST_SEED, 0, key="bring seed", persist_state="session", help="Fixes every random choice.")  # fmt: skip
        columns[1].selectbox("Computed on", devices_here(), key="bring device", persist_state="session", help="auto takes a graphics card where there is one.")  # fmt: skip


def _class(told: Mapping[str, Any]) -> None:
    """A class by its number, shown by its name."""
    names = told.get("names") or {name: name for name in told["class_names"]}
    if st.session_state.get("bring label", "") not in ("", *names):  # of data that was there before
        st.session_state["bring label"] = ""
    st.selectbox(
        "Filter this class whatever the verdict", ["", *names], format_func=lambda n: names[n] if n else "(none)",
        key="bring label", persist_state="session", help="Rows of it are then removed whether it stands out or not.",
    )  # fmt: skip
