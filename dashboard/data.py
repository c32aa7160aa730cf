"""Finished runs as the pages read them. No torch here: a page that only shows results opens at once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import InputError
from core.runs import RunFolder, Runs

ROOT = Path(__file__).resolve().parents[1]
BUNDLED = Runs(ROOT / "assets" / "runs")


def user_runs() -> Runs:
    """The runs of whoever started the dashboard."""
    return Runs(Path(os.environ.get("SPECTRE_LENS_RUNS", ROOT / "runs")))


@dataclass(frozen=True)
class RunView:
    """A finished run in memory. Row i of every array is row i of `frame`; `frame.id` names it everywhere else."""

    id: str
    result: dict[str, Any]
    frame: pd.DataFrame  # one row for each training image that carries the target label
    views: dict[str, np.ndarray]
    images: np.ndarray  # (n, h, w, c) uint8
    examples: dict[str, np.ndarray]

    @property
    def classes(self) -> list[str]:
        return list(self.result["classes"])

    @property
    def source(self) -> str:
        """The classes that the attack is after, in words."""
        return str(self.result["victims"])

    @property
    def target(self) -> str:
        """The class that the defenses looked at."""
        return self.classes[self.result["target"]]

    @property
    def goal(self) -> str:
        """The label that the attacker wants, in words: the target, or the next class."""
        return str(self.result["goal"])

    @property
    def keeps_labels(self) -> bool:
        """Whether the poison carries its own, right label."""
        poison = self.frame[self.frame["is_poison"]]
        return len(poison) > 0 and bool((poison["label"] == poison["true_label"]).all())

    @property
    def truth(self) -> np.ndarray:
        """(n,) bool, True for poison."""
        return self.frame["is_poison"].to_numpy(bool)

    @property
    def small_print(self) -> str:
        """Seed, device and time, for under every picture."""
        r = self.result
        seconds = sum(r["seconds"].values())
        return (
            f"run {self.id} · {len(self.frame):,} images labelled {self.target} · layer {r['features']['layer']} · "
            f"seed {r['seed']} · {r['device']} · {seconds:.0f} s"
        )


def finished() -> dict[str, RunFolder]:
    """All finished runs by id: the user's own, newest first, then the bundled ones."""
    found = {run.id: run for run in user_runs() if run.status.state == "finished"}
    return {**found, **bundled()}


def bundled() -> dict[str, RunFolder]:
    """The runs that come with the program; the traffic signs first, because everybody knows that story."""
    runs = sorted(BUNDLED, key=lambda run: not run.id.startswith("signs"))
    return {run.id: run for run in runs}


def open_run(folder: RunFolder) -> RunView:
    """A run in memory, read once for each state of its result. Raises InputError where a file is damaged."""
    try:
        stamp = folder.file("result.json").stat().st_mtime_ns
    except OSError:
        raise InputError(f"{folder.id} has no result") from None
    return _open(str(folder.path), stamp)


@st.cache_resource(max_entries=8, show_spinner="Reading the run")
def _open(path: str, stamp: int) -> RunView:
    folder = RunFolder(Path(path))
    return RunView(
        folder.id,
        folder.result,
        folder.load_scores(),
        folder.load_arrays("views.npz"),
        folder.load_array("images.npy"),
        folder.load_arrays("examples.npz"),
    )


def title(folder: RunFolder) -> str:
    """A run as a menu shows it: what was done, then its id."""
    try:
        r = folder.result
        story = f"{r['victims']} → {r['goal']}, {r['poisons']} poisons"
    except (InputError, KeyError, IndexError):
        return folder.id
    return f"{story} · {folder.id}"
