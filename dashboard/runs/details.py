"""One run: where it stands, what came of it, and what can be done with it."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.foundation.errors import InputError
from core.runs import RunFolder, Runs
from dashboard import data, lens, reading
from dashboard.plain import as_is
from dashboard.runs import deletion, live
from dashboard.runs.listing import Row
from dashboard.runs.outcome import outcome
from dashboard.runs.states import DAMAGED, MEANING, icon
from dashboard.widgets import again, as_sentence


def show(row: Row) -> None:
    """Everything about the chosen run."""
    run, runs = row.folder, Runs(row.folder.path.parent)
    with st.container(border=True, key="details"):
        st.markdown(f"#### {icon(row.state)} {run.id}")
        of_ours = " It comes with the program and cannot be deleted." if row.bundled else ""
        st.caption(f"{MEANING[row.state]}{of_ours}")
        live.show_problem()
        _actions(row, runs)
        if row.status.active:
            _working(run, runs)
        else:
            _ended(row)
        _inside(run)


def _actions(row: Row, runs: Runs) -> None:
    run, state = row.folder, row.state
    with st.container(horizontal=True, vertical_alignment="center", key="actions"):
        if state == "finished":
            st.page_link(
                "screens/inspect.py", label="Look inside", icon=":material/search_insights:",
                query_params={"run": run.id},
            )  # fmt: skip
        st.page_link(
            "screens/lab.py", label="Duplicate", icon=":material/content_copy:", query_params={"like": run.id},
            help="Opens the Lab with these settings; what you then change is listed there.", disabled=state == DAMAGED,
        )  # fmt: skip
        if not row.status.active and state != "finished" and not row.bundled:
            live.go_on(run, runs)
        if state == "finished":
            st.download_button(
                "Export", lambda: zipped(run), f"{run.id}.zip", "application/zip", icon=":material/download:",
                key=f"export-{run.id}", on_click="ignore",
                help="What is needed to look at the run, as a .zip, without the models: unpack it into the folder of runs "
                "of another computer.",
            )  # fmt: skip
        if not row.bundled:
            deletion.offer(run, "run")


def _working(run: RunFolder, runs: Runs) -> None:
    before = run.status.state

    @st.fragment(run_every=1.0)
    def draw() -> None:
        live.progress(run, runs)
        live.curves(run)
        if run.status.state != before:
            st.rerun()

    draw()
    live.cancel(run)  # far from "Go on", which appears among the actions above: a second click must not start it anew


def _ended(row: Row) -> None:
    run = row.folder
    try:
        if row.state == "finished":
            result = run.result
            outcome(result)
            st.caption(f"Layer {result['features']['layer']} · seed {result['seed']} · {result['device']}")
            _read(run, result)
        elif row.state == DAMAGED:
            st.error("A file of this run cannot be read, so there is nothing to show. Its files are listed below.")
        else:
            (st.error if row.state == "failed" else st.warning)(as_sentence(row.status.message or row.state))
    except (InputError, KeyError, TypeError, ValueError) as problem:
        st.error(f"The result of this run cannot be shown ({as_is(problem)}).")
    live.curves(run)


def _read(run: RunFolder, result: dict[str, Any]) -> None:
    """How the data was read, of which runs of earlier versions have the notes alone; and how the images travelled."""
    told = run.read_json("data.json") if run.file("data.json").exists() else {}
    if told.get("kind"):
        with st.expander("What was read of the data", icon=":material/dataset:"):
            reading.lines(told)
            reading.classes(told)
    said = told.get("notes", []) if told.get("kind") else []
    for note in result.get("notes", []):
        if note not in said:
            st.caption(f":material/info: {as_is(note)}")


def _inside(run: RunFolder) -> None:
    """What the folder holds, folded: settings, log, files, and the lines that make the run again."""
    with st.expander("Settings", icon=":material/tune:"):
        try:
            st.dataframe(settings(run.config), hide_index=True, height=320)
        except (InputError, AttributeError) as problem:
            st.error(as_is(problem))
    with st.expander("Log", icon=":material/notes:"):
        lens.code(run.log_tail() or "Nothing was written yet.", f"log-{run.id}", "the log")
    sizes = run.sizes()
    with st.expander(f"Files ({len(sizes)}, {size_text(sum(sizes.values()))})", icon=":material/folder:"):
        table = pd.DataFrame({"file": list(sizes), "size": [size_text(size) for size in sizes.values()]})
        st.dataframe(table, hide_index=True)
        st.caption(f"In {data.as_typed(run.path)}")
    command, python = lines(run)
    again(command, python, "Make this run again")


def settings(config: dict[str, Any]) -> pd.DataFrame:
    """A config as a table of names and values, its groups written out."""
    told: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, dict):
            told |= {f"{name}.{option}": inner for option, inner in value.items()}
        else:
            told[name] = value
    shown = ["" if value is None else str(value) for value in told.values()]
    return pd.DataFrame({"setting": list(told), "value": shown})


def lines(run: RunFolder) -> tuple[str, str]:
    """The command line and the Python lines that make the run again, or go on with one that has not come far."""
    folder = data.as_typed(run.path.parent)
    try:
        command = run.result.get("command")
    except (InputError, KeyError, TypeError, AttributeError):
        command = None
    python = (
        "from core.experiment import config_of, execute, new_run\nfrom core.runs import Runs\n\n"
        f'config = config_of(Runs("{folder}").open("{run.id}"))\n'
        'run = new_run(config, Runs("runs"))\n'
        "execute(run)\n"
        'print(run.result["before"]["attack_combined"])'
    )
    return command or f"python -m core resume {run.id} --runs-dir {folder}", python


def zipped(run: RunFolder) -> bytes:
    """What `RunFolder.export` copies, as a .zip with the run's folder inside."""
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as aside:
        folder = run.export(Path(aside))
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(os.listdir(folder)):
                archive.write(folder / name, f"{run.id}/{name}")
    return buffer.getvalue()


def size_text(size: float) -> str:
    """ "3.2 MB"."""
    for unit in ("B", "kB"):
        if size < 999.5:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} MB"
