"""What `filter` and `scan` found, as tables and lines for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.cli.fitting import Column, FittingTable

SHOWN_FINDINGS = 12
SHOWN_CLASSES = 10
SHOWN_COLUMNS = 8


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
    tried = summary["objective"] or {"–" if summary["k"] is None else str(summary["k"]): None}
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
