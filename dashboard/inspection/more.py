"""What folds: the map of neighbours, and the table."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import streamlit as st

from core.foundation.cache import cached_arrays
from core.foundation.csv_cells import guarded_table
from dashboard import data, lens
from dashboard.inspection import state
from dashboard.inspection.state import Shown
from dashboard.plain import as_is

DISTANCE = 0.1  # UMAP's own default for how close points may lie


@st.cache_resource(max_entries=8, show_spinner="Drawing the map: ten to thirty seconds, once")
def umap_plane(run_id: str, stamp: int, neighbours: int, _run: data.RunView) -> bytes:
    """A UMAP of the principal components, packed. The same run gives the same map; kept on disk between visits."""
    components = _run.views["components"]
    count = min(neighbours, len(components) - 1)

    def draw() -> dict[str, np.ndarray]:
        import umap

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it reports that a fixed seed means one thread, which is meant
            mapped = umap.UMAP(n_neighbors=count, min_dist=DISTANCE, random_state=0).fit_transform(components)
        return {"plane": np.asarray(mapped, np.float32)}

    plane = cached_arrays(f"umap {run_id} {stamp} {count} {DISTANCE}", draw)["plane"]
    title = f"UMAP of {components.shape[1]} principal components · {count} neighbours · minimum distance {DISTANCE} · seed 0"
    views = [("umap", title, "UMAP, no unit", plane)]
    return lens.pack_clouds(f"inspect/{run_id}", _run.ids, views, height=480, file=f"{run_id}-umap-{count}")


def neighbourhood(shown: Shown) -> None:
    """UMAP on demand: it takes seconds, and its distances mean little."""
    run = shown.run
    st.caption(
        "UMAP lays neighbours side by side. It is a map to wander in, not evidence: distances and sizes of groups mean little."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        neighbours = st.select_slider(
            "Neighbours", [5, 10, 15, 30, 50], 15, help="Few show small groups, many the overall shape."
        )
        wanted = st.toggle("Draw the map", key=f"umap-{run.id}")
    if wanted:
        packed = umap_plane(run.id, run.stamp, neighbours, run)
        lens.clouds(packed, "inspect-umap", on_select=_take, on_look=lambda: state.take_focus("inspect-umap"))


def _take() -> None:
    ids = state.event("inspect-umap", "selected")
    if ids is not None:
        st.session_state.update(selected=[int(i) for i in ids], which="selected" if ids else "removed", position=1)


def table(shown: Shown) -> None:
    """Every row with its score, to sort and to save."""
    run = shown.run
    order = np.argsort(-shown.scores, kind="stable")
    frame = pd.DataFrame({"id": run.ids, "score": shown.scores, "removed": shown.removed, "guessed": shown.guessed})
    if shown.revealed:
        frame["true label"] = run.true_names
        frame["poison"] = run.truth
        if run.sources:
            frame["source"] = run.sources
    frame = frame.take(order)
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="rank")
    st.caption(f"showing all {len(frame):,} images labelled {as_is(run.target)}, by {shown.title}")
    st.dataframe(frame, height=280)
    st.download_button(
        "Download as CSV",
        lambda: guarded_table(frame).to_csv().encode(),
        f"{shown.file}.csv",
        "text/csv",
        icon=":material/download:",
    )
