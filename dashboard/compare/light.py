"""Finished runs in one line each, and the series among them. Read once for each state of their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from core.foundation.errors import InputError
from core.runs import RunFolder
from core.studies import series
from core.studies.series import Series
from dashboard import data

BUNDLED = data.ROOT / "assets" / "series"

Light = tuple[dict[str, Any], dict[str, Any]]  # config and row


def read(folder: RunFolder) -> Light | None:
    """None where its files cannot be read."""
    try:
        return _read(str(folder.path), folder.file("result.json").stat().st_mtime_ns)
    except (OSError, InputError):
        return None


@st.cache_data(max_entries=2000, show_spinner=False)
def _read(path: str, stamp: int) -> Light:
    return series.read(RunFolder(Path(path)))


def all_series() -> dict[str, Series]:
    """By name: what came with the program, sweeps among the visitor's runs, and series among the runs themselves."""
    found: dict[str, Series] = {}
    for root in _roots():
        for file in sorted(root.glob(f"*/{series.FILE}")):
            if one := _load(file):
                found.setdefault(one.name, one)
    runs = [light for folder in data.finished().values() if (light := read(folder))]
    for one in series.groups(runs):
        found.setdefault(f"like-{one.name}", one)
    return found


def _roots() -> tuple[Path, Path]:
    """Below which folders of series lie; the first that has a name wins."""
    return BUNDLED, data.user_runs().root


def home_of(one: Series) -> Path | None:
    """The folder whose series.json holds it; None where its runs were made one by one."""
    folders = (root / one.name for root in _roots())
    return next((folder for folder in folders if (folder / series.FILE).is_file()), None)


def _load(file: Path) -> Series | None:
    try:
        return _loaded(str(file.parent), file.stat().st_mtime_ns)
    except (OSError, InputError):
        return None


@st.cache_data(max_entries=100, show_spinner=False)
def _loaded(folder: str, stamp: int) -> Series:
    return series.load(Path(folder))


def title(one: Series) -> str:
    """A series as a menu shows it."""
    row = one.rows[0]
    counts = [f"{count:,}" for count in one.poisons]
    listed = ", ".join(counts) if len(counts) < 8 else f"{counts[0]} to {counts[-1]}"
    dataset, attack = one.config.get("dataset", "?"), one.config.get("attack", "?")
    return f"{dataset}, {attack}: {row['victims']} → {row['goal']}; {listed} poisons, {len(one.rows)} runs"
