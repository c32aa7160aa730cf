"""What a training of a grid costs, and where the time goes: medians over the trainings, in seconds and as shares of the first training.

Seconds are those of the machine that made the grid, and of what else it was doing; the shares carry over better.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from core.studies.evidence import rows

PLACE = ["experiment", "poisons", "seed"]


def costs(grid: pd.DataFrame) -> list[str]:
    """Lines of Markdown: a line for each part of the work."""
    done = grid[(grid["state"] == "finished") & grid["layer"].notna()]
    trained = rows.trainings(done).set_index(PLACE)["train_seconds"].astype(float)
    lines = ["| part | trainings | s, median | from | to | of the training |", "|---|---|---|---|---|---|"]
    for part, count in PARTS.items():
        took = count(done).dropna().astype(float)
        took = took[took > 0]
        if len(took):
            share = (took / trained.loc[took.index]).median()
            ends = " | ".join(f"{value:.3g}" for value in (took.median(), took.min(), took.max()))
            lines.append(f"| {part} | {len(took)} | {ends} | {share:.3f} |")
    return lines


def _once(column: str) -> Callable[[pd.DataFrame], pd.Series]:
    """What stands on every row of a training, or on one of them."""
    return lambda done: done.groupby(PLACE)[column].max()


def _features(done: pd.DataFrame) -> pd.Series:
    """Each layer is extracted once, and once more where the rows of all classes are looked at."""
    return done.drop_duplicates([*PLACE, "layer", "labelled"]).groupby(PLACE)["extract_seconds"].sum()


def _usual(done: pd.DataFrame) -> pd.Series:
    """SPECTRE with its choice of k at the layer where it looks unless told otherwise."""
    own = (done["defense"] == "spectre") & ~done["fixed_k"].fillna(False).astype(bool)
    return done[own & (done["layer"] == done["default_layer"])].groupby(PLACE)["fit_seconds"].sum()


def _looks(done: pd.DataFrame) -> pd.Series:
    return done.groupby(PLACE)["fit_seconds"].sum()


PARTS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "poisoning, the attacker's models with it": _once("poison_seconds"),
    "training": _once("train_seconds"),
    "features of all layers, and of all classes at one": _features,
    "SPECTRE with its choice of k at the usual layer": _usual,
    "all defenses at all layers": _looks,
    "training anew without what SPECTRE removed": _once("retrain_seconds"),
}
