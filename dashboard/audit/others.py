"""What others say of the same rows: their mask, list or decisions, set beside what is decided here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.cases.decisions import Decisions, proposed
from core.foundation.errors import InputError
from core.foundation.files import given_path
from dashboard import access
from dashboard.audit import shelf, state, steps, upload
from dashboard.audit.shelf import CaseView
from dashboard.plain import as_is
from dashboard.widgets import as_sentence

TAKEN = (".npy", ".npz", ".json", ".csv", ".tsv", ".txt", ".parquet")
KEPT = "audit theirs kept"


def show(view: CaseView, decisions: Decisions) -> None:
    with st.expander("Compare with others", icon=":material/group:"):
        st.caption(
            "Another auditor's decisions, another tool's mask, a list of files or rows, or the folder of another audit."
        )
        file = st.file_uploader(
            "Theirs", [suffix[1:] for suffix in TAKEN], key="audit-theirs",
            max_upload_size=upload.MEGABYTES, help=f"At most {upload.MEGABYTES} MB; read, never run.",
        )  # fmt: skip
        path = st.text_input("Or its path on this computer", key="audit-theirs-path").strip()
        if file is None and not path:
            return
        own, what = (
            (decisions, "decided here")
            if decisions.findings or decisions.rows
            else (proposed(view.summary), "proposed here")
        )
        try:
            other = _kept(file) if file else _named(path)
            with st.spinner("Comparing"):
                from core.cases.agreement import compare  # brings the readers

                found = compare(view.case, own, other, what)
        except InputError as problem:
            st.error(as_sentence(str(problem)))
            return
        _tell(view, found.as_json(), what)


def _kept(file: Any) -> Path:
    """What was uploaded, kept once for as long as the form holds it."""
    before, path = st.session_state.get(KEPT, ("", Path()))
    if before != file.file_id:
        root = shelf.user_audits().root
        path = access.keep_upload(lambda: upload.store(file, file.name, root, TAKEN), file.size, root)
        st.session_state[KEPT] = (file.file_id, path)
    return Path(path)


def _named(path: str) -> Path:
    access.check_path(path)
    return given_path(path)


def _tell(view: CaseView, told: dict, what: str) -> None:
    st.markdown(f"**{as_is(told['what'])}** beside what is {what}")
    columns = st.columns(3)
    for column, (key, label) in zip(
        columns, (("both", "Both"), ("only_here", "Only here"), ("only_there", "Only there")), strict=True
    ):
        column.metric(
            label, f"{told[key]:,}", border=True, help=f"Rows to be removed or relabelled, of {told['rows']:,}."
        )
    kappa = told["kappa"]
    if kappa is not None:
        st.caption(
            f"Cohen's kappa {kappa:.2f} over all {told['rows']:,} rows (1: agreement, 0: as chance would have it)"
            + (
                ""
                if told["touched_kappa"] is None
                else f", {told['touched_kappa']:.2f} over the {told['touched']:,} that either mentions"
            )
            + "."
        )
    if told["unknown"]:
        names = ", ".join(as_is(name) for name in told["unknown"][:5])
        st.caption(f"{len(told['unknown']):,} names are not known here: {names}{' …' * (len(told['unknown']) > 5)}")
    if told["findings"]:
        frame = pd.DataFrame(told["findings"])
        frame["label"] = [
            view.told(label) if number else "" for label, number in zip(frame["label"], frame["finding"], strict=True)
        ]
        st.dataframe(frame, hide_index=True)
    for key, label in (("rows_only_there", "Look at those only there"), ("rows_only_here", "Look at those only here")):
        if told[key]:
            st.button(label, key=f"audit-{key}", icon=":material/search:", on_click=_look, args=(told[key],))


def _look(rows: list[int]) -> None:
    """They become the selection of the findings."""
    st.session_state.update({state.PICKED: rows, "audit-set": "selected", "audit-page": 1})
    steps.go_to("findings")
