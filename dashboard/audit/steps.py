"""The four steps of an audit, and the bar that leads from one to the next."""

from __future__ import annotations

import streamlit as st

from dashboard import address, lens

STEPS = {"read": "What was read", "looks": "What looks at it", "findings": "Findings", "decide": "Decide"}
KEYS = "audit-keys"


def move(by: int) -> None:
    names = list(STEPS)
    here = names.index(st.session_state.get("part") or names[0])
    st.session_state["part"] = names[min(max(here + by, 0), len(names) - 1)]


def take_key() -> None:
    """A key that steps was pressed."""
    to = (st.session_state.get(KEYS) or {}).get("step")
    if isinstance(to, int | float) and to in range(len(STEPS)):
        st.session_state["part"] = list(STEPS)[int(to)]


def go_to(step: str) -> None:
    st.session_state["part"] = step


def bar(default: str) -> str:
    """The bar of steps; returns the one that is shown. default: where an audit opens that the address says nothing of."""
    names = list(STEPS)
    if st.query_params.get("part") not in names and st.session_state.get("part") not in names:
        st.session_state["part"] = default
    address.adopt("part", names)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="audit-bar"):
        step = st.segmented_control(
            "Step", names, required=True, key="part", label_visibility="collapsed", width="stretch",
            format_func=lambda s: f"{names.index(s) + 1} {STEPS[s]}",
        )  # fmt: skip
        address.publish("part")
        here = names.index(step or default)
        st.button(
            "Back",
            icon=":material/arrow_back:",
            on_click=move,
            args=(-1,),
            disabled=here == 0,
            key="audit-back",
            shortcut="PageUp",
        )
        st.button(
            "Next", icon=":material/arrow_forward:", icon_position="right", on_click=move, args=(1,), type="primary",
            disabled=here == len(names) - 1, key="audit-next", shortcut="PageDown",
        )  # fmt: skip
    if names[here] != "findings":  # there the arrows turn the pages of the gallery
        lens.keys(KEYS, here, len(names), take_key)
    return names[here]
