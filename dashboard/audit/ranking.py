"""The classes as they come: those that were looked at so far, most apart first."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.cases import so_far
from core.cases.folder import CaseFolder
from core.cases.space import looks_of
from core.foundation.errors import InputError
from dashboard.plain import as_is

MOST = 20  # classes that have a line
SEPARATION = "How far the group that stands apart most lies from the rest of its class, in deviations (Ashman's D)."


def show(case: CaseFolder) -> None:
    """A table; nothing before the first class of a look is in."""
    try:
        looks = [look for look in looks_of(case) if so_far.is_begun(case, look)]
        names = case.read_object("data.json").get("names", {}) if looks else {}
    except (InputError, OSError):
        return
    for look in looks:
        found = so_far.ranked(case, look)
        at = f" at {as_is(look.layer)}" if look.layer else ""
        st.markdown(f"**Classes so far{at}, most apart first**")
        st.dataframe(
            _table(found[:MOST], names), hide_index=True, row_height=28, key=f"so-far-{look.number}",
            column_config={"separation": st.column_config.NumberColumn(format="%.2f", help=SEPARATION)},
        )  # fmt: skip
        far = sum(one.far for one in found)
        more = f" The first {MOST} of {len(found):,} are shown." if len(found) > MOST else ""
        st.caption(
            f"{far:,} of {len(found):,} classes have a group that is large and far enough away to count; whether it does is "
            f"decided when all classes are in, for the others are the control.{more}"
        )


def _table(found: list[so_far.ClassSoFar], names: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "class": [names.get(str(one.label), str(one.label)) for one in found],
            "rows": [one.n for one in found],
            "separation": [one.separation for one in found],
            "rows so far away": pd.array([one.apart if one.far else None for one in found], "Int64"),
            "": [_remark(one) for one in found],
        }
    )


def _remark(one: so_far.ClassSoFar) -> str:
    return one.reason or ("far enough away to count" if one.far else "")
