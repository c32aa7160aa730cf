"""What a finished run came to, in words, and what it cost."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.runs import STAGES, cost_text, share_text
from dashboard.plain import as_is

STAGE_NAMES = {
    "load": "loading", "poison": "the attacker's own model", "train": "training", "features": "features",
    "defend": "defenses", "retrain": "retraining",
}  # fmt: skip


def outcome(result: dict[str, Any]) -> None:
    """What the defenses removed and whether the attack still works; the one that was retrained on comes first."""
    found = dict(result["defenses"])
    first = found.pop((result.get("after") or {}).get("defense", "spectre"))
    told = f"{removed_text(first)} {others_text(result)}{attack_text(result)}{accuracy_text(result)}"
    if took(result):
        st.success(told, icon=":material/check_circle:")
    else:
        st.info(
            f"{told} The attack works in fewer than half of the tries, so there was little to cure.",
            icon=":material/info:",
        )
    if rest := " ".join(map(removed_text, found.values())):
        st.caption(f"For comparison: {rest}")
    compare(result)


def took(result: dict[str, Any]) -> bool:
    """Whether the attack works in half of the tries, or there is none that could."""
    before = result.get("before") or {}
    there_are = (before.get("attack_combined") or {}).get("total")
    return not result.get("poisons") or not there_are or (effect(before, "attack_combined") or 0.0) >= 0.5


def effect(judged: dict[str, Any], attack: str) -> float | None:
    """The share of tries in which the mark does what it is for, less those in which the model errs that way without it.

    judged: a model, before or after. attack: attack_single or attack_combined. None where there was nothing to count.
    """
    success, without = ((judged.get(name) or {}).get("value") for name in (attack, "confused"))
    return None if success is None else max(success - (without or 0.0), 0.0)


def removed_text(defense: dict[str, Any]) -> str:
    hit, missed = defense["true_positive_rate"], defense["false_positive_rate"]
    if not hit["total"]:
        clean = ", all of them clean" if defense["removed"] else ""
        return f"{defense['title']} removed {defense['removed']:,} images{clean}; there was no poison to find."
    return (
        f"{defense['title']} removed {hit['count']:,} of {hit['total']:,} poisons and {missed['count']:,} clean images."
    )


def others_text(result: dict[str, Any]) -> str:
    """Where the poison lies in several classes: that one of them was looked at."""
    mine, poisons = result.get("poisons_in_target"), result.get("poisons")
    if mine is None or not poisons or mine >= poisons:
        return ""
    return f"{poisons:,} images were poisoned, of which {mine:,} carry the label that was looked at. "


def attack_text(result: dict[str, Any]) -> str:
    """How well the attack worked, and whether it still does."""
    if not result.get("poisons") or not result.get("before"):
        return ""
    before, after = result["before"], result.get("after")
    told = f"The trigger turned {share_text(before['attack_combined'])} of the test images of {as_is(result['victims'])} into "
    told += "the label that the attacker wants"
    return f"{told}; after retraining {share_text(after['attack_combined'])}." if after else f"{told}."


def accuracy_text(result: dict[str, Any]) -> str:
    """Where nothing was poisoned: what the removal did to the accuracy."""
    before, after = result.get("before"), result.get("after")
    if result.get("poisons") or not before or not after:
        return ""
    return f"Of the clean test images {share_text(before['clean'])} are classified rightly; after retraining without the removed ones {share_text(after['clean'])}."


def comparison(result: dict[str, Any]) -> pd.DataFrame:
    """Seconds by stage, as expected and as they were; only the stages that cost something."""
    expected = (result.get("estimate") or {}).get("stages", {})
    taken = result["seconds"]
    rows = [
        (STAGE_NAMES[name].capitalize(), expected.get(name), taken.get(name, 0.0))
        for name in STAGES
        if taken.get(name, 0.0) or expected.get(name, 0.0)
    ]
    return pd.DataFrame(
        [*rows, ("In all", (result.get("estimate") or {}).get("total"), sum(taken.values()))],
        columns=["stage", "expected", "taken"],
    )


def compare(result: dict[str, Any]) -> None:
    """After a run: what it took beside what was expected."""
    st.caption(f":material/timer: {cost_text(result)}.")
    if result.get("estimate"):
        columns: dict[str, Any] = {
            name: st.column_config.NumberColumn(f"{name} (s)", format="%.1f") for name in ("expected", "taken")
        }
        columns["stage"] = st.column_config.TextColumn(width=190)
        st.dataframe(comparison(result), hide_index=True, width="content", column_config=columns)
