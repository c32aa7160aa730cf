"""The audits that wait or work, on the page of runs: both want the same machine."""

from __future__ import annotations

import streamlit as st

from core.cases.folder import CaseFolder
from dashboard.audit.shelf import title, user_audits
from dashboard.plain import as_is
from dashboard.runs import live

SECONDS = 2.0  # between two looks


def at_work() -> list[CaseFolder]:
    return [case for case in user_audits() if case.status.active]


def show() -> None:
    """A line and a bar for each; nothing where there is none."""
    if not at_work():
        return

    @st.fragment(run_every=SECONDS)
    def draw() -> None:
        cases = at_work()
        if not cases:
            st.rerun()
        st.markdown(f"**{len(cases)} audit{'s' * (len(cases) > 1)} at work or waiting**")
        for case in cases:
            with st.container(horizontal=True, vertical_alignment="center", key=f"audit-{case.id}"):
                st.markdown(as_is(title(case)), width="content")
                live.bar(case, user_audits())
                st.page_link(
                    "screens/audit.py", label="Open", icon=":material/policy:", query_params={"audit": case.id}
                )

    draw()
