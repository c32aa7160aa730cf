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
from core.runs import RunFolder, duration
from core.studies.evidence import rows
from core.studies.evidence.summary import Look
from dashboard import address, data, lens
from dashboard.charts import evidence as charts
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
    places = _places(grid)
    address.adopt("cell", list(places), quiet=True)
    return places[st.session_state["cell"]]


def _places(grid: Grid) -> dict[str, Place]:
    return {charts.name_of(place): place for place in ((cell.experiment, cell.poisons) for cell in grid.cells)}


def show(grid: Grid, place: Place, looks: Mapping[tuple[str, int, str], Look]) -> None:
    """The curves of the experiment, and the runs of the cell, at the layer of these looks."""
    cell = next(one for one in grid.cells if (one.experiment, one.poisons) == place)
    places = _places(grid)
    st.selectbox(
        "One cell, and its attack at all numbers of poisons", list(places), key="cell",
        format_func=lambda name: f"{places[name][0]} · {places[name][1]:,} poisons",
    )  # fmt: skip
    address.publish("cell")
    st.markdown(as_is(claims.cell_words(cell)))
    mine = [look for look in looks.values() if look.experiment == place[0]]
    every = [row for look in mine for row in look.rows]
    all_titles = {look.defense: look.title for look in mine}
    titles = dict(list(all_titles.items())[:MOST])
    if not mine:
        st.info(
            "No defense looked at this attack at this layer; choose another one above.", icon=":material/layers_clear:"
        )
        return
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
            help="Each is told the true number of poisons; clustering makes no use of it.",
        )
        plot(
            charts.found(every, titles, list(grid.titles), colours()),
            "evidence-found",
            "Share of the poison removed by each defense",
        )
    st.caption(
        "Small marks: single runs, seeds side by side. Large marks: their mean. Bars: Student t, 95 %, over three seeds or more; where they all agree, or for "
        f"one, Wilson over what was counted; none for two. Curves of {len(titles)} of {len(all_titles)} defenses; the map above has all. "
        "After a removal: the runs that were trained anew, those in which the attack is alive and poison is left."
    )
    here = [look for look in mine if look.poisons == place[1]]
    seeds = {str(row["seed"]): row for look in here if look.defense == "spectre" for row in look.rows}
    if not seeds:
        st.info("SPECTRE did not look at this cell at this layer.", icon=":material/layers_clear:")
        return
    st.markdown("### Run by run")
    address.adopt("evidence-seed", list(seeds), quiet=True)
    st.segmented_control("Seed", list(seeds), required=True, key="evidence-seed")
    address.publish("evidence-seed")
    row = seeds[str(st.session_state["evidence-seed"])]
    _picture(grid, (*place, int(row["seed"])), int(row["target_rows"]))
    _runs(grid, here, row)


def _picture(grid: Grid, key: tuple[str, int, int], total: int) -> None:
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
        f"showing {len(truth):,} of {total:,} rows of the class at the layer that runs of this network look at, all {int(truth.sum()):,} poisons and all removed among them · "
        f"SPECTRE removes {int(removed.sum()):,}, {int((removed & truth).sum()):,} of them poison · seed {key[2]}"
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def _packed(folder: Path, stamp: int, key: tuple[str, int, int]) -> tuple[bytes, np.ndarray, np.ndarray]:
    """Two projections, packed once for all visitors; and (n,) bool what is removed, and what is poison. Raises InputError."""
    frame = rows.read_picture(folder, key)
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
    seeds = frame["seed"].nunique()
    with st.expander(f"Every run of this cell: {seeds} seed{'s' * (seeds != 1)}, {len(frame)} looks"):
        choices.table(frame, f"{grid.name}-runs")
    st.markdown("**Make this run again**")
    command = rows.command_of(row)
    if (run := made_by(command)) is not None:
        st.page_link(
            "screens/inspect.py",
            label=f"A run of this command is there: look inside {run}",
            query_params={"run": run},
            icon=":material/search_insights:",
            help="It was made apart from this grid: on another machine, or with another number of threads, single images of its figures differ.",
        )
    lens.code(command, "evidence-command", "the command line")
    st.caption(
        f"{as_is(row['device'])} · threads: {as_is(row['threads'])} · PyTorch {as_is(row['torch'])} · {duration(row['seconds'])} with all its looks · the "
        "figures are the same on the same kind of machine with as many threads · rivals, defenses that compare all classes, and all layers together are "
        "looked at by `sweep` alone"
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
    """The id of a finished run that the same command made, whatever its threads and whether it retrains; None where there is none."""
    wanted = _plain(text)
    for run_id, folder in data.finished().items():
        try:
            if _command(str(folder.path), folder.file("result.json").stat().st_mtime_ns) == wanted:
                return run_id
        except OSError:
            continue
    return None


@st.cache_data(max_entries=2000, show_spinner=False)
def _command(folder: str, stamp: int) -> list[str]:
    """The command of a run in plain words; none where its result cannot be read."""
    try:
        return _plain(str(RunFolder(Path(folder)).result["command"]))
    except (InputError, KeyError, TypeError, AttributeError, ValueError):
        return []


def _plain(text: str) -> list[str]:
    words = [word for word in shlex.split(text) if word != "--no-retrain"]
    if "--threads" in words:
        place = words.index("--threads")
        del words[place : place + 2]
    return words
