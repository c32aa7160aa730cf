"""Results as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table

from core.attacks import ATTACKS, Poisoning
from core.datasets import DATASETS, Sampling
from core.defenses import DEFENSES
from core.experiment import GROUPS
from core.foundation.errors import InputError
from core.foundation.params import describe
from core.foundation.seeds import Seeds
from core.models import MODELS
from core.runs import RunFolder, cost_text, share_text
from core.training import PRESETS, Recipe

SHOWN_CLASSES = 10


def closing_table(run_id: str, result: dict[str, Any]) -> list[Table]:
    """What a run found: the models before and after, and what each defense removed."""
    classes = result["classes"]
    covers = f" and {result['covers']:,} covers" if result["covers"] else ""
    story = f"{result['victims']} -> {result['goal']}, {result['poisons']:,} poisons{covers}"
    models = Table(title=f"{run_id}\n{story}", title_justify="left")
    for heading in ("", "before", "after"):
        models.add_column(heading, no_wrap=True)
    before, after = result["before"], result.get("after")
    rows = [
        ("clean accuracy", "clean"),
        ("attack, one trigger", "attack_single"),
        ("attack, all triggers", "attack_combined"),
        ("without a trigger", "confused"),
    ]
    if before["attack_elsewhere"]["total"]:
        rows.append(("attack on other classes", "attack_elsewhere"))
    for label, key in rows:
        models.add_row(label, share_text(before[key]), share_text(after[key]) if after else "not retrained")
    models.caption = (
        f"attack: test images of {result['victims']} taken for {result['goal']}, with the trigger and without"
    )
    heading = f"{result['target_rows']:,} training images labelled {classes[result['target']]}"
    defenses = Table(title=heading, title_justify="left")
    for name in ("defense", "removed", "poison removed", "clean removed", "k"):
        defenses.add_column(name, justify="left" if name == "defense" else "right")
    for found in result["defenses"].values():
        defenses.add_row(
            found["title"],
            f"{found['removed']:,}",
            share_text(found["true_positive_rate"]),
            share_text(found["false_positive_rate"]),
            str(found["record"]["k"]),
        )
    kept = f"retrained without what {DEFENSES[after['defense']].title} removed; " if after else ""
    features = result["features"]
    defenses.caption = (
        f"{kept}layer {features['layer']} ({features['columns']:,} features), seed {result['seed']}, "
        f"{result['device']}, {cost_text(result)}"
    )
    return [models, defenses]


def filter_table(summary: dict[str, Any]) -> Table:
    """The outcome of `filter`."""
    table = Table()
    for heading in ("k", "objective (mean QUE)"):
        table.add_column(heading, justify="right")
    for k, objective in summary["objective"].items():
        mark = "  <- chosen" if int(k) == summary["k"] else ""
        table.add_row(k, "-" if objective is None else f"{objective:.3f}{mark}")
    if not summary["objective"]:
        table.add_row(str(summary["k"]), "-")
    rounds = f", filter: {len(summary['rounds'])} rounds, {summary['stopped']}" if summary["stopped"] else ""
    table.caption = f"{summary['seconds']:.1f} s on {summary['device']}{rounds}"
    table.caption_justify = "left"
    return table


def filter_notes(summary: dict[str, Any]) -> list[str]:
    """What has to be said about the outcome of `filter`, one line each."""
    notes = [f"note: {text}" for text in summary["warnings"]]
    if summary["parameters"].get("n_poisons") == 0:
        notes.append("note: 0 poisons expected, so nothing is removed; the scores are there to look at")
    return notes


def scan_table(summary: dict[str, Any]) -> Table:
    """The outcome of `scan`: the classes of largest objective, and what was removed of which."""
    shown = summary["classes"][:SHOWN_CLASSES]
    if summary["filtered_label"] not in (None, *(found["label"] for found in shown)):
        shown += [found for found in summary["classes"] if found["label"] == summary["filtered_label"]]
    table = Table()
    for heading in ("label", "rows", "objective", "k", "removed", ""):
        table.add_column(heading, justify="left" if not heading else "right", overflow="fold")
    for found in shown:
        objective = "-" if found["objective"] is None else f"{found['objective']:.3f}"
        mark = "<- stands out" if found["label"] == summary["suspected_label"] else found["reason"]
        k = "-" if found["k"] is None else str(found["k"])
        table.add_row(str(found["label"]), f"{found['n']:,}", objective, k, f"{found['removed']:,}", mark)
    return table


def scan_lines(summary: dict[str, Any]) -> list[str]:
    """What belongs below the table of a scan."""
    shown, total = min(SHOWN_CLASSES, len(summary["classes"])), len(summary["classes"])
    some = f"showing the {shown} classes of largest objective of {total:,}; " if shown < total else ""
    processes = f" in {summary['workers']} processes" if summary["workers"] > 1 else ""
    removed = f"{summary['removed']:,} of {summary['n']:,} rows removed"
    about = f"{some}{removed}; {summary['seconds']:.1f} s on {summary['device']}{processes}"
    return [about, *(f"note: {text}" for text in summary["notes"])]


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


def runs_table(folders: Sequence[RunFolder]) -> Table:
    """All runs, one line each."""
    table = Table()
    for heading in ("run", "state", "attack success before", "after", "poison removed"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "run")
    for folder in folders:
        line = run_line(folder)
        removed = ", ".join(f"{k} {s['count']}/{s['total']}" for k, s in line["removed"].items())
        before, after = line.get("attack_before"), line.get("attack_after")
        table.add_row(line["id"], line["state"], share_text(before), share_text(after), removed or "-")
    return table


def option_tables(group: str | None) -> Iterable[Table]:
    """Every catalogue entry with its parameters."""
    catalogues: dict[str, dict[str, type]] = {
        "dataset": dict(DATASETS),
        "sampling": {"sampling": Sampling},
        "attack": dict(ATTACKS),
        "poisoning": {"poisoning": Poisoning},
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


def _option_table(group: str, key: str, entry: type) -> Table:
    summary = getattr(entry, "summary", "")
    table = Table(title=f"{group}: {key}" + (f" - {summary}" if summary else ""), title_justify="left")
    for heading in ("--set", "default", "limits", "what it is"):
        table.add_column(heading, overflow="fold")
    for p in describe(entry):
        if group == "defense" and p.name in ("n_poisons", "device"):
            continue
        limits = ", ".join(p.choices) or f"{_limit(p.low)} .. {_limit(p.high)}" * (p.type in (int, float))
        help_text = f"{p.help} ({p.unit})" if p.unit else p.help
        table.add_row(f"{group}.{p.name}", "none" if p.default is None else str(p.default), limits, help_text)
    suggested = [f"{name}={value}" for name, value in getattr(entry, "poisoning", {}).items()]
    table.caption = " ".join([getattr(entry, "citation", ""), "Poisons with " * bool(suggested) + ", ".join(suggested)])
    table.caption_justify = "left"
    return table


def _preset_table() -> Table:
    table = Table(title="training: --preset", title_justify="left")
    for heading in ("preset", "what it reproduces", "what it sets"):
        table.add_column(heading, overflow="fold")
    for name, preset in PRESETS.items():
        options = ", ".join(f"{option}={value}" for option, value in preset.options.items())
        table.add_row(name, preset.reproduces, options)
    return table


def _limit(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
