"""A new audit: where the data is and what was read of it, then what looks at it and what that will cost."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core import jobs
from core.cases import CaseFolder, Cases
from core.cases.config import CaseConfig
from core.cases.reading import FEATURES
from core.foundation.errors import InputError
from dashboard import access, lens
from dashboard.audit import cost, draft, looks, mend, network, reader, steps, told, upload
from dashboard.audit.shelf import user_audits
from dashboard.plain import as_is
from dashboard.widgets import as_sentence

PATH, UPLOAD = "A path on this computer", "An upload"
CSS = """
<style>
.st-key-bring-strip .sl-grid figcaption { font-size: .75rem; max-height: 2.5em; overflow: hidden; }
div:has(> .st-key-bring-start) { position: sticky; bottom: 0; z-index: 10; background: light-dark(#FFFFFF, #11151A);
  border-top: 1px solid rgba(128, 140, 150, .35); }
.st-key-bring-start { padding: .5rem 0; }
@media (max-width: 640px) { .st-key-bring-stages { display: none; } }
</style>
"""


def bring(root: Path) -> None:
    """The form, in the first two of the four steps. root: of the audits, below which uploads are kept."""
    st.html(CSS)
    step = steps.bar("read")
    if step == "read":
        first(root)
    elif step == "looks":
        second(root)
    else:
        st.info("There is nothing here before the audit has run: the second step starts it.", icon=":material/policy:")
        _to("looks", "What looks at it")


def start(config: CaseConfig, name: str = "", estimate: dict | None = None, *, trains: bool) -> CaseFolder:
    """Start an audit in the background; it outlives the page. Raises InputError where anything does not fit.

    trains: whether a model is trained for it.
    """
    checked = config.checked()
    for path in reader.named(checked):
        access.check_path(path)
    cases: Cases = user_audits()
    told_name = name or draft.name_of(checked)
    return access.begin(lambda: jobs.resume(cases.create(checked.as_json(), told_name, estimate), cases), trains=trains)


def first(root: Path) -> None:
    """Step 1: where it is, and what was read of it."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.subheader("Where it is")
        place(root)
        differently = st.container()
    with right:
        st.subheader("What was read")
        if not draft.get("path"):
            _nothing_yet()
            return
        found = reader.of(draft.data(), root, st.empty())
        if found is None:
            st.info("Reading was stopped. Nothing is lost; read it again when you like.", icon=":material/stop_circle:")
            _again()
            return
        here = mend.beside(found) if found.problem else []
        if found.account:
            told.show(found.account, found.pictures)
            _to("looks", "Next: what looks at it", primary=True)
    with differently:
        mend.by_hand(found.kind, found.columns, here)
        with st.container(horizontal=True):
            _again()
            st.button(
                "Start over", icon=":material/restart_alt:", key="bring-over", on_click=draft.clear,
                help="Empties this form and the next; nothing on the disk changes.",
            )  # fmt: skip


def place(root: Path) -> None:
    """A path, or an upload that becomes one."""
    how = st.segmented_control(
        "Where it is", (PATH, UPLOAD), default=PATH if access.visitor().is_owner else UPLOAD, required=True, key="bring how", persist_state="session",
        label_visibility="collapsed", width="stretch",
    )  # fmt: skip
    if how == UPLOAD:
        _upload("path", "Features, or an archive of images", upload.SUFFIXES, root)
        with st.expander("Labels of these features", expanded=draft.kind() == FEATURES and not draft.get("labels")):
            _upload("labels", "A file of labels", upload.TABLES, root)
            st.caption("Not needed where the labels are a column of the same table, or images come in folders.")
        _mine()
    st.text_input(
        "Path", key="bring path", persist_state="session", placeholder="/home/me/images, features.npy or set.zip",
        help="Of a folder of images, a parquet or Arrow file, .npz arrays, a table of features, or an archive, as this computer "
        "sees it. It is read where it lies.",
    )  # fmt: skip
    st.caption(
        "Images in folders of their classes, or with a table of labels; parquet or Arrow; arrays. Or features of a model, with "
        "labels. Or an archive of any of these."
    )


def _mine() -> None:
    """What a visitor has uploaded so far, and the way to be rid of it; nothing for the owner."""
    who = access.visitor()
    if who.is_owner or not (taken := access.uploaded(who)):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        limit = access.size_text(access.settings().uploads)
        st.caption(f"Your uploads take {access.size_text(taken)} of {limit}.", width="content")
        st.button(
            "Delete my uploads", icon=":material/delete:", key="bring-forget", type="tertiary", on_click=_forget,
            help="Finished audits keep what they found; those at work may fail.",
        )  # fmt: skip


def _forget() -> None:
    try:
        access.forget_uploads()
    except InputError as problem:
        st.session_state["bring path problem"] = str(problem)


def _upload(name: str, label: str, allowed: tuple[str, ...], root: Path) -> None:
    round_ = st.session_state.get(f"bring {name} round", 0)  # a new key empties the uploader
    key = f"bring {name} file {round_}"
    st.file_uploader(
        label, [suffix[1:] for suffix in allowed], key=key, on_change=_store, args=(name, key, allowed, root),
        max_upload_size=upload.MEGABYTES, help=f"At most {upload.MEGABYTES} MB. Kept on this computer, beside the audits; nothing in it is run.",
    )  # fmt: skip
    if problem := st.session_state.get(f"bring {name} problem"):
        st.error(as_sentence(problem))


def _store(name: str, key: str, allowed: tuple[str, ...], root: Path) -> None:
    """What was uploaded becomes the path; the browser's copy is let go."""
    st.session_state.pop(f"bring {name} problem", None)
    if (file := st.session_state.get(key)) is None:
        return
    try:
        kept = access.keep_upload(lambda: upload.store(file, file.name, root, allowed), file.size, root)
        draft.upload_becomes(name, str(kept), file.name)
        st.session_state[f"bring {name} round"] = st.session_state.get(f"bring {name} round", 0) + 1
    except InputError as problem:
        st.session_state[f"bring {name} problem"] = str(problem)


def _nothing_yet() -> None:
    st.info(
        "Give the path of the data, or upload it. What is read of it, and what was guessed, is told here before anything is "
        "computed.",
        icon=":material/folder_open:",
    )
    st.caption(
        "From there: a model looks at each example, and what stands apart in its class becomes a finding with a reason, "
        "a doubt and what would settle it. Nothing is changed in your data."
    )


def _again() -> None:
    st.button("Read again", icon=":material/refresh:", key="bring-again", on_click=reader.again, help="After the files have changed.")  # fmt: skip


def _to(step: str, label: str, *, primary: bool = False) -> None:
    st.button(
        label, icon=":material/arrow_forward:", icon_position="right", key=f"bring-to-{step}", on_click=steps.go_to, args=(step,),
        type="primary" if primary else "secondary",
    )  # fmt: skip


def second(root: Path) -> None:
    """Step 2: what looks at it, what it will cost, and the button that starts it."""
    config = draft.data()
    found = reader.of(config, root, st.empty()) if config.path else None
    if found is None or not found.account or not found.known:
        st.info("First say where the data is.", icon=":material/folder_open:")
        _to("read", "To the first step")
        return
    made, problem = looks.choose(config, found)
    if problem:
        (st.info if problem == network.NAMELESS else st.error)(problem)
        return
    st.markdown(cost.sentence(made, found))
    with st.container(key="bring-start"), st.container(horizontal=True, vertical_alignment="center"):
        trains = not made.model and found.kind != FEATURES
        refused = access.training_refused() if trains else ""
        pressed = st.button(
            "Start the audit", type="primary", icon=":material/play_arrow:", key="bring-go", disabled=bool(refused)
        )
        slot = st.container(gap="xsmall")
    with st.expander("The same on the command line"):
        lens.code(made.command(), "bring-command", "the command line")
    if refused:
        st.caption(f":material/lock: {as_sentence(refused)}")
    with slot:
        estimate = cost.show(made, found)
    if pressed:
        try:
            case = start(made, draft.name_of(made), None if estimate is None else estimate.as_json(), trains=trains)
        except (InputError, OSError) as wrong:
            slot.error(as_is(wrong))
            return
        st.query_params.update({"audit": case.id, "part": "read"})
        st.rerun()
