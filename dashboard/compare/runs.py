"""Runs side by side: what they came to, and in what their settings differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.runs import RunFolder
from core.studies.series import differences
from dashboard import address, data
from dashboard.charts import series as charts
from dashboard.compare import choices, claims, light, settings
from dashboard.plain import in_figure
from dashboard.widgets import again_once, colours, plot

MOST = 20


def show(revealed: bool) -> None:
    folders = data.finished()
    if len(folders) < 2:
        st.info("Two finished runs are needed. Start one in the Lab.", icon=":material/science:")
        return
    address.adopt_list("runs", list(folders), list(folders)[:2])
    st.multiselect(
        "Runs", list(folders), key="runs", format_func=lambda i: data.title(folders[i]) if revealed else i, max_selections=MOST,
        placeholder="Choose two or more", help="Finished runs: your own first, then those that come with the program.",
    )  # fmt: skip
    address.publish_list("runs")
    asked = st.session_state["runs"][:MOST]
    read = [(run_id, found) for run_id in asked if (found := light.read(folders[run_id]))]
    if len(read) < len(asked):
        st.warning(f"{len(asked) - len(read)} of these runs cannot be read and are left out.")
    if len(read) < 2:
        st.info("Choose at least two runs to compare.", icon=":material/compare_arrows:")
        return
    configs, rows = [found[0] for _, found in read], [found[1] for _, found in read]
    differ = [key for key in differences(configs) if revealed or not settings.tells(key)]
    choices.claim(claims.differ(differ, len(rows), revealed))
    classes = [_classes(folders[run_id]) for run_id, _ in read]
    frame = runs_frame(configs, rows, differ, revealed, classes)
    rates = [column for column in frame.columns if column.endswith("%")]
    choices.table(
        frame, "runs-side-by-side",
        columns=choices.rates(rates) | {"run": st.column_config.TextColumn("run", pinned=True)},
    )  # fmt: skip
    hidden = (
        "" if revealed else " What was poisoned, how well it works and what each defense found appear with the truth."
    )
    st.caption(
        f"showing {len(rows)} of {len(folders)} finished runs; ◆ marks a setting in which they differ; a wide table scrolls sideways.{hidden}"
    )
    if revealed and any(row["before"]["attack_combined"]["total"] for row in rows):
        st.markdown(
            "**Attack success, before and after retraining**",
            help="Share of the test images the attack is after that the model, shown the trigger, takes for what the "
            "attacker wants; and the same after the removed images were left out and the model was trained anew.",
        )
        plot(
            charts.before_after(rows, _labels(rows), colours()),
            "before-after",
            "Attack success of each run before and after",
        )
        st.caption(
            "Bars: Wilson interval of the test images of one run, 95 %; runs with several seeds stand under the poisons."
        )
    commands = "\n".join(folders[run_id].result["command"] for run_id, _ in read)
    again_once(revealed, commands, _python([run_id for run_id, _ in read]))


def runs_frame(
    configs: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    differ: Sequence[str],
    revealed: bool,
    classes: Sequence[Sequence[str]] = (),
) -> pd.DataFrame:
    """One line for each run: first the settings in which they differ, marked; shares in percent.

    classes: the class names of each run, where they are known.
    """
    lines = []
    for config, row, names in zip(configs, rows, classes or [()] * len(rows), strict=True):
        line: dict[str, Any] = {"run": row["run"]}
        line |= {f"◆ {settings.name(key)}": settings.value(config, key, names) for key in differ}
        if revealed:
            line["attack success, %"] = _percent(row["before"]["attack_combined"])
            line["after retraining, %"] = _percent((row["after"] or {}).get("attack_combined"))
        line["clean accuracy, %"] = _percent(row["before"]["clean"])
        line["clean after, %"] = _percent((row["after"] or {}).get("clean"))
        if revealed:
            for cell in row["defenses"].values():
                line[f"{cell['title']}: TPR, %"] = _percent(cell["true_positive_rate"])
                line[f"{cell['title']}: FPR, %"] = _percent(cell["false_positive_rate"])
        line |= {"images of the class": row["target_rows"], "layer": row["layer"]}
        if "◆ seed" not in line:
            line["seed"] = row["seed"]
        line |= {"device": row["device"], "seconds": row["seconds"]}
        lines.append(line)
    return pd.DataFrame(lines)


def _classes(folder: RunFolder) -> list[str]:
    """Names of a run's classes; none where its result does not hold them."""
    found = folder.result.get("classes")
    return [str(name) for name in found] if isinstance(found, list) else []


def _percent(share: Mapping[str, Any] | None) -> float | None:
    return 100 * share["count"] / share["total"] if share and share["total"] else None


def _labels(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Short and each once: what is done, poisons, seed; with the run's number where two are alike."""
    labels: list[str] = []
    for i, row in enumerate(rows):
        label = (
            f"{in_figure(row['victims'])} → {in_figure(row['goal'])}<br>{row['poisons']:,} poisons, seed {row['seed']}"
        )
        labels.append(f"{label} ({i + 1})" if label in labels else label)
    return labels


def _python(ids: Sequence[str]) -> str:
    there = data.finished()
    folders = [data.as_typed(there[run_id].path) for run_id in ids if run_id in there]
    return (
        "from pathlib import Path\n"
        "from core.runs import RunFolder\n"
        "from core.studies import series\n\n"
        f"for folder in {folders}:\n"
        "    config, row = series.read(RunFolder(Path(folder)))\n"
        '    print(row["run"], row["before"]["attack_combined"], row["after"])'
    )
