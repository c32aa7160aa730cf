"""Which step is told, the bar that leads from one to the next, and the presenter's screen."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import address, lens
from dashboard.story import features, model, parts, remove, score, trigger, whiten, why

DRAW: dict[str, Callable[[parts.Told], None]] = {
    "Trigger": trigger.show,
    "Model": model.show,
    "Features": features.show,
    "Why": why.show,
    "Whiten": whiten.show,
    "Score": score.show,
    "Remove": remove.show,
}
STEPS = tuple(DRAW)
MADE_UP = ("Why",)  # steps that show no run
KEYS = "story-keys"

# On a narrow screen: claim and first paragraph, the picture, the rest. The page as a whole can take the focus, to be
# scrolled: a frame around everything tells nobody anything.
STYLE = """
<style>
[data-testid="stMain"]:focus, [data-testid="stMain"]:focus-visible { outline: none; box-shadow: none; }
.st-key-story-onward { display: none; }
@media (min-width: 641px) { .st-key-story-picture { min-height: min(60vh, 640px); } } /* what follows does not jump */
@media (max-width: 640px) {
  .st-key-story-onward { display: flex; }
  [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"] .st-key-story-picture) { flex-direction: column; flex-wrap: nowrap; gap: 1rem; }
  [data-testid="stColumn"]:has(.st-key-story-picture, .st-key-story-lead),
  [data-testid="stColumn"]:has(.st-key-story-picture, .st-key-story-lead) > [data-testid="stVerticalBlock"] { display: contents; }
  [data-testid="stLayoutWrapper"]:has(> .st-key-story-lead) { order: 1; }
  [data-testid="stLayoutWrapper"]:has(> .st-key-story-picture) { order: 2; }
  [data-testid="stLayoutWrapper"]:has(> .st-key-story-words) { order: 3; }
}
</style>
"""

# Read from the last row: larger type on a larger screen, and nothing but the step.
PRESENTER = """
<style>
html { font-size: clamp(19px, 1.65vw, 40px) !important; }
[data-testid="stHeader"], [data-testid="stToolbar"], .st-key-story-below-presenting, .st-key-story-bar kbd { display: none; }
[data-testid="stMainBlockContainer"] { padding: .5rem 1.4rem 0; }
[data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] { gap: .6rem; }
.st-key-story-bar { zoom: .72; }
.st-key-story-picture { min-height: 0 !important; }
.st-key-story-lead, .st-key-story-words { gap: .3rem; }
.sl-claim { font-size: 1.75rem; }
.sl-grid figcaption { font-size: .7rem; }
.sl-figure { margin: 0; }
.sl-figure b { display: block; font-size: 1.7rem; line-height: 1.2; }
.sl-figure small { display: block; font-size: .8rem; opacity: .75; }
</style>
"""


def move(by: int) -> None:
    here = STEPS.index(st.session_state.get("step") or STEPS[0])
    st.session_state["step"] = STEPS[min(max(here + by, 0), len(STEPS) - 1)]


def take_key() -> None:
    """A key that steps was pressed."""
    to = (st.session_state.get(KEYS) or {}).get("step")
    if isinstance(to, int | float) and to in range(len(STEPS)):
        st.session_state["step"] = STEPS[int(to)]


def turn(present: str) -> None:
    st.session_state["present"] = present


def bar() -> tuple[str, bool]:
    """The bar of steps with its buttons; returns the step, and whether a presenter tells it."""
    address.adopt("step", STEPS)
    address.adopt("present", ("0", "1"))
    present = st.session_state["present"] == "1"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="story-bar"):
        step = st.segmented_control(
            "Step", STEPS, required=True, key="step", label_visibility="collapsed", width="stretch",
            format_func=lambda s: f"{STEPS.index(s) + 1} {s}",
        )  # fmt: skip
        here = STEPS.index(step or STEPS[0])
        address.publish("step")
        address.write("present", "1" if present else None)
        st.button(
            "Back", icon=":material/arrow_back:", on_click=move, args=(-1,), disabled=here == 0, shortcut="PageUp"
        )
        st.button(
            "Next", icon=":material/arrow_forward:", icon_position="right", on_click=move, args=(1,), type="primary",
            disabled=here == len(STEPS) - 1, shortcut="PageDown",
        )  # fmt: skip
        if present:
            st.button(
                "Leave", icon=":material/close_fullscreen:", on_click=turn, args=("0",), shortcut="Esc", key="leave"
            )
        else:
            st.button(
                "Present", icon=":material/slideshow:", on_click=turn, args=("1",), shortcut="P", key="enter",
                help="For a room: large type, few words, nothing else on the screen. Arrow keys and Page up and down step.",
            )  # fmt: skip
    lens.keys(KEYS, here, len(STEPS), take_key)
    st.html(STYLE + PRESENTER if present else STYLE)
    return STEPS[here], present


def onward(step: str) -> None:
    """On a phone: the next step, also where the reading ends."""
    here = STEPS.index(step)
    if here + 1 < len(STEPS):
        with st.container(key="story-onward"):
            st.button(
                f"Next: {here + 2} {STEPS[here + 1]}", icon=":material/arrow_forward:", icon_position="right", on_click=move,
                args=(1,), type="primary", width="stretch", key="onward",
            )  # fmt: skip
