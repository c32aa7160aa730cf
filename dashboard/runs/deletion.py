"""The button that deletes a run or an audit, and asks once more."""

from __future__ import annotations

import streamlit as st

from core.foundation.errors import InputError
from core.runs import JobFolder
from dashboard import access
from dashboard.runs import live


def offer(job: JobFolder, kind: str) -> None:
    """kind: "run" or "audit"; the address names it by that word."""
    active, may = job.status.active, access.may_change(job)
    if st.button(
        "Delete", icon=":material/delete:", key=f"delete-{job.id}", disabled=active or not may,
        help=live.NOT_YOURS if not may else "Cancel it first." if active else "Asks once more.",
    ):  # fmt: skip
        st.dialog(f"Delete this {kind}?")(_ask)(job, kind)


def _ask(job: JobFolder, kind: str) -> None:
    count, size = access.extent(job.path)
    st.markdown(f"**{job.id}** with its {count} files ({access.size_text(size)}) cannot be brought back.")
    with st.container(horizontal=True):
        surely = st.button(
            "Delete it",
            type="primary",
            icon=":material/delete:",
            key="delete-surely",
            on_click=delete,
            args=(job, kind),
        )
        if st.button("Keep it", key="delete-not") or surely:
            st.rerun()


def delete(job: JobFolder, kind: str) -> None:
    """Asked again, for a page can be older than what it shows; what goes wrong is left for the page to say."""
    try:
        if not access.may_change(job):
            raise InputError(live.NOT_YOURS)
        job.delete()
        st.query_params.pop(kind, None)
    except (InputError, OSError) as problem:
        st.session_state[live.PROBLEM] = str(problem)
