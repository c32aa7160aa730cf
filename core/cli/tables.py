"""Results as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.attacks import ATTACKS, Poisoning, Transport
from core.cli.fitting import Column, FittingTable
from core.datasets import DATASETS, Sampling
from core.defenses import DEFENSES
from core.experiment import GROUPS
from core.foundation.errors import InputError
from core.foundation.params import Param, describe
from core.foundation.seeds import Seeds
from core.models import MODELS
from core.runs import RunFolder, cost_text, percent, share_text
from core.training import PRESETS, Recipe

SHOWN_FINDINGS = 12
SHOWN_CLASSES = 10
SHOWN_COLUMNS = 8


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
    kept = f"retrained without what {DEFENSES[after['defense']].title} removed; " if after else ""
    return FittingTable(
        [
            Column("defense", [f["title"] for f in found], "left", prose=True),
            Column("removed", [f"{f['removed']:,}" for f in found], spare=True),
            Column("poison removed", [share_text(f["true_positive_rate"]) for f in found]),
            Column("clean removed", [share_text(f["false_positive_rate"]) for f in found]),
            Column("k", [str(f["record"]["k"]) for f in found]),
        ],
        f"{result['target_rows']:,} training images labelled {result['classes'][result['target']]}",
        caption=f"{kept}layer {features['layer']} ({features['columns']:,} features), seed {result['seed']}, "
        f"{result['device']}, {cost_text(result)}",
    )


def read_lines(read: dict[str, Any]) -> list[str]:
    """What was read, and what had to be guessed for it."""
    files = read["files"][0] if len(read["files"]) == 1 else f"{len(read['files']):,} parts"
    column = f", column '{read['column']}'" if read["column"] else ""
    left_out = list(read["left_out"].items())
    some = ", ".join(f"{name} ({why})" for name, why in left_out[:SHOWN_COLUMNS])
    more = f" and {len(left_out) - SHOWN_COLUMNS:,} more" if len(left_out) > SHOWN_COLUMNS else ""
    return [
        f"read: {files}{column}, {read['rows']:,} x {read['features']:,} {read['dtype']}"
        + (f"; left out: {some}{more}" if left_out else ""),
        *(f"note: {text}" for text in read["notes"]),
    ]


def filter_table(summary: dict[str, Any]) -> FittingTable:
    """The outcome of `filter`."""
    tried = summary["objective"] or {str(summary["k"]): None}
    objectives = [
        "-" if value is None else f"{value:.3f}{'  <- chosen' if int(k) == summary['k'] else ''}"
        for k, value in tried.items()
    ]
    rounds = f", filter: {len(summary['rounds'])} rounds, {summary['stopped']}" if summary["stopped"] else ""
    return FittingTable(
        [Column("k", list(tried)), Column("objective (mean QUE)", objectives)],
        caption=f"{summary['seconds']:.1f} s on {summary['device']}{rounds}",
    )


def filter_notes(summary: dict[str, Any]) -> list[str]:
    """What has to be said about the outcome of `filter`, one line each."""
    notes = [f"{finding['kind']}: {finding['in_words']}" for finding in summary["findings"]]
    notes += [f"note: {text}" for text in summary["warnings"]]
    if summary["parameters"].get("n_poisons") == 0:
        notes.append("note: 0 poisons expected, so nothing is removed; the scores are there to look at")
    return notes


def scan_table(summary: dict[str, Any]) -> FittingTable:
    """The outcome of `scan`: the classes of largest objective, and what was removed of which."""
    first = summary["classes"][:SHOWN_CLASSES]
    wanted = {*summary["filtered_labels"], *summary["suspected_labels"]}
    labels = {found["label"] for found in first}
    shown = first + [f for f in summary["classes"][SHOWN_CLASSES:] if f["label"] in wanted - labels][:SHOWN_CLASSES]
    words = dict.fromkeys(summary["suspected_labels"], "<- looks poisoned")
    return FittingTable(
        [
            Column("label", [str(found["label"]) for found in shown]),
            *(
                [Column("name", [found["name"] or "" for found in shown], "left", prose=True)]
                * bool(summary["label_names"])
            ),
            Column("rows", [f"{found['n']:,}" for found in shown]),
            Column("objective", ["-" if f["objective"] is None else f"{f['objective']:.3f}" for f in shown]),
            Column("k", ["-" if found["k"] is None else str(found["k"]) for found in shown]),
            Column("p", ["-" if found["p_value"] is None else f"{found['p_value']:.1g}" for found in shown]),
            Column("removed", [f"{found['removed']:,}" for found in shown]),
            Column("", [words.get(f["label"], f["reason"]) for f in shown], "left", prose=True),
        ]
    )


def scan_lines(summary: dict[str, Any]) -> list[str]:
    """What belongs below the table of a scan."""
    shown, total = min(SHOWN_CLASSES, len(summary["classes"])), len(summary["classes"])
    some = f"showing the {shown} classes of largest objective of {total:,}; " if shown < total else ""
    processes = f" in {summary['workers']} processes" if summary["workers"] > 1 else ""
    removed = f"{summary['removed']:,} of {summary['n']:,} rows removed"
    about = f"{some}{removed}; {summary['seconds']:.1f} s on {summary['device']}{processes}"
    findings = [f"class {_class_text(f)}, {f['kind']}: {f['in_words']}" for f in summary["findings"][:SHOWN_FINDINGS]]
    if len(summary["findings"]) > SHOWN_FINDINGS:
        findings.append(f"... {len(summary['findings']) - SHOWN_FINDINGS:,} more findings in findings.csv")
    return [*findings, about, *(f"note: {text}" for text in summary["notes"])]


def _class_text(finding: Mapping[str, Any]) -> str:
    return f"{finding['label']} ({finding['name']})" if finding.get("name") else str(finding["label"])


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
    defenses = [key for key in DEFENSES if any(key in line["removed"] for line in lines)]
    return FittingTable(
        [
            Column("run", [line["id"] for line in lines], "left"),
            Column("state", [line["state"] for line in lines], "left"),
            Column("attack success", [_attack_text(line) for line in lines], spare=True),
            *(
                Column(DEFENSES[key].title, [_count_text(line["removed"].get(key)) for line in lines], spare=True)
                for key in defenses
            ),
        ],
        caption="attack success before -> after the removal; for each defense, poison removed of all poison"
        if defenses
        else "",
    )


def _attack_text(line: Mapping[str, Any]) -> str:
    """ "92 % -> 0 % of 36", as far as the run has come."""
    known = [line[key] for key in ("attack_before", "attack_after") if key in line]
    if not known or known[0]["value"] is None:
        return "-"
    return f"{' -> '.join(map(percent, known))} of {known[0]['total']:,}"


def _count_text(share: Mapping[str, Any] | None) -> str:
    return "-" if share is None else f"{share['count']:,}/{share['total']:,}"


def option_tables(group: str | None) -> Iterable[FittingTable]:
    """Every catalogue entry with its parameters."""
    catalogues: dict[str, dict[str, type]] = {
        "dataset": dict(DATASETS),
        "sampling": {"sampling": Sampling},
        "attack": dict(ATTACKS),
        "poisoning": {"poisoning": Poisoning},
        "transport": {"transport": Transport},
        "model": dict(MODELS),
        "training": {"training": Recipe},
        "defense": dict(DEFENSES),
        "seeds": {"seeds": Seeds},
    }
    if group is not None and group not in GROUPS:
        raise InputError(f"unknown group '{group}'; choose from: {', '.join(GROUPS)}")
    for name in [group] if group else GROUPS:
        for key, entry in catalogues[name].items():
            yield _option_table(name, key, entry)
    if group in (None, "training"):
        yield _preset_table()


def _option_table(group: str, key: str, entry: type) -> FittingTable:
    summary = getattr(entry, "summary", "")
    params = [p for p in describe(entry) if not (group == "defense" and p.name in ("n_poisons", "device"))]
    suggested = [f"{name}={value}" for name, value in getattr(entry, "poisoning", {}).items()]
    return FittingTable(
        [
            Column("--set", [f"{group}.{p.name}" for p in params], "left"),
            Column("default", ["none" if p.default is None else str(p.default) for p in params], "left"),
            Column("what it is", [_help_text(p) for p in params], "left", prose=True),
        ],
        f"{group}: {key}" + (f" - {summary}" if summary else ""),
        caption=" ".join(
            [getattr(entry, "citation", ""), "Poisons with " * bool(suggested) + ", ".join(suggested)]
        ).strip(),
    )


def _help_text(p: Param) -> str:
    """What a parameter is, its unit, and what it may be: "Images a step; 2 .. 4096"."""
    help_text = f"{p.help} ({p.unit})" if p.unit else p.help
    limits = (
        f"one of {', '.join(p.choices)}"
        if p.choices
        else f"{_limit(p.low)} .. {_limit(p.high)}" * (p.type in (int, float))
    )
    return f"{help_text}; {limits}" if limits else help_text


def _preset_table() -> FittingTable:
    presets = list(PRESETS.values())
    sets = [", ".join(f"{option}={value}" for option, value in preset.options.items()) for preset in presets]
    return FittingTable(
        [
            Column("preset", list(PRESETS), "left"),
            Column("what it reproduces", [preset.reproduces for preset in presets], "left", prose=True),
            Column("what it sets", sets, "left", prose=True),
        ],
        "training: --preset",
    )


def _limit(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
