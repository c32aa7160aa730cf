"""What the visitor chose, in step with the address; and small pieces that all questions of the page use."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import data

LONGEST = 2000  # characters of a list in the address


def adopt_list(key: str, options: Sequence[str], default: Sequence[str]) -> None:
    """As `address.adopt` for several choices at once, "spectre,spectral" in the address; what is no option is dropped."""
    asked = st.query_params.get(key, "")[:LONGEST]
    new = [option for option in asked.split(",") if option in options]
    if new and asked != st.session_state.get(f"{key} in address"):
        st.session_state[key] = list(dict.fromkeys(new))
    elif key not in st.session_state:
        st.session_state[key] = list(default)
    else:
        st.session_state[key] = [option for option in st.session_state[key] if option in options]


def publish_list(key: str) -> None:
    """After the widget: write its choices into the address."""
    text = ",".join(st.session_state[key])
    st.session_state[f"{key} in address"] = text
    if text and st.query_params.get(key) != text:
        st.query_params[key] = text
    elif not text:
        st.query_params.pop(key, None)


def adopt_count(name: str, key: str, low: int, high: int, default: int) -> None:
    """As `address.adopt` for a whole number: `name` in the address, `key` of the widget; nonsense gives the default."""
    asked = st.query_params.get(name, "")
    new = asked != st.session_state.get(f"{name} in address")
    if new and asked.isascii() and asked.isdigit() and len(asked) < 10 and low <= int(asked) <= high:
        st.session_state[key] = int(asked)
    elif not low <= st.session_state.get(key, low - 1) <= high:
        st.session_state[key] = default


def publish_count(name: str, key: str) -> None:
    text = str(st.session_state[key])
    st.session_state[f"{name} in address"] = text
    if st.query_params.get(name) != text:
        st.query_params[name] = text


def choose_defenses(run: data.RunView) -> list[str]:
    """Two or more defenses of the run; all of them to begin with."""
    titles = {key: found["title"] for key, found in run.result["defenses"].items()}
    adopt_list("defenses", list(titles), list(titles))
    st.multiselect("Defenses", list(titles), format_func=titles.__getitem__, key="defenses", placeholder="Choose two")
    publish_list("defenses")
    picked = st.session_state["defenses"]
    return [key for key in titles if key in picked]


def reveal() -> bool:
    return bool(
        st.toggle(
            "Reveal the truth", key="truth", bind="query-params",
            help="Which images are poison, and so how much of it each defense found. Hidden until you want to know.",
        )
    )  # fmt: skip


def selected_ids(run: data.RunView) -> list[int]:
    """The examples that are selected, here or on Inspect, if they are of this run."""
    return list(st.session_state.get("selected", [])) if st.session_state.get("inspected") == run.id else []


def select(run: data.RunView, ids: Sequence[int]) -> None:
    """Make these examples the selection, here and on Inspect: ids of one run mean nothing in another."""
    if st.session_state.get("inspected") != run.id:
        st.session_state.update(guessed=[], focus=None)
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
    st.dataframe(frame, hide_index=True, width="stretch", column_config=columns)
    st.download_button(
        "Download as CSV", (frame if csv is None else csv).to_csv(index=False).encode(), f"{name}.csv", "text/csv",
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
