"""The visitor's own guess: recorded while the truth is hidden, shown beside it when it is revealed."""

from __future__ import annotations

import streamlit as st

from core.runs import detection, share_text
from dashboard.inspection.state import Shown


def add(examples: list[int]) -> None:
    st.session_state["guessed"] = sorted({*st.session_state["guessed"], *examples})


def toggle(example: int) -> None:
    st.session_state["guessed"] = sorted({*st.session_state["guessed"]} ^ {example})


def clear() -> None:
    st.session_state["guessed"] = []


def show(shown: Shown) -> None:
    """How many are guessed, ways to guess more, and the comparison once the truth is out."""
    count = int(shown.guessed.sum())
    with st.container(border=True):
        st.markdown(
            f"**Your guess**: {count:,} image{'' if count == 1 else 's'}",
            help="Which images look poisoned to you? Guess before you reveal the truth; then compare with the defense.",
        )
        # runs of which guesses are no guesses any more
        seen: set[str] = st.session_state.setdefault("truth seen", set())
        if shown.revealed:
            seen.add(shown.run.id)
            _compare(shown, count)
            return
        picked = int(shown.selected.sum())
        with st.container(horizontal=True, gap="small"):
            st.button(
                f"Add the {picked:,} selected" if picked else "Add the selected", disabled=not picked, on_click=add,
                args=(shown.run.ids[shown.selected].tolist(),), help="Select with a lasso or box in a picture.",
            )  # fmt: skip
            st.button("Clear", key="clear-guess", disabled=not count, on_click=clear)
        if shown.run.id in seen:
            st.caption("You have seen the truth of this run.")


def _compare(shown: Shown, count: int) -> None:
    if not count:
        st.caption("You made none. Hide the truth, select what looks poisoned, and add it.")
        return
    yours, theirs = detection(shown.guessed, shown.run.truth), detection(shown.removed, shown.run.truth)
    lines = ["", "| | you | the cut |", "|---|---|---|"]
    for name, key in (("poison found", "true_positive_rate"), ("clean accused", "false_positive_rate"), ("precision", "precision")):  # fmt: skip
        lines.append(f"| {name} | {share_text(yours[key])} | {share_text(theirs[key])} |")
    st.markdown("\n".join(lines))
