"""Pictures of a class that nobody has asked for yet are made when somebody does."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.cases.space import Look
from core.foundation.errors import InputError
from dashboard.audit.evidence import record_of, summary_of
from dashboard.audit.shelf import CaseView
from dashboard.plain import as_is

A_FIT = "Some seconds a fit, on this machine, once."


def offer(view: CaseView, look: Look, label: int) -> None:
    """Of a class without pictures."""
    record = record_of(view, look.number, label)
    if record is None or record["objective"] is None:
        why = record["reason"] if record else "it is not in this layer's table"
        st.info(f"This class has no pictures: {as_is(why)}.", icon=":material/info:")
        return
    st.info(f"The {record['n']:,} rows of this class have not been pictured yet.", icon=":material/image:")
    if st.button("Picture this class", icon=":material/scatter_plot:", help=A_FIT):
        _make(view, look, label, record, wide=False)


def offer_more(view: CaseView, look: Look, label: int) -> None:
    """Of a class that was fitted at one number of poisons alone."""
    record = record_of(view, look.number, label)
    if record and st.button(
        "What if there were more poisons, or fewer?",
        icon=":material/exposure:",
        help=f"Fits the class at a quarter to four times the number. {A_FIT}",
    ):
        _make(view, look, label, record, wide=True)


def _make(view: CaseView, look: Look, label: int, record: dict[str, Any], *, wide: bool) -> None:
    bar = st.progress(0.0, "fitting SPECTRE to the class")

    def tell(share: float) -> None:
        bar.progress(share, f"fitting SPECTRE to the class: {share:.0%}")

    try:
        from core.cases.views import number_for, picture  # bring torch

        poisons = number_for(summary_of(view, look.number), record)
        picture(view.case, look, label, poisons, wide=wide, on_step=tell)
    except InputError as problem:
        bar.empty()
        st.error(as_is(problem))
        return
    st.rerun()
