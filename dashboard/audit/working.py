"""An audit that waits, works, or ended before it was done."""

from __future__ import annotations

import streamlit as st

from core.cases.folder import CaseFolder, Cases
from core.foundation.errors import InputError
from core.runs import duration
from dashboard import lens
from dashboard.audit import account, ranking
from dashboard.plain import as_is
from dashboard.runs import live
from dashboard.runs.states import icon
from dashboard.widgets import as_sentence

ORDER = {
    "read": "Reading", "train": "Training", "features": "Features", "look": "Every class", "pictures": "Pictures",
    "report": "Report",
}  # fmt: skip


def show(case: CaseFolder) -> None:
    """Where it stands, its curves, and what was read; drawn again every second while it is active."""
    live.show_problem()
    cases = Cases(case.path.parent)
    live.watch(case, lambda: _stand(case, cases))
    if case.file("data.json").is_file():
        st.subheader("What was read")
        account.show(case)
    with st.expander("The same on the command line", icon=":material/terminal:"):
        _command(case)


def _stand(case: CaseFolder, cases: Cases) -> None:
    status = case.status
    if status.state == "finished":
        st.query_params["part"] = "findings"  # for which one has waited; the page runs again now
        return
    with st.container(border=True, key="audit-working"):
        st.subheader(f"{icon(status.state)} {status.state.capitalize()}")
        if status.active:
            live.progress(case, cases)
            _stages(case)
            live.cancel(case)
        else:
            (st.error if status.state == "failed" else st.warning)(as_sentence(status.message or status.state))
            live.go_on(case, cases, trains="train" in {*_needed(case)} - {*case.finished_stages})
        live.curves(case)
        ranking.show(case)
        if not status.active and (tail := case.log_tail(20)):
            with st.expander("Log"):
                st.code(tail, language=None)


def _stages(case: CaseFolder) -> None:
    """The stages in a line: those that are finished with their seconds, the one at work in bold."""
    try:
        finished = case.result.get("seconds", {})
    except InputError:
        finished = {}
    now, parts = case.status.stage, []
    for name in _needed(case):
        title = ORDER[name]
        if name in finished:
            parts.append(f":material/check: {title} {duration(finished[name])}")
        else:
            parts.append(f"**{title}**" if name == now else title)
    st.caption(" · ".join(parts))


def _needed(case: CaseFolder) -> list[str]:
    """The stages that this audit has: nothing is trained where features, or a model, are brought."""
    try:
        config = case.config
        features = case.file("data.json").is_file() and case.read_object("data.json").get("what") == "features"
    except InputError:
        return list(ORDER)
    without = {"train", "features"} if features else {"train"} if config.get("model") else set()
    return [name for name in ORDER if name not in without]


def _command(case: CaseFolder) -> None:
    from core.cases.config import config_from

    try:
        lens.code(config_from(case.config).command(), f"command-{case.id}", "the command line")
    except InputError as problem:
        st.caption(as_is(problem))
