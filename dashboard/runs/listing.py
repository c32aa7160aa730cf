"""All runs as rows of a table, whatever state they are in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.foundation.errors import InputError
from core.runs import RunFolder, Status
from dashboard import data
from dashboard.runs.states import DAMAGED, in_table

COLUMNS = {
    "state": st.column_config.TextColumn("state", width=95),
    "data": st.column_config.TextColumn("data", width=75),
    "attack": st.column_config.TextColumn("attack", width=120),
    "poisons": st.column_config.NumberColumn("poisons", format="localized", width=70),
    "goal": st.column_config.TextColumn("source → target", width=150),
    "before": st.column_config.NumberColumn(
        "attack before", format="%.1f %%", width=95,
        help="Attack success: test images of the source, with all triggers, that get the label the attacker wants.",
    ),
    "after": st.column_config.NumberColumn(
        "after", format="%.1f %%", width=75, help="The same after retraining without what the defense removed."
    ),
    "found": st.column_config.TextColumn("SPECTRE found", width=110, help="Of the poisons that carry the target's label."),
    "seconds": st.column_config.NumberColumn("time (s)", format="%.0f", width=70, help="Of all finished stages."),
    "started": st.column_config.DatetimeColumn("started", format="D MMM YYYY, HH:mm", width=145),
    "run": st.column_config.TextColumn("run", width=430),
}  # fmt: skip

ON_A_PHONE = ("state", "before", "after", "found", "attack", "data", "poisons", "goal", "seconds", "started", "run")


@dataclass(frozen=True)
class Row:
    """One run in short. What cannot be read is None or empty."""

    folder: RunFolder
    status: Status
    bundled: bool
    state: str  # of states.ALL
    about: dict[str, Any]  # the other columns

    @property
    def id(self) -> str:
        return self.folder.id

    def matches(self, words: Iterable[str], states: Iterable[str]) -> bool:
        """Whether it has all the words somewhere, and one of the states (none given: any)."""
        states = list(states)
        if states and self.state not in states:
            return False
        text = " ".join([self.state, *(str(value) for value in self.about.values())]).lower()
        return all(word.lower() in text for word in words)

    def as_record(self) -> dict[str, Any]:
        return {"state": in_table(self.state), **self.about}


def all_rows() -> list[Row]:
    """The visitor's own runs, newest first, then those that come with the program."""
    own = [read(folder, False) for folder in data.user_runs()]
    taken = {row.id for row in own}
    return own + [read(folder, True) for folder in data.bundled().values() if folder.id not in taken]


def read(folder: RunFolder, bundled: bool) -> Row:
    """Never raises: a folder that cannot be read is a row that says so."""
    status = folder.status
    about, damaged = _figures(str(folder.path), *(_stamp(folder, name) for name in ("config.json", "result.json")))
    begun = status.ticket or status.started or _stamp(folder, "config.json") / 1e9
    name = f"{folder.id} · comes along" if bundled else folder.id
    about = {**about, "started": pd.Timestamp.fromtimestamp(begun), "run": name}
    return Row(folder, status, bundled, DAMAGED if damaged else status.state, about)


def _stamp(folder: RunFolder, name: str) -> int:
    try:
        return folder.file(name).stat().st_mtime_ns
    except OSError:
        return 0


@st.cache_data(max_entries=1000, show_spinner=False)
def _figures(path: str, config_stamp: int, result_stamp: int) -> tuple[dict[str, Any], bool]:
    """The columns that stand in config and result, read once for each state of these files; and whether one is damaged."""
    folder = RunFolder(Path(path))
    nothing = dict.fromkeys(COLUMNS.keys() - {"state", "started", "run"})
    try:
        config, result = folder.config, folder.result
        return {**nothing, **_of_config(config), **_of_result(result)}, False
    except (InputError, KeyError, TypeError, AttributeError, IndexError, ValueError):
        return nothing, True


def _of_config(config: dict[str, Any]) -> dict[str, Any]:
    sources = config["source"] if isinstance(config["source"], list) else [config["source"]]
    names = class_names(str(config["dataset"]))

    def name(label: int) -> str:
        return names[label] if 0 <= label < len(names) else f"class {label}"

    source = " or ".join(map(name, sources)) or "any class"
    return {
        "data": str(config["dataset"]),
        "attack": str(config["attack"]),
        "poisons": int(config["poisons"]),
        "goal": f"{source} → {name(config['target'])}",
    }


@cache
def class_names(dataset: str) -> list[str]:
    """The classes as a run that comes with the program has them; empty where none is of that data set. What names a run
    that has no result yet, as it will be named afterwards.
    """
    for run in data.bundled().values():
        if run.read_json("config.json")["dataset"] == dataset:
            return list(run.result["classes"])
    return []


def _of_result(result: dict[str, Any]) -> dict[str, Any]:
    if not result:
        return {}
    found: dict[str, Any] = {
        "goal": f"{result['victims']} → {result['goal']}",
        "seconds": sum(result["seconds"].values()),
    }
    for moment in ("before", "after"):
        value = ((result.get(moment) or {}).get("attack_combined") or {}).get("value")
        if value is not None and result["poisons"]:
            found[moment] = 100 * float(value)
    hit = result.get("defenses", {}).get("spectre", {}).get("true_positive_rate")
    if hit:
        removed = result["defenses"]["spectre"]["removed"]
        found["found"] = f"{hit['count']} of {hit['total']}" if hit["total"] else f"none ({removed} clean)"
    return found


def as_table(rows: list[Row]) -> pd.DataFrame:
    frame = pd.DataFrame([row.as_record() for row in rows], columns=list(COLUMNS))
    for name in ("poisons", "before", "after", "seconds"):
        frame[name] = pd.to_numeric(frame[name])
    return frame
