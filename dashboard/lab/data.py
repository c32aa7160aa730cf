"""The first card: which images are attacked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.datasets import DATASETS, Dataset, Sampling, account, kind_of
from core.experiment import RunConfig
from core.foundation.errors import InputError
from core.foundation.images import Split
from core.foundation.params import values_of
from dashboard import access, forms, reading
from dashboard.errands import awaited, errand
from dashboard.plain import as_is
from dashboard.shelf import key_of, shelf
from dashboard.widgets import as_sentence


@dataclass(frozen=True)
class Chosen:
    """A data set with its options, and its images once they are loaded."""

    dataset: str
    options: Mapping[str, Any]
    sampling: Mapping[str, Any]
    split: Split | None


def choose(seed: int, seeds: Mapping[str, Any]) -> Chosen:
    """The card. seed, seeds: as the config has them; they decide which images are drawn."""
    st.subheader("What is attacked")
    key = st.selectbox(
        "Data set", list(DATASETS), format_func=lambda k: DATASETS[k].title, key="dataset", persist_state="session"
    )
    entry = DATASETS[key]
    st.caption(entry.summary)
    names = {p.name for p in forms.describe(entry)}
    with st.expander("Options of the data set", expanded="path" in names):
        options = forms.parameters(entry, f"data-{key}")
    with st.expander("Fewer images, or unequal classes"):
        sampling = forms.parameters(Sampling, f"sampling-{key}")
    if "path" in names and not options["path"]:
        st.info(
            "Give the path of the images, as this computer sees it, and press Enter.", icon=":material/folder_open:"
        )
        return Chosen(key, options, sampling, None)
    config = RunConfig(dataset=key, dataset_options=options, sampling=sampling, seed=seed, seeds=seeds)
    try:
        access.check_path(str(options.get("path") or ""))
    except InputError as problem:
        st.error(as_sentence(str(problem)))
        return Chosen(key, options, sampling, None)
    split = None
    slot = st.empty()  # there in every run of the page, so that what follows keeps its place
    try:
        split = load(config, slot, ask="download" in names)
    except InputError as problem:
        st.error(as_is(problem))
        if "path" in names:
            suggest(key, str(options["path"]))
        if "download" in names:  # not by itself at every change of a widget
            source, asked = key_of(key, options), st.session_state.setdefault("fetched", set())
            asked.discard(source)
            st.button("Try again", icon=":material/refresh:", key="fetch-again", on_click=asked.add, args=(source,))
    if split is not None:
        describe(split)
    return Chosen(key, options, sampling, split)


def fill(config: RunConfig) -> None:
    """Give the widgets of the card the values of a resolved config; call it before they are placed."""
    key = config.dataset
    st.session_state["dataset"] = key
    forms.fill(DATASETS[key], f"data-{key}", config.dataset_options)
    forms.fill(Sampling, f"sampling-{key}", config.sampling)


def load(config: RunConfig, slot: DeltaGenerator, *, ask: bool) -> Split | None:
    """The images of a config, from memory where they are there; None while the visitor has not asked for a download.

    slot: where to ask, and to show how far it is.
    """
    dataset, sampling, seed = config.make_dataset(), config.make_sampling(), config.seed_for("data")
    source = key_of(config.dataset, dict(config.dataset_options))
    whole_key = key_of(source, seed, stamp_of(str(config.dataset_options.get("path") or "")))
    whole = shelf().find("whole", whole_key)
    if whole is None and ask and not asked_for(source, dataset, slot):
        return None
    if whole is None:
        whole = read(dataset, seed, whole_key, slot)
    return shelf().make("sampled", key_of(whole_key, dict(config.sampling)), lambda: sampling.apply(whole, seed))


def stamp_of(path: str) -> list[int]:
    """What changes when images come, go or are renamed below a path, or a file there is written anew: what a run will read is what is shown.

    Of a folder the times of all folders below it and of the files in it; images that are painted over go unnoticed.
    """
    try:
        if not os.path.isdir(path):
            return _of(os.stat(path)) if path else []
        folders = [os.stat(folder).st_mtime_ns for folder, _, _ in os.walk(path)]
        with os.scandir(path) as there:
            files = [_of(entry.stat()) for entry in there if entry.is_file()]
    except OSError:
        return []
    return [len(folders), max(folders), sum(folders), *(sum(part) for part in zip(*files, strict=True))]


def _of(found: os.stat_result) -> list[int]:
    return [found.st_size, found.st_mtime_ns]


def asked_for(source: str, dataset: Dataset, slot: DeltaGenerator) -> bool:
    """Whether the visitor has pressed the button for these files; places it where not."""
    asked = st.session_state.setdefault("fetched", set())
    if source in asked:
        return True
    size = megabytes(dataset)
    label = f"Fetch and load ({size})" if size else "Fetch and load"
    with slot.container():
        pressed = st.button(label, icon=":material/download:", key="fetch", type="primary")
        st.caption("Fetched once from its publisher and checked; what is on this computer already is only read.")
    if pressed:
        asked.add(source)
        slot.empty()
    return pressed


def megabytes(dataset: Dataset) -> str:
    """What there is to download at most, where the data set says so."""
    sizes = getattr(dataset, "sizes", ())
    return f"up to {sum(sizes) / 1e6:,.0f} MB" if sizes else ""


def read(dataset: Dataset, seed: int, key: str, slot: DeltaGenerator) -> Split:
    """Load with a bar that says what is being done.

    The loading is done aside: where a change of any widget runs the page again, it finds it still at work.
    """
    task = errand(key, lambda report: shelf().keep("whole", key, dataset.load(seed, report)))
    split: Split = awaited(task, slot, f"Loading {dataset.title}")
    return split


def describe(split: Split) -> None:
    """How many images of what; how they were read; the classes with their sizes."""
    train, test = split.train, split.test
    _, height, width, channels = train.images.shape
    sizes = np.bincount(train.labels, minlength=len(train.class_names))
    each = f"{sizes.min():,}" if sizes.min() == sizes.max() else f"{sizes.min():,} to {sizes.max():,}"
    st.caption(
        f"{len(train):,} training and {len(test):,} test images of {width}x{height}, "
        f"{channels} channel{'s' * (channels > 1)}; {len(sizes)} classes of {each}."
    )
    if split.reading.kind:
        reading.lines(account_of(split))
    else:
        for note in split.notes:
            st.caption(f":material/info: {as_is(note)}")
    folded = st.expander("Classes and their sizes", on_change="rerun", key="sizes")
    if folded.open:  # a table takes the browser a while, so it waits until somebody wants it
        with folded:
            reading.classes(account_of(split))


def account_of(split: Split) -> dict[str, Any]:
    """What was read; its levels are sums over all images, so they are kept."""
    told: dict[str, Any] = shelf().make("account", str(id(split)), lambda: (split, account(split)))[1]
    return told


def suggest(key: str, path: str) -> None:
    """A button that reads a path as what lies there, where that is another kind than the chosen one."""
    try:
        found = kind_of(Path(path))
    except InputError:
        return
    if found != key:
        st.button(
            f"Read it as {DATASETS[found].title}",
            icon=":material/swap_horiz:",
            key="read-as",
            on_click=_read_as,
            args=(found, path),
        )


def _read_as(key: str, path: str) -> None:
    st.session_state["dataset"] = key
    forms.fill(DATASETS[key], f"data-{key}", values_of(DATASETS.make(key, {"path": path})))
