"""What if I guess the budget wrong? Every defense refitted at wrong numbers of poisons, from a stored study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.runs import RunFolder
from dashboard import data
from dashboard.charts import studies as charts
from dashboard.compare import choices, claims, study
from dashboard.widgets import again_once, colours, plot

WHAT = (
    "Every defense is told how many poisons to expect, and nobody knows that number. This refits each at a quarter, half, "
    "twice and four times the right one."
)


def show(run: data.RunView, folder: RunFolder, keys: Sequence[str], revealed: bool) -> None:
    found = study.stored(folder, "budgets")
    if found is None:
        seconds = 5 * sum(one["seconds"] for one in run.result["defenses"].values()) + 5
        study.offer(folder, "budgets", "Try wrong budgets", WHAT, seconds, revealed)
        return
    known = list(found["rows"][0]["defenses"])
    shown = [key for key in keys if key in known] or known[:1]
    choices.claim(claims.budgets(found, shown[0], revealed))
    rates = ("true_positive_rate", "false_positive_rate") if revealed else ("removed", "kept")
    for column, rate in zip(st.columns(2, gap="medium"), rates, strict=True):
        with column:
            figure = charts.wrong_budget(found, shown, rate, colours(), revealed=revealed)
            plot(figure, f"budget-{rate}", f"{charts.BUDGET_RATES[rate]} against the number of poisons assumed")
    st.caption(
        "Activation clustering takes the smaller of two clusters whatever it is told. "
        + (
            "Bars: Wilson interval of the images, 95 %. "
            if revealed
            else "Right: does a wrong guess still remove the same images? "
        )
        + "One run, so there is no interval over seeds."
    )
    if revealed:
        st.caption(told_words(found))
    frame = budgets_frame(found, shown, revealed)
    with st.expander("As a table"):
        choices.table(frame, f"{run.id}-budgets", columns=choices.percents(["TPR", "FPR"]) if revealed else None)
    again_once(revealed, *study.reproduce(run, "budgets"))
    st.caption(study.small_print(found, run))


def told_words(found: dict[str, Any]) -> str:
    """Where the numbers that the defenses are told come from: the true one times a factor, in whole poisons."""
    true = found["true"]
    parts = []
    for row in found["rows"]:
        exact = true * row["factor"] if "factor" in row else row["assumed"]
        nearest = min((0.25, 0.5, 1.0, 2.0, 4.0), key=lambda factor: abs(factor * true - exact)) * true
        parts.append(f"{row['assumed']:,}" + (f" for {nearest:,.1f}" if 0 < abs(nearest - row["assumed"]) < 1 else ""))
    return (
        f"Told, in whole poisons: {', '.join(parts)}; a quarter, half, once, twice and four times the true {true:,}, "
        "as far as the class has room."
    )


def budgets_frame(found: dict[str, Any], keys: Sequence[str], revealed: bool) -> pd.DataFrame:
    """One line for each budget and defense; shares in percent."""
    lines = []
    for row in found["rows"]:
        for key in keys:
            cell = row["defenses"][key]
            line = {
                "told to expect": row["assumed"],
                "defense": cell["title"],
                "k": cell["k"],
                "removed": cell["removed"],
            }
            if revealed:
                hit, missed = cell["true_positive_rate"], cell["false_positive_rate"]
                line |= {"poison removed": hit["count"], "of": hit["total"], "TPR": _percent(hit)}
                line |= {"clean removed": missed["count"], "FPR": _percent(missed)}
            lines.append(line | {"seconds": cell["seconds"]})
    return pd.DataFrame(lines)


def _percent(share: dict[str, Any]) -> float | None:
    return 100 * share["count"] / share["total"] if share["total"] else None
