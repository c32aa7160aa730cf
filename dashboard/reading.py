"""What was read of a data set: how it was divided, which columns, what was left out and why; in the Lab and with a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.plain import as_is

SHOWN = 4  # kinds of things left out that have a line of their own before the rest is folded
_SPLITS = {
    "given": "the test images are a part of the set",
    "made": "the set has no test part, so some training images are held out",
    "none": "there are no test images",
}


def lines(told: Mapping[str, Any]) -> None:
    """The account of `core.datasets.account`, without its classes."""
    from core.datasets import DATASETS  # brings torch, which a list of runs does without

    kind = DATASETS[told["kind"]].title if told["kind"] in DATASETS else told["kind"]
    columns = told["columns"]
    where = (
        f" Images are in column “{as_is(columns['image'])}”, labels in “{as_is(columns['label'])}”." if columns else ""
    )
    st.caption(f"Read as **{as_is(kind)}**; {_SPLITS[told['split']]}.{where}")
    for note in told["notes"]:
        st.caption(f":material/info: {as_is(note)}")
    left_out = told["left_out"]
    for one in left_out[:SHOWN]:
        st.caption(f":material/filter_alt: Left out: {one['count']:,} {as_is(one['what'])}; {as_is(one['why'])}.")
    if len(left_out) > SHOWN:
        with st.expander(f"{len(left_out) - SHOWN} more that were left out"):
            st.dataframe(pd.DataFrame(left_out[SHOWN:]), hide_index=True)


def classes(told: Mapping[str, Any]) -> None:
    """A row for each class: training and test images, and how light they are."""
    sizes = told["train"]["per_class"]
    columns = {"class": told["class_names"], "training": sizes}
    if told["test"]:
        columns["test"] = told["test"]["per_class"]
    columns["level"] = told["levels"]
    st.dataframe(
        pd.DataFrame(columns),
        hide_index=True,
        column_config={
            "training": st.column_config.ProgressColumn(
                "training", min_value=0, max_value=max(sizes), format="%d", width=90
            ),
            "level": st.column_config.NumberColumn(
                "level", format="%.0f", width=50, help="Mean of the training images: 0 is black, 255 white. All black or all alike means "
                "that levels or labels were read wrongly.",
            ),
        },
        row_height=28,
        height=min(40 + 28 * len(sizes), 324),
    )  # fmt: skip
