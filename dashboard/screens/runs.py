"""Every run, the visitor's own and those that come with the program: what it is, where it stands, what can be done."""

from __future__ import annotations

import zlib

import streamlit as st

from dashboard.address import adopt, publish
from dashboard.runs import audits, details, listing, states
from dashboard.runs.states import quoted

# A telephone shows three or four columns at once: there the results come first.
CSS = """
<style>
.st-key-runs-narrow { display: none; }
@media (max-width: 640px) { .st-key-runs-wide { display: none; } .st-key-runs-narrow { display: flex; } }
</style>
"""
LIVELY, IDLE = 2.0, 10.0  # seconds between two looks at the folder, while a run is active and while none is
ROUND = "runs-round"  # raised where the chosen run changes elsewhere than in the table, which is then drawn anew


def visible(rows: list[listing.Row]) -> list[listing.Row]:
    words = (st.session_state.get("find") or "").split()
    return [row for row in rows if row.matches(words, st.session_state.get("state") or ())]


def standing(rows: list[listing.Row]) -> list[tuple[str, str]]:
    return [(row.id, row.state) for row in rows]


def choose_elsewhere() -> None:
    st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1


def choose_in_table(key: str, ids: list[str]) -> None:
    picked = st.session_state[key]["selection"]["rows"]
    if picked and picked[0] < len(ids):
        st.session_state["run"] = ids[picked[0]]
        st.session_state["runs-chosen"] = True


def table(rows: list[listing.Row], suffix: str, columns: tuple[str, ...]) -> None:
    """One line a run; a click chooses. suffix: tells two tables of the same rows apart."""
    ids = [row.id for row in rows]
    order = zlib.crc32("\n".join(ids).encode())
    key = f"runs-table{suffix}-{order:x}-{st.session_state.get(ROUND, 0)}"
    chosen = st.session_state.get("run")
    at = [ids.index(chosen)] if chosen in ids else []
    st.dataframe(
        listing.as_table(rows), hide_index=True, column_config=listing.COLUMNS, column_order=columns, key=key,
        height=min(38 + 35 * max(len(rows), 1), 388), selection_mode="single-row", placeholder="–",
        selection_default={"selection": {"rows": at, "columns": [], "cells": []}},
        on_select=lambda: choose_in_table(key, ids), alt="All runs that match, one a line; choose one to see more",
    )  # fmt: skip


def missed(rows: list[listing.Row]) -> str:
    """The run in the address where there is none of that name; empty where there is, or none is asked for."""
    asked = st.query_params.get("run", "")
    if not asked or any(row.id == asked for row in rows):
        return ""
    return f"There is no run {quoted(asked)} here"


def overview(known: list[tuple[str, str]]) -> None:
    """The table, looked at again every few seconds without the rest of the page."""
    lively = any(state in ("queued", "running") for _, state in known)

    @st.fragment(run_every=LIVELY if lively else IDLE)
    def draw() -> None:
        rows = listing.all_rows()
        if st.session_state.pop("runs-chosen", False) or standing(rows) != known:
            st.rerun()  # the details follow, and the pace
        shown = visible(rows)
        with st.container(key="runs-wide"):
            table(shown, "", tuple(listing.COLUMNS))
        with st.container(key="runs-narrow"):
            table(shown, "-narrow", listing.ON_A_PHONE)
        st.caption(
            f"Showing {len(shown)} of {len(rows)} runs. A click on a heading sorts; one on a line shows the run below."
        )

    draw()


st.html(CSS)
for name in ("lab-like", "lab-story"):  # a link from here into the Lab is taken up anew each time
    st.session_state.pop(name, None)


def choose(found: list[listing.Row], everything: list[listing.Row]) -> None:
    """The table of what was found among everything, and one of them in full."""
    by_id = {row.id: row for row in found}
    no_such = missed(everything)
    adopt("run", list(by_id), quiet=True)  # said below, by name
    if no_such:
        st.toast(f"{no_such}; showing {st.session_state['run']}.", icon=":material/link_off:", duration="long")
    overview(standing(everything))
    st.selectbox(
        "Run", list(by_id), key="run", on_change=choose_elsewhere,
        format_func=lambda i: f"{states.in_table(by_id[i].state)} · {i}", help="The same choice as a line of the table.",
    )  # fmt: skip
    publish("run")
    details.show(by_id[st.session_state["run"]])


everything = listing.all_rows()
if all(row.bundled for row in everything):
    st.info(
        "No run of your own yet: start one in the Lab. Those below come with the program.", icon=":material/science:"
    )
    st.page_link("screens/lab.py", label="To the Lab", icon=":material/science:")
audits.show()
left, right = st.columns([2, 3], vertical_alignment="bottom")
with left:
    st.text_input(
        "Find", key="find", bind="query-params", placeholder="for example: signs adaptive", icon=":material/search:",
        help="Words of the data, the attack, the classes, the state or the name; all of them must be there.",
    )  # fmt: skip
with right:
    there = [state for state in states.ALL if any(row.state == state for row in everything)]
    st.pills("State", there, selection_mode="multi", key="state", bind="query-params", format_func=states.in_table)
found = visible(everything)
if found:
    choose(found, everything)
else:
    st.info("No run matches. Take a word out of the search, or choose another state.", icon=":material/search_off:")
    st.caption(f"Showing 0 of {len(everything)} runs.")
