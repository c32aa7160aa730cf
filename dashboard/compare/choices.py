"""What the visitor chose, in step with the address; and small pieces that all questions of the page use."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.foundation.csv_cells import guarded_table
from dashboard import address, data
from dashboard.widgets import reveal_truth

TALLEST = 528  # pixels of a table: fourteen lines, and the next are scrolled to


def choose_defenses(run: data.RunView) -> list[str]:
    """Two or more defenses of the run; all of them to begin with."""
    titles = {key: found["title"] for key, found in run.result["defenses"].items()}
    address.adopt_list("defenses", list(titles), list(titles))
    st.multiselect("Defenses", list(titles), format_func=titles.__getitem__, key="defenses", placeholder="Choose two")
    address.publish_list("defenses")
    picked = st.session_state["defenses"]
    return [key for key in titles if key in picked]


def reveal(about: str = "") -> bool:
    """The switch that shows the truth of a run, or of several."""
    return reveal_truth(
        about, "Which images are poison, and so how much of it each defense found. Hidden until you want to know."
    )


def selected_ids(run: data.RunView) -> list[int]:
    """The examples that are selected, here or on Inspect, if they are of this run."""
    return list(st.session_state.get("selected", [])) if st.session_state.get("inspected") == run.id else []


def select(run: data.RunView, ids: Sequence[int]) -> None:
    """Make these examples the selection, here and on Inspect: ids of one run mean nothing in another."""
    if st.session_state.get("inspected") != run.id:
        st.session_state.update(guessed=[], focus=None, trail=[])
    st.session_state.update(selected=[int(i) for i in ids], inspected=run.id, which="selected", position=1)


def picked(key: str) -> list[Any]:
    """`customdata` of what was clicked or brushed in a plot, each once."""
    return list((st.session_state.get(key) or {}).get("picked") or [])


def claim(text: str) -> None:
    """The one sentence of a question, as a heading."""
    st.html(f'<h2 class="sl-claim">{html.escape(text)}</h2>')


def table(
    frame: pd.DataFrame, name: str, *, columns: dict[str, Any] | None = None, csv: pd.DataFrame | None = None
) -> None:
    """A table and its CSV; csv: another one to download, where the table is a summary. name: of the file."""
    height = min(38 + 35 * len(frame), TALLEST)
    st.dataframe(frame, hide_index=True, width="stretch", height=height, column_config=columns)
    st.download_button(
        "Download as CSV", guarded_table(frame if csv is None else csv).to_csv(index=False).encode(), f"{name}.csv", "text/csv",
        icon=":material/download:", key=f"csv-{name}",
    )  # fmt: skip


def rates(names: Sequence[str]) -> dict[str, Any]:
    """Columns whose unit stands in the head; a long head gets the room that it needs."""
    return {
        name: st.column_config.NumberColumn(name, format="%.1f", width=max(80, 30 + 8 * len(name))) for name in names
    }


def percents(names: Sequence[str]) -> dict[str, Any]:
    """Columns of percentages with one decimal."""
    return {name: st.column_config.NumberColumn(name, format="%.1f %%") for name in names}
