"""Keep, remove, relabel: buttons for a finding and for rows, and where the decisions are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.cases.decisions import Decision, Decisions, proposal_of, read_decisions, write_decisions
from core.foundation.errors import InputError
from dashboard import access
from dashboard.audit import shelf
from dashboard.audit.shelf import CaseView
from dashboard.plain import as_is

ICONS = {"remove": ":material/delete:", "keep": ":material/check:", "relabel": ":material/label:"}
SAID = {"remove": "to be removed", "keep": "kept", "relabel": "to be relabelled"}
NEAREST = "the nearest class of each"


def held(view: CaseView) -> Decisions:
    """What is decided: in the audit's folder; of a bundled one, or of somebody else's, in this session alone."""
    key = f"audit decisions {view.id}"
    if is_for_the_session(view):
        found: Decisions = st.session_state.setdefault(key, _written(view))
        return found
    return _written(view)


def is_for_the_session(view: CaseView) -> bool:
    """Whether what is decided is lost with the session: nobody writes into what is not his."""
    return shelf.is_bundled(view.case) or not access.may_change(view.case)


def _written(view: CaseView) -> Decisions:
    """What the audit's folder has."""
    try:
        return read_decisions(view.case)
    except InputError as problem:
        st.error(as_is(problem))
        return Decisions()


def keep(view: CaseView, decisions: Decisions) -> None:
    """Hold them from now on; what could not be written is said."""
    if is_for_the_session(view):
        st.session_state[f"audit decisions {view.id}"] = decisions
        return
    try:
        write_decisions(view.case, decisions)
    except (OSError, InputError) as problem:  # the latter of a damaged audit
        why = as_is(problem.strerror if isinstance(problem, OSError) else str(problem))
        st.toast(f"The decision could not be kept: {why.rstrip('.')}.", icon=":material/error:", duration="long")


def _on_finding(view: CaseView, number: int, decision: Decision | None) -> None:
    keep(view, held(view).on_finding(number, decision))


def _on_rows(view: CaseView, rows: Sequence[int], decision: Decision | None) -> None:
    keep(view, held(view).on_rows(rows, decision))


def in_words(view: CaseView, decision: Decision | None) -> str:
    """What is decided, as people say it."""
    if decision is None:
        return "open"
    if decision.do == "relabel":
        return f"to be relabelled as {NEAREST if decision.to is None else as_is(view.told(decision.to))}"
    return SAID[decision.do]


def for_finding(view: CaseView, finding: dict[str, Any]) -> None:
    """The three buttons of a finding, the proposed one first among equals."""
    number, wanted = int(finding["finding"]), proposal_of(finding)
    now = held(view).findings.get(number)
    rows = view.of_finding[number]["row"].astype(int)
    alone = int(rows.isin(list(held(view).rows)).sum())
    st.markdown(
        f"**Decide** · {in_words(view, now)}"
        + (f" · proposed: {wanted}" if now is None else "")
        + (f" · {alone:,} of its {len(rows):,} rows decided on alone" if alone else "")
    )
    nearest = view.has_nearest(rows)
    _buttons(view, now, wanted, f"finding-{number}", lambda d: _on_finding(view, number, d), nearest=nearest)


def for_rows(view: CaseView, rows: Sequence[int], what: str, key: str) -> None:
    """The same for single rows; theirs goes before that of the finding."""
    decisions = held(view)
    own = {decisions.rows.get(row) for row in rows}
    now = own.pop() if len(own) == 1 else None
    st.caption(f"{what}: {in_words(view, now)}" if now else f"Decide on {what} alone")
    _buttons(view, now, "", f"rows-{key}", lambda d: _on_rows(view, rows, d), nearest=view.has_nearest(rows))


def _buttons(view: CaseView, now: Decision | None, proposed: str, key: str, act: Any, *, nearest: bool) -> None:
    """nearest: whether each row can be relabelled as the class that it lies nearest to."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for do in ("remove", "keep"):
            chosen = now is not None and now.do == do
            kind = "primary" if chosen or (now is None and proposed == do) else "secondary"
            st.button(
                do.capitalize(), icon=ICONS[do], key=f"decide-{do}-{key}", type=kind, on_click=act,  # type: ignore[arg-type]
                args=(None if chosen else Decision(do),), help="Press again to leave it open." if chosen else None,
            )  # fmt: skip
        with st.popover("Relabel as …", icon=ICONS["relabel"]):
            labels: list[int | str] = [NEAREST] * nearest
            labels += sorted(int(c["label"]) for c in view.summary["classes"])
            to = st.selectbox(
                "New label", labels, index=0 if nearest else None, key=f"decide-to-{key}", placeholder="Choose a class",
                format_func=lambda label: label if isinstance(label, str) else view.told(label),
            )  # fmt: skip
            st.button(
                "Relabel", key=f"decide-relabel-{key}", type="primary", disabled=to is None, on_click=act,
                args=(Decision("relabel", to if isinstance(to, int) else None),),
            )  # fmt: skip
        if now is not None:
            st.button("Leave open", icon=":material/undo:", key=f"decide-open-{key}", on_click=act, args=(None,))
