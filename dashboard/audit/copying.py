"""A cleaned copy of the data, written where the visitor says; it goes on while other widgets are moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from core.cases.decisions import Decisions
from core.cases.takeaway import write_lists
from core.foundation.errors import InputError
from core.foundation.files import given_path
from dashboard import access, errands
from dashboard.audit import shelf
from dashboard.audit.shelf import CaseView
from dashboard.plain import as_is
from dashboard.widgets import as_sentence

ASKED, DONE = "audit copy asked", "audit copy done"


def show(view: CaseView, decisions: Decisions, changes: int) -> None:
    """The form, and the copy while it is written. changes: rows that go or get another label."""
    with st.expander("A cleaned copy of the data", icon=":material/cleaning_services:"):
        if not Path(view.read["path"]).exists():
            st.caption("The data of this audit is not on this computer: the lists say what to do.")
            return
        where = st.text_input(
            "Folder for the copy", key="audit-copy-to", placeholder=str(shelf.user_audits().root.parent / "cleaned"),
            help="A new or an empty folder, outside of the data. The original is never touched.",
        )  # fmt: skip
        link = st.checkbox(
            "Hard links instead of copies, where files stay as they are", key="audit-copy-link",
            help="Takes no room; but who then changes a file in one place has changed it in both.",
        )  # fmt: skip
        if st.button(
            "Write the copy", icon=":material/save:", disabled=not (where.strip() and changes), key="audit-copy"
        ):
            st.session_state[ASKED] = (view.id, where.strip(), link)
        if not changes:
            st.caption("Nothing is decided that would change it.")
        _carry_out(view, decisions)


def _carry_out(view: CaseView, decisions: Decisions) -> None:
    asked = st.session_state.get(ASKED)
    if not asked or asked[0] != view.id:
        _say(view)
        return
    _, where, link = asked
    try:
        access.check_copies()
        out = given_path(where).absolute()
        task = errands.errand(f"audit copy {view.id} {out}", lambda report: _write(view, decisions, out, link, report))
        st.session_state[DONE] = (view.id, errands.awaited(task, st.empty(), "Writing the cleaned copy"), "")
    except (InputError, OSError) as problem:
        st.session_state[DONE] = (view.id, {}, str(problem))
    del st.session_state[ASKED]
    _say(view)


def _write(
    view: CaseView, decisions: Decisions, out: Path, link: bool, report: Callable[[str, float | None], None]
) -> dict[str, Any]:
    from core.cases.cleaned import write_cleaned  # brings torch

    told = write_cleaned(
        view.case, decisions, out / "cleaned", link, lambda share: report("Writing and reading again", share)
    )
    write_lists(view.case, decisions, out)
    return told


def _say(view: CaseView) -> None:
    of, told, problem = st.session_state.get(DONE, ("", {}, ""))
    if of != view.id:
        return
    if problem:
        st.error(as_sentence(problem))
        return
    labelled, without = sum(told["per_class"].values()), _unlabelled(view)
    st.success(
        f"Written to {as_is(told['path'])} and read again: {told['removed']:,} rows fewer, {told['relabelled']:,} with another "
        f"label, {labelled + without:,} in all{f', {without:,} of them without a label' if without else ''}. The lists lie beside it."
    )
    for note in told["notes"]:
        st.caption(as_is(note))


def _unlabelled(view: CaseView) -> int:
    """Rows of a table of features without a label: an audit leaves them out, and a copy keeps them."""
    return int(view.read["rows"]) - sum(view.read["per_class"]) if view.read["what"] == "features" else 0
