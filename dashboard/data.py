"""Finished runs as the pages read them. No torch here: a page that only shows results opens at once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.foundation.errors import InputError
from core.foundation.sources import full_source, short_source
from core.runs import RunFolder, Runs
from dashboard.plain import as_is

ROOT = Path(__file__).resolve().parents[1]
BUNDLED = Runs(ROOT / "assets" / "runs")


def user_runs() -> Runs:
    """The runs of whoever started the dashboard."""
    return Runs(Path(os.environ.get("SPECTRE_LENS_RUNS", ROOT / "runs")))


@dataclass(frozen=True)
class RunView:
    """A finished run in memory. Row i of every array is row i of `frame`; `frame.id` names it everywhere else."""

    path: Path
    config: dict[str, Any]  # as config.json holds it
    result: dict[str, Any]
    frame: pd.DataFrame  # one row for each training image that carries the target label
    views: dict[str, np.ndarray]
    images: np.ndarray  # (n, h, w, c) uint8, on disk until they are asked for
    examples: dict[str, np.ndarray]
    neighbours: dict[str, np.ndarray]  # rows (n, m) and distances (n, m), the nearest first; empty in early runs
    grid: np.ndarray | None  # (alphas, ks, n) SPECTRE's scores, on disk until they are asked for; None in early runs
    stamp: int  # changes when the run's files do

    @property
    def id(self) -> str:
        return self.path.name

    @cached_property
    def ids(self) -> np.ndarray:
        """(n,) stable example ids: positions in the training set."""
        return self.frame["id"].to_numpy()

    @cached_property
    def sources(self) -> list[str]:
        """Where each image came from, in the user's own data, else empty. Its folder may be the true class."""
        return self.frame["source"].tolist() if "source" in self.frame else []

    def short_source(self, row: int) -> str:
        """What stands of it under an image; empty where nothing is known, or no more than a number."""
        return short_source(self.sources[row]) if self.sources else ""

    def full_source(self, row: int) -> str:
        """All of it, for whoever points at the image."""
        return full_source(self.sources[row]) if self.short_source(row) else ""

    @cached_property
    def row_of(self) -> dict[int, int]:
        """Row by example id."""
        return {int(example): row for row, example in enumerate(self.ids)}

    @cached_property
    def ranks(self) -> dict[str, np.ndarray]:
        """By defense: (n,) place of each row by falling score, from 1."""
        return {key: ranks(self.frame[f"score_{key}"].to_numpy()) for key in self.result["defenses"]}

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
    def mark(self) -> str:
        """What the trigger is, in words: "a white square of 3x3 pixels at the bottom right"; empty in early runs."""
        return str(self.result.get("trigger", ""))

    @property
    def keeps_labels(self) -> bool:
        """Whether the poison carries its own, right label."""
        poison = self.frame[self.frame["is_poison"]]
        return len(poison) > 0 and bool((poison["label"] == poison["true_label"]).all())

    @cached_property
    def truth(self) -> np.ndarray:
        """(n,) bool, True for poison."""
        return self.frame["is_poison"].to_numpy(bool)

    @cached_property
    def true_names(self) -> list[str]:
        """(n,) what each image shows, by name."""
        return [self.classes[int(label)] for label in self.frame["true_label"]]

    def mask(self, examples: Iterable[int]) -> np.ndarray:
        """(n,) bool, True where the id is among the examples; ids that the run does not have are passed over."""
        return np.isin(self.ids, list(examples))

    @property
    def expected(self) -> int:
        """How many poisons the defenses were told to expect: the budget of the run, or the true number."""
        budget = self.config.get("budget")
        return int(self.result["poisons_in_target"] if budget is None else budget)

    @property
    def small_print(self) -> str:
        """Seed, device and time, for under every picture."""
        r = self.result
        seconds = sum(r["seconds"].values())
        return (
            f"run {self.id} · {len(self.frame):,} images labelled {as_is(self.target)} · features from layer "
            f"{r['features']['layer']} · random seed {r['seed']} · computed on {r['device']}, in {seconds:.0f} s"
        )


def finished() -> dict[str, RunFolder]:
    """All finished runs by id: the user's own, newest first, then the bundled ones."""
    found = {run.id: run for run in user_runs() if _state(run.path, changed(run, "status.json")) == "finished"}
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
    is_new = folder.file("grid.npy").exists()
    return RunView(
        folder.path,
        folder.config,
        folder.result,
        folder.load_scores(),
        folder.load_arrays("views.npz"),
        folder.load_array("images.npy", mapped=True),
        folder.load_arrays("examples.npz"),
        folder.load_arrays("neighbours.npz") if is_new else {},
        folder.load_array("grid.npy", mapped=True) if is_new else None,
        stamp,
    )


def ranks(scores: np.ndarray) -> np.ndarray:
    """(n,) places by falling score, from 1; of equal scores the earlier row comes first."""
    places = np.empty(len(scores), int)
    places[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return places


def title(folder: RunFolder) -> str:
    """A run as a menu shows it: what was done, then its id."""
    return _title(folder.path, changed(folder, "result.json"))


def changed(folder: RunFolder, name: str) -> int:
    """When a file of a run was written last, in nanoseconds; 0 where there is none."""
    return changed_at(folder.file(name))


def changed_at(path: Path) -> int:
    """When a file was written last, in nanoseconds; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


# A menu asks hundreds of runs at every move of a slider; each answer holds until the file changes.
@lru_cache(4096)
def _state(path: Path, stamp: int) -> str:
    return RunFolder(path).status.state


@lru_cache(4096)
def _title(path: Path, stamp: int) -> str:
    folder = RunFolder(path)
    try:
        r = folder.result
        story = f"{r['victims']} → {r['goal']}, {r['poisons']} poisons"
    except (InputError, KeyError, IndexError):
        return folder.id
    return f"{story} · {folder.id}"


def as_typed(path: Path) -> str:
    """A path as one types it in the project's folder."""
    path = path.resolve()
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def python_lines(run: RunView) -> str:
    """Python that reads this run, and that makes it again."""
    result = run.result
    return (
        "from core.experiment import config_of, execute, new_run\n"
        "from core.runs import Runs\n\n"
        f'run = Runs("{as_typed(run.path.parent)}").open("{run.id}")\n'
        "scores = run.load_scores()  # one row for each image of the class; score_<defense>, removed_<defense>\n\n"
        f"again = new_run(config_of(run), Runs('runs'))  # the same data, attack, model and seed {result['seed']}\n"
        "result = execute(again)\n"
    )
