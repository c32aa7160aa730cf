"""Step 3: the findings, and one of them with everything it rests on."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from dashboard import address
from dashboard.audit import card, choice, evidence, gallery, listing, picturing, state
from dashboard.audit.shelf import CaseView
from dashboard.audit.state import Shown
from dashboard.plain import as_is

IN_PICTURES = ("poison", "second-group", "label-error")


def show(view: CaseView) -> None:
    narrow, wide = st.columns([1, 3], gap="medium")
    with narrow:
        finding = listing.choose(view)
        listing.notes(view)
        listing.not_looked_at(view)
    with wide:
        if finding is None:
            listing.nothing(view)
            return
        _head(view, finding)
        if finding["kind"] in IN_PICTURES:
            _in_pictures(view, finding)
        else:
            gallery.set_aside(view, finding)
            evidence.control(view, finding, 0)
        choice.for_finding(view, finding)
        _doubts(finding)


def _head(view: CaseView, finding: dict[str, Any]) -> None:
    told = " · ".join(
        filter(None, (finding["title"], listing.rows_text(finding["rows"]), listing.p_text(finding["p_value"])))
    )
    st.markdown(f"##### {as_is(view.told(finding['label']))} · {told}")
    words = as_is(finding["in_words"])
    st.markdown(words[:1].upper() + words[1:] + ".")
    if len(view.looks) > 1:
        agreeing = ", ".join(as_is(layer) for layer in finding.get("layers", []))
        st.caption(f"seen at {agreeing} · {len(view.looks)} layers were looked at")


def _layer(view: CaseView) -> int:
    """Which layer's pictures; the first is the one that decides."""
    if len(view.looks) == 1:
        return 0
    names = [look.layer for look in view.looks]
    address.adopt("layer", names, quiet=True)
    layer = st.segmented_control("Layer", names, key="layer", required=True)
    address.write("layer", None if layer == names[0] else layer)
    return names.index(layer or names[0])


def _in_pictures(view: CaseView, finding: dict[str, Any]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="audit-controls"):
        number = _layer(view)
        ring = evidence.what_is_ringed(finding["kind"])
        found = evidence.numbers_and_k(view, finding, number)
    if found is None:
        picturing.offer(view, view.looks[number], finding["label"])
        gallery.rows_of(view, finding)
        return
    shown = _shown(view, finding, number, *found)
    evidence.synchronise(shown, ring)
    evidence.projections(shown)
    _agreement(shown)
    if len(shown.pictures.poisons) == 1:
        picturing.offer_more(view, shown.look, finding["label"])
    left, right = st.columns([2, 3], gap="medium")
    with left:
        evidence.histogram(shown)
        evidence.control(view, finding, number)
    with right:
        gallery.browse(shown)
        if shown.selected.any():
            rows = shown.rows[shown.selected].tolist()
            choice.for_rows(view, rows, f"the {len(rows):,} selected", "selected")
    card.show(shown)
    state.publish()


def _shown(view: CaseView, finding: dict[str, Any], number: int, pictures: Any, budget: int, k: int) -> Shown:
    rows = pictures.rows
    mine = view.of_finding[int(finding["finding"])]["row"].to_numpy()
    focus = st.session_state[state.ROW]
    at = np.flatnonzero(rows == (-1 if focus is None else focus))
    return Shown(
        view, finding, view.looks[number], pictures, budget, k, np.isin(rows, mine), pictures.removed(budget, k),
        np.isin(rows, st.session_state[state.PICKED]), int(at[0]) if len(at) else None,
    )  # fmt: skip


def _agreement(shown: Shown) -> None:
    """What SPECTRE at this number and k has in common with the finding."""
    both, removed = int((shown.in_finding & shown.removed).sum()), int(shown.removed.sum())
    here = int(shown.in_finding.sum())
    st.caption(
        f"SPECTRE, {evidence.assumed_text(int(shown.pictures.poisons[shown.budget]))}, k = {int(shown.pictures.ks[shown.k])}: "
        f"removes {removed:,} of {len(shown.rows):,} rows, **{both:,} of the {here:,} of this finding** among them. "
        f"{evidence.shown_words(shown)}"
    )


def _doubts(finding: dict[str, Any]) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**Limitation** · {as_is(finding['limitation'])}")
    with right:
        st.markdown(f"**What would settle it** · {as_is(finding['settles'])}")
    st.caption(as_is(finding["advice"]))
    if finding["terms"]:
        st.caption("Filed under: " + " · ".join(f"{t['id']} {t['name']} ({t['catalogue']})" for t in finding["terms"]))
