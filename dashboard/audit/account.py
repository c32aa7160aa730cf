"""Step 1 of an audit that is there: what was read, which is not changed any more."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core.cases.folder import CaseFolder
from core.foundation.errors import InputError
from core.foundation.labels import UNLABELLED
from dashboard.audit import told
from dashboard.plain import as_is

PICTURES = 12


def show(case: CaseFolder) -> None:
    """Never raises: a damaged file is said."""
    try:
        read = case.read_object("data.json")
        st.caption(f":material/folder: {as_is(case.config['path'])}")
        told.show(read, _pictures(case, read), key=f"account {case.id}")
    except (InputError, KeyError, TypeError, ValueError, IndexError) as problem:
        st.error(f"What was read cannot be shown ({as_is(problem)}).")
        return
    if read.get("sha256"):
        st.caption(f"SHA-256 of what was read: `{str(read['sha256'])[:64]}`")
    st.button(
        "Read it differently", icon=":material/tune:", key=f"differently-{case.id}", on_click=differently, args=(case,),
        help="Opens a new audit with these settings; this one stays as it is.",
    )  # fmt: skip


def differently(case: CaseFolder) -> None:
    """A new audit, filled from this one."""
    from core.cases.config import config_from  # both bring torch, which a finished audit does without
    from dashboard.audit import draft

    try:
        draft.fill(config_from(case.config))
    except (InputError, KeyError, ValueError, TypeError):
        st.toast("The settings of this audit cannot be read.", icon=":material/error:")
        return
    st.session_state.update({"audit": "new", "part": "read"})


def _pictures(case: CaseFolder, read: dict[str, Any]) -> tuple[tuple[str, np.ndarray], ...]:
    images = case.images()
    if images is None:
        return ()
    labels = case.load_rows()["label"].to_numpy()
    values, first = np.unique(labels, return_index=True)
    names = read.get("names", {})
    pairs = [(int(label), int(row)) for label, row in zip(values, first, strict=True) if label != UNLABELLED][:PICTURES]
    return tuple((str(names.get(str(label), label)), np.array(images[row])) for label, row in pairs)
