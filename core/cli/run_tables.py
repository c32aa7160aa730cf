"""Runs as tables for the terminal. No catalogue is asked here, so that a list of runs appears at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.cli.fitting import Column, FittingTable
from core.foundation.errors import InputError
from core.runs import RunFolder, cost_text, percent, share_text


def closing_table(run_id: str, result: dict[str, Any]) -> list[FittingTable]:
    """What a run found: the models before and after, and what each defense removed."""
    return [_models_table(run_id, result), _defenses_table(result)]


def _models_table(run_id: str, result: dict[str, Any]) -> FittingTable:
    covers = f" and {result['covers']:,} covers" if result["covers"] else ""
    story = f"{result['victims']} -> {result['goal']}, {result['poisons']:,} poisons{covers}"
    before, after = result["before"], result.get("after")
    way = f"; all images travel {told}" if (told := result.get("transport")) else ""
    left = (
        f", which leaves {100 * share:.0f} % of the trigger"
        if (share := result.get("trigger_left")) is not None
        else ""
    )
    rows = [
        ("clean accuracy", "clean"),
        ("attack, one trigger", "attack_single"),
        ("attack, all triggers", "attack_combined"),
        ("without a trigger", "confused"),
    ]
    if before["attack_elsewhere"]["total"]:
        rows.append(("attack on other classes", "attack_elsewhere"))
    shares = [[share_text(then[key]) if then else "not retrained" for _, key in rows] for then in (before, after)]
    return FittingTable(
        [
            Column("", [label for label, _ in rows], "left"),
            Column("before", shares[0], "left", prose=True),
            Column("after", shares[1], "left", prose=True),
        ],
        f"{run_id}\n{story}",
        caption=f"attack: test images of {result['victims']} taken for {result['goal']}, with the trigger and without{way}{left}",
    )


def _defenses_table(result: dict[str, Any]) -> FittingTable:
    after, features, found = result.get("after"), result["features"], list(result["defenses"].values())
    kept = f"retrained without what {result['defenses'][after['defense']]['title']} removed; " if after else ""
    return FittingTable(
        [
            Column("defense", [f["title"] for f in found], "left", prose=True),
            Column("removed", [f"{f['removed']:,}" for f in found], spare=True),
            Column("poison removed", [share_text(f["true_positive_rate"]) for f in found]),
            Column("clean removed", [share_text(f["false_positive_rate"]) for f in found]),
            Column("k", [str(f["record"].get("k", "–")) for f in found]),
        ],
        f"{result['target_rows']:,} training images labelled {result['classes'][result['target']]}",
        caption=f"{kept}layer {features['layer']} ({features['columns']:,} features), seed {result['seed']}, "
        f"{result['device']}, {cost_text(result)}",
    )


def run_line(folder: RunFolder) -> dict[str, Any]:
    """One run in short, as JSON values."""
    status = folder.status
    line: dict[str, Any] = {"id": folder.id, "state": status.state, "stage": status.stage, "message": status.message}
    try:
        result = folder.result
    except InputError as problem:
        result = {}
        line |= {"state": "damaged", "message": str(problem)}
    if "before" in result:
        line["attack_before"] = result["before"]["attack_single"]
    if result.get("after"):
        line["attack_after"] = result["after"]["attack_single"]
    line["removed"] = {
        k: d["true_positive_rate"] for k, d in result.get("defenses", {}).items() if "true_positive_rate" in d
    }
    return line


def runs_table(folders: Sequence[RunFolder]) -> FittingTable:
    """All runs, one line each."""
    lines = [run_line(folder) for folder in folders]
    titles = {key: title for folder in folders for key, title in _titles(folder).items()}
    defenses = [key for key in titles if any(key in line["removed"] for line in lines)]
    return FittingTable(
        [
            Column("run", [line["id"] for line in lines], "left"),
            Column("state", [line["state"] for line in lines], "left"),
            Column("attack success", [_attack_text(line) for line in lines], spare=True),
            *(
                Column(titles[key], [_count_text(line["removed"].get(key)) for line in lines], spare=True)
                for key in defenses
            ),
        ],
        caption="attack success before -> after the removal; for each defense, poison removed of all poison"
        if defenses
        else "",
    )


def _titles(folder: RunFolder) -> dict[str, str]:
    """Of the defenses that a run was given to; none of a damaged one."""
    try:
        return {key: str(found.get("title", key)) for key, found in folder.result.get("defenses", {}).items()}
    except InputError:
        return {}


def _attack_text(line: Mapping[str, Any]) -> str:
    """ "92 % -> 0 % of 36", as far as the run has come."""
    known = [line[key] for key in ("attack_before", "attack_after") if key in line]
    if not known or known[0]["value"] is None:
        return "-"
    return f"{' -> '.join(map(percent, known))} of {known[0]['total']:,}"


def _count_text(share: Mapping[str, Any] | None) -> str:
    return "-" if share is None else f"{share['count']:,}/{share['total']:,}"
