"""One experiment of a grid: its curves, and every run of the chosen number of poisons with the command that makes it again."""

from __future__ import annotations

import shlex
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.foundation.errors import InputError
from core.runs import duration
from core.studies.evidence import rows
from core.studies.evidence.summary import Look
from dashboard import address, data, lens
from dashboard.charts import evidence as charts
from dashboard.charts.points import thin
from dashboard.compare import choices
from dashboard.evidence import claims
from dashboard.evidence.cells import Place
from dashboard.evidence.grids import Grid
from dashboard.plain import as_is
from dashboard.widgets import as_sentence, colours, legend, plot

MOST = 5  # curves in one figure
VIEWS = (("raw", "Raw", "σ of the first"), ("robust", "Robustly whitened", "σ of the trusted rows"))


def chosen(grid: Grid) -> Place:
    """The cell that is looked at: that of the address, of the last click on the map, or the first."""
    options = [f"{cell.experiment}|{cell.poisons}" for cell in grid.cells]
    address.adopt("cell", options, quiet=True)
    experiment, poisons = str(st.session_state["cell"]).rsplit("|", 1)
    return experiment, int(poisons)


def show(grid: Grid, place: Place, looks: Mapping[tuple[str, int, str], Look]) -> None:
    cell = next(one for one in grid.cells if (one.experiment, one.poisons) == place)
    options = [f"{one.experiment}|{one.poisons}" for one in grid.cells]
    st.selectbox(
        "One cell, and its attack at all numbers of poisons",
        options,
        key="cell",
        format_func=lambda text: text.replace("|", " · ") + " poisons",
    )
    address.publish("cell")
    st.markdown(as_is(claims.cell_words(cell)))
    mine = [look for look in looks.values() if look.experiment == place[0]]
    every = [row for look in mine for row in look.rows]
    titles = dict(list({look.defense: look.title for look in mine}.items())[:MOST])
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(
            f"**Does it work, and is it over?** Test images of *{as_is(cell.rows[0]['victims'])}* taken for *{as_is(cell.rows[0]['goal'])}*",
            help="Attack success rate, all triggers at once: as trained on the poisoned set, and of models trained anew "
            "without what a defense removed at the layer that runs of this network look at.",
        )
        plot(
            charts.success(every, titles, list(grid.titles), colours()),
            "evidence-success",
            "Attack success against the number of poisons",
        )
    with right:
        st.markdown(
            "**Is it found?** Share of the poison that each defense removes",
            help="Each is told the true number of poisons.",
        )
        plot(
            charts.found(every, titles, list(grid.titles), colours()),
            "evidence-found",
            "Share of the poison removed by each defense",
        )
    st.caption(
        "Small marks: single runs, seeds side by side. Large marks: their mean. Bars: Student t, 95 %, over three seeds or more; where they all agree, or for "
        "one, Wilson over what was counted."
    )
    here = [look for look in mine if look.poisons == place[1]]
    seeds = {row["seed"]: row for look in here for row in look.rows if not look.labelled}
    st.markdown("### Run by run")
    st.session_state.setdefault("evidence-seed", next(iter(seeds)))
    if st.session_state["evidence-seed"] not in seeds:
        st.session_state["evidence-seed"] = next(iter(seeds))
    seed = st.segmented_control("Seed", list(seeds), required=True, key="evidence-seed")
    row = seeds[seed]
    _picture(grid, (*place, int(row["seed"])))
    _runs(grid, here, row)


def _picture(grid: Grid, key: tuple[str, int, int]) -> None:
    """The rows of the class before and after robust whitening, the truth shown: nothing is guessed on this page."""
    try:
        packed, removed, truth = _packed(grid.path, grid.stamp, key)
    except InputError as problem:
        st.warning(as_sentence(str(problem)))
        return
    if not len(truth):
        st.caption("No picture was kept of this run.")
        return
    channel = _channel(grid.path, key)
    legend(True, brushed=False)
    lens.sync(channel, len(truth), removed=removed, truth=truth)
    lens.clouds(packed, f"evidence-clouds-{channel}")
    st.caption(
        f"showing {len(truth):,} of {len(truth):,} rows of the class at the layer that runs of this network look at, {int(truth.sum()):,} of them poison · "
        f"SPECTRE removes {int(removed.sum()):,}, {int((removed & truth).sum()):,} of them poison · seed {key[2]}"
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def _packed(folder: Path, stamp: int, key: tuple[str, int, int]) -> tuple[bytes, np.ndarray, np.ndarray]:
    """Two projections, packed once for all visitors; and (n,) bool what is removed, and what is poison. Raises InputError."""
    frame = rows.read_picture(folder, key)
    shown = thin(len(frame), (frame["removed"] | frame["poison"]).to_numpy(bool))
    frame = frame.iloc[shown]
    views = [(name, title, unit, frame[[f"{name}_x", f"{name}_y"]].to_numpy()) for name, title, unit in VIEWS]
    packed = lens.pack_clouds(
        _channel(folder, key), frame["id"].to_numpy(), views, height=320, file="evidence", brush=False
    )
    return packed, frame["removed"].to_numpy(bool), frame["poison"].to_numpy(bool)


def _channel(folder: Path, key: tuple[str, int, int]) -> str:
    """A name for pictures that belong together; whatever strangers call their experiments."""
    return f"evidence-{zlib.crc32(repr((str(folder), *key)).encode()):08x}"


def _runs(grid: Grid, looks: Sequence[Look], row: Mapping[str, Any]) -> None:
    frame = runs_frame(looks)
    with st.expander(f"Every run of this cell: {frame['seed'].nunique()} seeds, {len(frame)} looks"):
        choices.table(frame, f"{grid.name}-runs")
    st.markdown("**Make this run again**")
    if (run := made_by(str(row["command"]))) is not None:
        st.page_link(
            "screens/inspect.py",
            label=f"It is there: look inside {run}",
            query_params={"run": run},
            icon=":material/search_insights:",
        )
    lens.code(rows.command_of(row), "evidence-command", "the command line")
    st.caption(
        f"{row['device']} · threads: {row['threads']} · PyTorch {row['torch']} · {duration(row['seconds'])} with all its looks · the figures are the same "
        "on the same kind of machine with as many threads"
    )


def runs_frame(looks: Sequence[Look]) -> pd.DataFrame:
    """One line for each seed and defense, in counts."""
    lines = []
    for look in looks:
        for row in look.rows:
            lines.append(
                {
                    "seed": row["seed"], "defense": look.title, "layer": look.layer, "k": row["k"], "attack success": row["attack_combined"],
                    "no trigger": row["confused"], "after": row["after_combined"], "of": row["attack_of"], "removed": row["removed"],
                    "poison among it": row["found"], "poisons": row["poisons_in_target"], "rows": row["target_rows"],
                    "why no verdict": row["problem"],
                }
            )  # fmt: skip
    return pd.DataFrame(lines).sort_values(["seed"], kind="stable")


def made_by(text: str) -> str | None:
    """The id of a finished run that the same command made, whether it retrains or not; None where there is none."""
    for run_id, folder in data.finished().items():
        if _plain(folder.result.get("command", "")) == _plain(text):
            return run_id
    return None


def _plain(text: str) -> list[str]:
    return [word for word in shlex.split(text) if word != "--no-retrain"]
