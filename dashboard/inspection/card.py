"""The card of one example: its image, what is known of it, what every defense says, and what lies near."""

from __future__ import annotations

import html

import numpy as np
import streamlit as st

from dashboard import charts, lens
from dashboard.inspection import guess, state, views
from dashboard.inspection.state import Shown
from dashboard.plain import as_is


def show(shown: Shown) -> None:
    with st.container(border=True):
        if shown.focus is None:
            st.markdown("**One image**")
            st.caption("Click a point or an image: it is ringed in every picture, and its card appears here.")
            return
        row, run = shown.focus, shown.run
        example = int(run.ids[row])
        picture, facts = st.columns([2, 3])
        with picture:
            src = views.source(run.id, run.stamp, row, run)
            st.html(f'<img class="sl-large" alt="example {example}" src="{html.escape(src, quote=True)}">')
        with facts:
            st.markdown(f"**Example {example}**")
            st.markdown("\n".join(f"- {line}" for line in known(shown, row)))
            with st.container(horizontal=True, gap="small"):
                mine = bool(shown.guessed[row])
                st.button(
                    "Take out of my guess" if mine else "Looks poisoned", on_click=guess.toggle,
                    args=(example,), disabled=shown.revealed, key="guess-one",
                    help="Hide the truth to change your guess." if shown.revealed else "Adds it to your guess.",
                )  # fmt: skip
                if st.session_state.get("trail"):
                    last = st.session_state["trail"][-1]
                    st.button(
                        "",
                        icon=":material/undo:",
                        key="card-back",
                        on_click=state.step_back,
                        help=f"Back to example {last}",
                    )
                st.button(
                    "", icon=":material/close:", key="close-card", on_click=state.clear_focus, help="Close the card"
                )
        st.markdown("\n".join(verdicts(shown, row)))
        neighbours(shown, row)


def known(shown: Shown, row: int) -> list[str]:
    run = shown.run
    lines = [f"label: *{as_is(run.classes[int(run.frame['label'].iat[row])])}*"]
    if shown.revealed:
        lines.append(f"true label: *{as_is(run.true_names[row])}*")
        lines.append("**poison**" if run.truth[row] else "clean")
        if source := run.full_source(row):
            lines.append(f"from {as_is(source)}")
    trusted = run.views["trusted"][row]
    lines.append(f"SPECTRE's filter {'trusts it' if trusted else 'does not trust it'}")
    return lines


def verdicts(shown: Shown, row: int) -> list[str]:
    """A table in Markdown: score, rank and verdict of each defense; the one that is chosen above, at the present cut."""
    run, n = shown.run, len(shown.run.frame)
    lines = [f"| defense | score | rank of {n:,} | |", "|:--|--:|--:|:--|"]
    for key, about in run.result["defenses"].items():
        if key == shown.defense:
            title, score, rank, gone = f"**{shown.title}**", shown.scores[row], shown.rank(row), shown.removed[row]
            where = "at this cut"
        else:
            title, score, rank = about["title"], run.frame[f"score_{key}"].iat[row], run.ranks[key][row]
            gone, where = run.frame[f"removed_{key}"].iat[row], "in the run"
        lines.append(
            f"| {title} | {charts.number(float(score))} | {rank:,} | {'removed' if gone else 'kept'} {where} |"
        )
    return lines


def neighbours(shown: Shown, row: int) -> None:
    """The nearest examples in feature space, by the distances that were stored with the run."""
    table = shown.run.neighbours
    if not table:
        return
    near, far = table["rows"][row][:8], table["distances"][row][:8]
    gone = int(shown.removed[near].sum())
    st.markdown(
        f"**Nearest in feature space** · {gone} of {len(near)} removed",
        help="Euclidean distance between the features, along the principal components that SPECTRE looks at.",
    )
    entries = [
        views.entry(shown, int(r), f"distance {charts.number(float(d))}")
        for r, d in zip(near, np.asarray(far), strict=True)
    ]
    lens.tiles(
        f"inspect/{shown.run.id}", entries, state.NEIGHBOURS, label="nearest examples", side=64,
        on_look=lambda: state.take_focus(state.NEIGHBOURS),
    )  # fmt: skip
