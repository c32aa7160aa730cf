"""Audit somebody else's data: what was read, what looks at it, the findings, and what is decided."""

from __future__ import annotations

import streamlit as st

from core.foundation.errors import InputError
from dashboard import address
from dashboard.audit import account, decide, findings, looked, shelf, state, steps, working
from dashboard.plain import as_is
from dashboard.runs import deletion, live
from dashboard.widgets import again

NEW = "new"

cases = shelf.everything()
if (asked := st.query_params.get("audit", "")) not in ("", NEW, *cases):
    st.session_state["audit missing"] = asked
address.adopt("audit", [NEW, *cases] if not cases else [*cases, NEW], quiet=True)
with st.container(horizontal=True, vertical_alignment="bottom", key="audit-choice"):
    chosen = st.selectbox(
        "Audit", [*cases, NEW], key="audit", format_func=lambda i: "New audit …" if i == NEW else shelf.title(cases[i]),
        help="Your own audits, the newest first, and those that come with the program.",
    )  # fmt: skip
    if chosen != NEW and not shelf.is_bundled(cases[chosen]):
        deletion.offer(cases[chosen], "audit")
address.publish("audit")
if (missing := st.session_state.get("audit missing")) and st.session_state.setdefault(
    "audit instead", chosen
) == chosen:
    st.warning(
        f"There is no audit “{as_is(missing[:80])}” here: it was deleted, or is on another computer. This is another one.",
        icon=":material/link_off:",
    )
else:
    st.session_state.pop("audit missing", None)
    st.session_state.pop("audit instead", None)
if chosen == NEW:
    with st.spinner("Opening what reads and trains"):  # torch takes a second or two, once
        from dashboard.audit import bring
    bring.bring(shelf.user_audits().root)
    st.stop()
live.show_problem()
case = cases[chosen]
finished = case.status.state == "finished"
step = steps.bar("findings" if finished else "read")
if not finished:
    working.show(case)
    st.stop()
try:
    view = shelf.open_case(case)
except InputError as problem:
    st.error(f"This audit cannot be shown: {as_is(problem)}. Choose another one.")
    st.stop()
state.open_case(view)
if step == "read":
    account.show(case)
else:
    {"looks": looked.show, "findings": findings.show, "decide": decide.show}[step](view)
st.caption(view.small_print)
again(view.summary["command"], shelf.python_lines(view))
