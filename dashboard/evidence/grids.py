"""The grids that there are: those that came with the program, and those below the visitor's runs. Read once for each state of their files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path

import pandas as pd
import streamlit as st

from core.foundation.errors import InputError
from core.studies.evidence import rows, summary
from dashboard import data

BUNDLED = data.ROOT / "assets" / "evidence"


@dataclass(frozen=True)
class Grid:
    """A grid in memory."""

    path: Path
    stamp: int  # changes when its figures do
    plan: rows.Plan
    table: pd.DataFrame
    known_as: str = ""  # where another one has the name of its folder

    @property
    def name(self) -> str:
        """Of its folder, if that is its alone."""
        return self.known_as or self.path.name

    @cached_property
    def cells(self) -> list[summary.Cell]:
        """In the order of the plan, each experiment's by rising numbers of poisons."""
        return summary.cells(self.table, self.plan.names)

    @cached_property
    def looks(self) -> list[summary.Look]:
        return summary.looks(self.table)

    @cached_property
    def every_k(self) -> list[summary.Look]:
        """What SPECTRE would have removed at each k that it tried."""
        return [look for look in summary.looks(self.table, every_k=True) if look.k is not None]

    @cached_property
    def failed(self) -> pd.DataFrame:
        return self.table[self.table["state"] == "failed"]

    @property
    def finished(self) -> int:
        return sum(cell.seeds for cell in self.cells)

    @property
    def layers(self) -> list[str]:
        """Where the defenses of one class looked, in the order of the plan."""
        return list(dict.fromkeys(layer for one in self.plan.experiments for layer in one.layers))

    @cached_property
    def titles(self) -> dict[str, str]:
        """Key and title of every defense that looked."""
        return {look.defense: look.title for look in self.looks}


def all_grids() -> tuple[dict[str, Grid], list[str]]:
    """By name, the bundled ones first; and one line for each that cannot be read."""
    found: dict[str, Grid] = {}
    problems = []
    for root in (BUNDLED, data.user_runs().root):
        for file in sorted(root.glob(f"*/{rows.TABLE}")):
            try:
                plan, name = (file.parent / rows.PLAN).stat().st_mtime_ns, _free(file.parent.name, found)
                one = _read(str(file.parent), (file.stat().st_mtime_ns, plan), name)
            except (OSError, InputError) as problem:
                problems.append(str(problem))
                continue
            if len(one.table):
                found[name] = one
    return found, problems


def titles(found: Mapping[str, Grid]) -> dict[str, str]:
    """What a menu calls the grids, by name: the name beside the title where two have the same."""
    counts = Counter(grid.plan.title for grid in found.values())
    return {
        name: grid.plan.title if counts[grid.plan.title] == 1 else f"{grid.plan.title} ({name})"
        for name, grid in found.items()
    }


def _free(name: str, taken: Container[str]) -> str:
    """The name, or with a number behind it where it is taken."""
    return next(one for i in count(1) if (one := name if i == 1 else f"{name}-{i}") not in taken)


@st.cache_resource(max_entries=50, show_spinner="Reading the grids ...")
def _read(folder: str, stamps: tuple[int, int], name: str) -> Grid:
    """stamps: change when the files do. name: what it is known as."""
    path = Path(folder)
    plan = rows.read_plan(path)
    return Grid(path, stamps[0], plan, rows.of_plan(rows.read(path), plan), name)
