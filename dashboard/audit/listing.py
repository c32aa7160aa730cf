"""The findings side by side: worst first, a line each, with what was not looked at below."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.cases.words import TITLES
from dashboard import address
from dashboard.audit import told
from dashboard.audit.shelf import CaseView
from dashboard.plain import as_is

MOST = 200  # findings that have a line
HIGHEST = 494  # pixels of the list: nine lines and half of the next, so that it is seen to go on
NONE = "0"


def p_text(p: float | None) -> str:
    """A p-value as it is read: "p < 0.001", "p = 0.004"; empty where there is none."""
    if p is None:
        return ""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def rows_text(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def headline(view: CaseView) -> str:
    """The verdict in a sentence, for people."""
    suspects = {f["label"] for f in view.findings if f["kind"] == "poison"}
    if suspects:
        return f"{len(suspects)} class{'es look' if len(suspects) > 1 else ' looks'} poisoned"
    return (
        "Nothing looks poisoned"
        if any(c["objective"] is not None for c in view.summary["classes"])
        else "Whether a class is poisoned cannot be said"
    )


def choose(view: CaseView) -> dict[str, Any] | None:
    """The list; returns the finding that is looked at, None where there is none."""
    findings = view.findings
    st.markdown(f"**{headline(view)}**")
    if not findings:
        return None
    kinds = list(dict.fromkeys(finding["kind"] for finding in findings))
    if len(kinds) > 1:
        address.adopt("kind", ["all", *kinds], quiet=True)
        kind = st.selectbox(
            "Kind", ["all", *kinds], key="kind", label_visibility="collapsed",
            format_func=lambda k: f"all {len(findings):,} findings" if k == "all" else _kind(findings, k),
        )  # fmt: skip
        address.write("kind", None if kind == "all" else kind)
        findings = [finding for finding in findings if kind in ("all", finding["kind"])]
    shown = {str(finding["finding"]): finding for finding in findings[:MOST]}
    address.adopt("finding", list(shown), quiet=True)
    with st.container(height=min(64 * len(shown) + 24, HIGHEST), border=False, key="audit-list"):
        number = st.radio(
            "Finding", list(shown), key="finding", label_visibility="collapsed",
            format_func=lambda n: f"**{as_is(view.told(shown[n]['label']))}** · {shown[n]['title']}",
            captions=[_caption(finding) for finding in shown.values()],
        )  # fmt: skip
    address.publish("finding")
    if len(findings) > MOST:
        st.caption(f"the worst {MOST} of {len(findings):,}; all are in findings.csv")
    return shown[number or next(iter(shown))]


def _kind(findings: list[dict[str, Any]], kind: str) -> str:
    rows = sum(finding["rows"] for finding in findings if finding["kind"] == kind)
    return f"{TITLES[kind]}: {rows_text(rows)}"


def _caption(finding: dict[str, Any]) -> str:
    return " · ".join(filter(None, (rows_text(finding["rows"]), p_text(finding["p_value"]))))


def notes(view: CaseView) -> None:
    """What a reader of the verdict should know beside it."""
    for note in view.summary.get("notes", []):
        st.caption(f":material/info: {as_is(told.sentence(note))}")


def not_looked_at(view: CaseView) -> None:
    """What was not run, and why, folded."""
    left = view.summary["not_looked_at"]
    with st.expander(f"Not looked at: {len(left)}", icon=":material/visibility_off:"):
        for one in left:
            st.caption(f"**{as_is(one['what'])}**: {as_is(one['why'])}.")
    only = view.summary.get("only_elsewhere", [])
    if only:
        with st.expander(f"At other layers only: {len(only)}", icon=":material/layers:"):
            for one in only[:MOST]:
                st.caption(
                    f"at *{as_is(one['layer'])}*, class {as_is(view.told(one['label']))}: {as_is(one['in_words'])}"
                )


def nothing(view: CaseView) -> None:
    """The page of an audit without findings: what would have been seen."""
    st.subheader(headline(view), anchor=False)
    st.markdown(as_is(view.summary["verdict"]) + ".")
    for line in view.summary["smallest"]:
        st.markdown(f"- {as_is(line)}")
    for line in view.summary["limits"]:
        st.caption(line)
