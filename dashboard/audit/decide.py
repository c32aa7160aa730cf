"""Step 4: all findings with what is decided, and what is taken away."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.cases.decisions import DOS, Decision, Decisions, proposal_of, proposed, resolve_among
from core.cases.takeaway import write_lists
from core.foundation.errors import InputError
from dashboard.audit import choice, copying, listing, others
from dashboard.audit.shelf import CaseView
from dashboard.plain import as_is

MOST = 500  # findings in the table
TYPED = ("decision", "new label")
LONG = 16  # letters, from which on names of classes are cut in the table
NOWHERE = "–"  # the new label of what is not relabelled
FILES = {
    "decisions.csv": ("Decisions", "text/csv", "Every row of a finding, with what is decided."),
    "removed.npy": ("Mask", "application/octet-stream", "One truth value a row, True = remove."),
    "delete.txt": ("To delete", "text/plain", "The files to delete, one a line."),
    "relabel.csv": ("To relabel", "text/csv", "File, label and new label."),
}


def show(view: CaseView) -> None:
    decisions = choice.held(view)
    try:
        frame = resolve_among(view.rows, view.found, decisions)
    except InputError as problem:
        st.error(as_is(problem))
        return
    if choice.is_for_the_session(view):
        st.caption(
            "This audit comes with the program or is somebody else's: what is decided here is kept until the page is loaded anew. Take it away below.",
        )
    _counts(frame)
    _proposals(view, decisions)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _findings(view, decisions)
    with right:
        _take_away(view, decisions)
        copying.show(view, decisions, int(frame["do"].isin(["remove", "relabel"]).sum()))
        others.show(view, decisions)


def _counts(frame: pd.DataFrame) -> None:
    counts = frame["do"].replace("", "open").value_counts()
    told = (("remove", "To be removed"), ("relabel", "To be relabelled"), ("keep", "Kept"), ("open", "Open"))
    with st.container(horizontal=True, gap="small"):
        for do, label in told:
            help = f"Of {len(frame):,} rows with a finding or a decision."
            st.metric(label, f"{int(counts.get(do, 0)):,}", border=True, help=help, width="stretch")


def _proposals(view: CaseView, decisions: Decisions) -> None:
    taken = {**proposed(view.summary).findings}
    still = {number: one for number, one in taken.items() if number not in decisions.findings}
    open_ones = (
        "Take the proposal for the open finding"
        if len(still) == 1
        else f"Take the proposals for the {len(still):,} open findings"
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            open_ones if still else "No findings are open", icon=":material/done_all:", disabled=not still,
            on_click=_take_all, args=(view,), type="primary",
            help="Poison, copies and broken rows are removed, label errors get the nearest class; second groups are kept, and so is a class most of which looks poisoned. What you have decided stays.",
        )  # fmt: skip
        with st.popover(
            "Start over", icon=":material/restart_alt:", disabled=not (decisions.findings or decisions.rows)
        ):
            st.caption("Forget every decision of this audit?")
            st.button("Forget them", on_click=_forget, args=(view,), type="primary")


def _take_all(view: CaseView) -> None:
    held = choice.held(view)
    for number, one in proposed(view.summary).findings.items():
        if number not in held.findings:
            held = held.on_finding(number, one)
    choice.keep(view, held)
    _draw_anew()


def _forget(view: CaseView) -> None:
    choice.keep(view, Decisions())
    _draw_anew()


def _findings(view: CaseView, decisions: Decisions) -> None:
    """All findings in a table of which two columns are chosen into; on a phone they are in sight."""
    if not view.findings:
        st.info("There are no findings to decide on.", icon=":material/check:")
        return
    shown = view.findings[:MOST]
    names = [
        NOWHERE,
        choice.NEAREST,
        *dict.fromkeys(view.told(c["label"]) for c in sorted(view.summary["classes"], key=lambda c: c["label"])),
    ]
    frame = pd.DataFrame([_line(view, finding, decisions) for finding in shown])
    if not frame["p-value"].any():  # copies and label errors have none
        frame = frame.drop(columns="p-value")
    version = st.session_state.setdefault("audit table", 0)
    key = f"audit-decide-{view.id}-{version}"
    st.data_editor(
        frame, key=key, hide_index=True, height=min(38 + 35 * len(frame), 560), disabled=[name for name in frame.columns if name not in TYPED],
        on_change=_take_edits, args=(view, key),
        column_config={
            "finding": st.column_config.NumberColumn("", width=30, help="Its number, as in findings.csv."),
            "class": st.column_config.TextColumn("class", width=130 if frame["class"].str.len().max() > LONG else None),
            "rows": st.column_config.NumberColumn("rows", format="localized", width=55),
            "p-value": st.column_config.TextColumn("p-value", width=80),
            "decision": st.column_config.SelectboxColumn("decision", options=["open", *DOS], required=True, width=95),
            "new label": st.column_config.SelectboxColumn("new label", options=names, width=150, help="Of those that are relabelled."),
        },
    )  # fmt: skip
    if len(view.findings) > MOST:
        st.caption(f"the worst {MOST} of {len(view.findings):,}; the others one by one under Findings")
    if decisions.rows:
        st.caption(
            f"{len(decisions.rows):,} rows have a decision of their own, which goes before that of their finding."
        )


def _line(view: CaseView, finding: dict[str, Any], decisions: Decisions) -> dict[str, Any]:
    now = decisions.findings.get(int(finding["finding"]))
    to = NOWHERE if now is None or now.do != "relabel" else choice.NEAREST if now.to is None else view.told(now.to)
    return {
        "finding": int(finding["finding"]), "class": view.told(finding["label"]), "kind": finding["title"],
        "proposed": proposal_of(finding), "decision": "open" if now is None else now.do, "new label": to,
        "rows": finding["rows"], "p-value": listing.p_text(finding["p_value"]),
    }  # fmt: skip


def _take_edits(view: CaseView, key: str) -> None:
    """What was chosen in the table becomes a decision; a new label alone means relabel."""
    held = choice.held(view)
    labels = {view.told(c["label"]): int(c["label"]) for c in view.summary["classes"]}
    for position, edit in st.session_state[key]["edited_rows"].items():
        number = int(view.findings[int(position)]["finding"])
        now = held.findings.get(number)
        named = edit.get("new label", NOWHERE) not in (NOWHERE, None)
        do = edit.get("decision") or ("relabel" if named else now.do if now else "open")
        to = labels.get(str(edit.get("new label"))) if "new label" in edit else now.to if now else None
        if do == "relabel" and to is None and not view.has_nearest(view.of_finding[number]["row"]):
            st.toast(
                f"Finding {number} names no other class for its rows: choose the new label.",
                icon=":material/error:",
                duration="long",
            )
            continue
        held = held.on_finding(number, None if do == "open" else Decision(do, to if do == "relabel" else None))
    choice.keep(view, held)
    _draw_anew()


def _draw_anew() -> None:
    """The table forgets what was typed into it: all of that is in the decisions now."""
    st.session_state["audit table"] = st.session_state.get("audit table", 0) + 1


def _take_away(view: CaseView, decisions: Decisions) -> None:
    st.markdown("**Take away**")
    with st.container(horizontal=True):
        st.download_button(
            "Report", lambda: _report(view, decisions, pdf=False), f"{view.id}-report.html", "text/html", type="primary",
            icon=":material/description:", on_click="ignore",
            help="One HTML file that needs nothing else: findings with figures, rows, doubts and what is decided. Prints well.",
        )  # fmt: skip
        st.download_button(
            "Report as PDF", lambda: _report(view, decisions, pdf=True), f"{view.id}-report.pdf", "application/pdf",
            icon=":material/picture_as_pdf:", on_click="ignore", help="The same on paper. Some seconds.",
        )  # fmt: skip
        for name, (label, mime, help) in FILES.items():
            st.download_button(
                label, partial(_list, view, decisions, name), f"{view.id}-{name}", mime, icon=":material/download:", help=help,
                on_click="ignore",
            )  # fmt: skip
        st.download_button(
            "Findings", view.case.file("findings.csv").read_bytes, f"{view.id}-findings.csv", "text/csv",
            icon=":material/download:", on_click="ignore", help="Every row of every finding, with its file.",
        )  # fmt: skip


def _list(view: CaseView, decisions: Decisions, name: str) -> bytes:
    """One of FILES, made when it is asked for."""
    with tempfile.TemporaryDirectory() as folder:
        write_lists(view.case, decisions, Path(folder))
        return (Path(folder) / name).read_bytes()


def _report(view: CaseView, decisions: Decisions, *, pdf: bool) -> bytes:
    """Made when it is asked for; it brings torch."""
    from core.cases.reporting import report_of
    from core.reports import to_html, to_pdf

    made = report_of(view.case, decisions)
    return to_pdf(made) if pdf else to_html(made).encode()
