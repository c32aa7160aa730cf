"""What was read, as the page tells it: of a new audit, and of one that is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import reading, tiles
from dashboard.plain import as_is

SIDE = 64  # pixels of a picture of a class


def show(told: Mapping[str, Any], pictures: Sequence[tuple[str, np.ndarray]] = (), *, key: str = "bring") -> None:
    """The account in words, a picture of each class, what the set can carry, and the classes. told: data.json."""
    if told["what"] == "images":
        told = whole_set(told)
        _images(told)
    else:
        _features(told)
    if pictures:
        _strip(pictures)
    beforehand(told)
    folded = st.expander("Classes and their sizes", on_change="rerun", key=f"{key} sizes")
    if folded.open:
        with folded:
            (reading.classes if told["what"] == "images" else _classes)(told)


def whole_set(told: Mapping[str, Any]) -> dict[str, Any]:
    """The account where no part of the set is for testing: an audit looks at all of it, so what a training would hold out counts."""
    if told["split"] != "made" or not told["test"]:
        return dict(told)
    sizes = [a + b for a, b in zip(told["train"]["per_class"], told["test"]["per_class"], strict=True)]
    return {**told, "split": "none", "train": {"images": sum(sizes), "per_class": sizes}, "test": None}


def _images(told: Mapping[str, Any]) -> None:
    height, width, channels = told["image_shape"]
    sizes = told["train"]["per_class"]
    kind = {1: "grey", 3: "in colour"}.get(channels, f"of {channels} channels")
    st.markdown(f"**{sum(sizes):,} images** of {width} x {height} pixels, {kind}, in **{_classes_of(sizes)}**.")
    reading.lines(told)


def _features(told: Mapping[str, Any]) -> None:
    sizes = told["per_class"]
    where = f", column “{as_is(told['column'])}”" if told.get("column") else ""
    rows = f"**{told['rows']:,} rows** of **{told['columns']:,} features** in **{_classes_of(sizes)}**."
    st.markdown(rows)
    st.caption(f"Read as a **table of features** ({as_is(told['form'])}{where}, {as_is(told['dtype'])}); labels from “{as_is(told['labels'])}”.")  # fmt: skip
    without = told["rows"] - sum(sizes)
    if without:
        st.caption(f":material/filter_alt: Left out: {without:,} rows without a label; a scan compares rows of one label.")  # fmt: skip
    for note in told["notes"]:
        st.caption(f":material/info: {as_is(sentence(note))}")
    for one in told["left_out"]:
        st.caption(f":material/filter_alt: Left out: {as_is(one['what'])}; {as_is(one['why'])}.")


def sentence(note: str) -> str:
    """A note as a sentence."""
    text = f"{note[:1].upper()}{note[1:]}"
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _classes_of(sizes: Sequence[int]) -> str:
    if len(sizes) == 1:
        return "one class"
    each = f"{min(sizes):,}" if min(sizes) == max(sizes) else f"{min(sizes):,} to {max(sizes):,}"
    return f"{len(sizes):,} classes of {each}"


def _strip(pictures: Sequence[tuple[str, np.ndarray]]) -> None:
    """The first picture of each class: whether levels, channels and labels were read rightly is seen at once."""
    with st.container(key="bring-strip"):
        made = [tiles.source(image) for _, image in pictures]
        st.html(tiles.grid(made, [name for name, _ in pictures], side=SIDE, describe=[f"one image of {name}" for name, _ in pictures]))  # fmt: skip


def beforehand(told: Mapping[str, Any]) -> None:
    """What the set can carry, before anything is computed."""
    carries = told["carries"]
    with st.container(gap="xsmall"):
        st.markdown("**What it can carry**")
        for line in carries["told"]:
            st.caption(f":material/straighten: {as_is(line)}")
        if carries["too_small"]:
            names = told.get("names", {})
            small = [as_is(names.get(str(label), label)) for label in carries["too_small"][:12]]
            more = len(carries["too_small"]) - len(small)
            st.caption(f"Too small: {', '.join(small)}{f' and {more:,} more' if more else ''}.")


def _classes(told: Mapping[str, Any]) -> None:
    sizes = told["per_class"]
    st.dataframe(
        pd.DataFrame({"class": told["class_names"], "rows": sizes}),
        hide_index=True, row_height=28, height=min(40 + 28 * len(sizes), 324),
        column_config={"rows": st.column_config.ProgressColumn("rows", min_value=0, max_value=max(sizes), format="%d")},
    )  # fmt: skip
