"""Compare: defenses on the same images, runs with other poisons and seeds, other layers, wrong budgets."""

from __future__ import annotations

import streamlit as st

from dashboard import data
from dashboard.address import adopt, publish
from dashboard.compare import budgets, choices, defenses, layers, poisons, runs
from dashboard.widgets import adopt_truth, choose_run

QUESTIONS = {
    "defenses": "Which defense caught what?",
    "poisons": "How many poisons does it take?",
    "layers": "Does the layer matter?",
    "budgets": "What if I guess the budget wrong?",
    "runs": "Runs side by side",
}


def one_run(question: str) -> None:
    """The questions that are asked of a single run."""
    folders = data.finished()
    left, *middle, right = st.columns(
        [3, 2] if question == "layers" else [3, 4, 2], gap="medium", vertical_alignment="bottom"
    )
    with left:
        view = choose_run(folders, sealed=not adopt_truth())
    if view is None:
        return
    keys = list(view.result["defenses"])
    if middle:
        with middle[0]:
            keys = choices.choose_defenses(view)
    with right:
        revealed = choices.reveal(view.id)
    if question == "defenses":
        defenses.show(view, keys, revealed)
    elif question == "layers":
        layers.show(view, folders[view.id], revealed)
    else:
        budgets.show(view, folders[view.id], keys, revealed)


adopt("question", list(QUESTIONS))
question = st.segmented_control(
    "Question", list(QUESTIONS), format_func=QUESTIONS.__getitem__, required=True, key="question",
    label_visibility="collapsed",
)  # fmt: skip
publish("question")
if question == "poisons":
    poisons.show()
elif question == "runs":
    adopt_truth()
    runs.show(choices.reveal())
else:
    one_run(question or "defenses")
