"""From files to files: what `scan` reads and writes.

classes.csv   one row for each class, by falling objective; `removed` counts the rows marked in removed.npy,
              `would_remove` those that SPECTRE removes at the assumed number of poisons
findings.csv  one row for each row of a finding: row, label, kind, score, nearest_label, finding (its number)
removed.npy   (n,) bool over all rows, True = remove: rows of kind poison in suspected labels, nothing else, unless a label
              was asked for
summary.json  the verdict, the findings, the parameters, and all of the classes
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.audit.csv_files import write_csv, write_findings
from core.audit.filtering import load_array
from core.audit.scanning.classes import CAP, ClassResult
from core.audit.scanning.scan import Scan, State, scan
from core.audit.verdict import FASTEST, SEPARATED, SLOWEST
from core.foundation.errors import InputError
from core.foundation.files import write_array, write_json
from core.robust.apart import FEWEST

LEANING = 0.25  # pooled weight from which on it is told
PROGRESS = "progress.jsonl"  # only there until a scan is finished
COLUMNS = (
    "label",
    "n",
    "objective",
    "k",
    "removed",
    "would_remove",
    "assumed_poisons",
    "dimensions",
    "p_value",
    "pooled_weight",
    "reason",
)


def scan_files(
    features: Path,
    labels: Path,
    poisons: int | str,
    out: Path,
    *,
    label: int | None = None,
    level: float,
    workers: int | None = None,
    device: str = "auto",
    on_state: Callable[[State], None] | None = None,
) -> dict[str, Any]:
    """Scan two .npy files, write the four files above into `out`, and return the summary. Raises InputError."""
    table, given = load_array(features), load_array(labels)
    if table.ndim == 2 and given.ndim == 1 and len(given) != len(table):
        raise InputError(f"{labels} has {len(given):,} labels, but {features} has {len(table):,} rows")
    progress = out / PROGRESS
    found = scan(
        table, given, poisons,
        label=label, level=level, workers=workers, device=device, progress=progress, on_state=on_state,
    )  # fmt: skip
    summary = summarise(found)
    write_scan(out, found, summary)
    progress.unlink(missing_ok=True)
    return summary


def write_scan(out: Path, found: Scan, summary: dict[str, Any]) -> None:
    """The four files; all but summary.json are the same for any number of workers."""
    out.mkdir(parents=True, exist_ok=True)
    write_csv(out / "classes.csv", COLUMNS, summary["classes"])
    write_findings(out / "findings.csv", found.findings)
    write_array(out / "removed.npy", found.removed)
    write_json(out / "summary.json", summary)


def summarise(found: Scan) -> dict[str, Any]:
    """The outcome as JSON values."""
    return {
        "suspected_labels": found.suspects,
        "suspected_label": found.suspect,
        "filtered_labels": list(found.filtered),
        "removed": int(found.removed.sum()),
        "verdict": _verdict(found),
        "findings": [finding.as_json() for finding in found.findings],
        "level": found.level,
        "set_aside": found.aside.as_json(),
        "parameters": {
            "poisons": found.poisons.as_json(), "cap": CAP, "level": found.level,
            "separation": SEPARATED, "slowest_tail": SLOWEST, "fastest_tail": FASTEST,
        },
        "notes": _notes(found),
        "n": found.shape[0],
        "d": found.shape[1],
        "classes": [_class_record(found, result) for result in found.results],
        "seconds": found.seconds,
        "resumed_classes": found.resumed,
        "device": found.device,
        "workers": found.plan.workers,
        "threads_each": found.plan.threads,
    }  # fmt: skip


def _verdict(found: Scan) -> str:
    """In one sentence."""
    suspects = found.suspects
    if suspects:
        rows = dict.fromkeys(suspects, 0)
        for finding in found.findings:
            if finding.kind == "poison":
                rows[finding.label] += len(finding.rows)
        some = ", ".join(f"class {label} ({rows[label]:,} rows)" for label in suspects[:5])
        more = f" and {len(suspects) - 5} more" if len(suspects) > 5 else ""
        return f"{'looks' if len(suspects) == 1 else 'look'} poisoned: {some}{more} (level {found.level:g})"
    judged = sum(judgement.p_value is not None for judgement in found.judged.values())
    if not judged:
        return "no class could be judged"
    return (
        f"none stands out: in none of {judged} classes is there a group of {FEWEST} or more rows far enough from the rest "
        f"(level {found.level:g}, a separation of {SEPARATED:g} or more)"
    )


def _class_record(found: Scan, result: ClassResult) -> dict[str, Any]:
    return {
        "label": result.label,
        "n": result.n,
        # nine digits: the last ones depend on the number of threads
        "objective": None if result.objective is None else float(f"{result.objective:.9g}"),
        "k": result.k,
        "removed": found.removed_of(result.label),
        "would_remove": len(result.removed),
        "assumed_poisons": result.poisons,
        "dimensions": result.dimensions,
        "p_value": _digits(found.judged[result.label].p_value),
        "pooled_weight": result.pooled_weight,
        "reason": result.reason,
        "warnings": result.warnings,
        "seconds": result.seconds,
    }


def _digits(p: float | None) -> float | None:
    return None if p is None else float(f"{p:.3g}")


def _notes(found: Scan) -> list[str]:
    """What a reader of the verdict should know."""
    notes = []
    fitted = [result for result in found.results if result.objective is not None]
    left_out = len(found.results) - len(fitted)
    capped = sum(result.poisons < (found.poisons.count or 0) for result in fitted)
    if left_out:
        notes.append(
            f"{left_out} of {len(found.results)} classes could not be fitted; their reasons are in classes.csv"
        )
    if capped:
        notes.append(f"{capped} classes are so small that fewer poisons were assumed there: {CAP:.0%} of their rows")
    leaning = sum(result.pooled_weight >= LEANING for result in fitted)
    if leaning:
        notes.append(
            f"{leaning:,} of {len(fitted):,} classes have few rows for their number of features: where groups are looked for in "
            f"them, their covariance leans on that of all classes, by {LEANING:.0%} or more (pooled_weight in classes.csv)"
        )
    if found.overlapping:
        notes.append(
            f"{found.overlapping:,} rows lie nearer to another class than to their own: the classes overlap too much in "
            "these features to call any of them an error"
        )
    for label in found.filtered:
        if label not in found.suspects:
            notes.append(f"class {label} is filtered because you asked for it, not because it stands out")
    for finding in found.findings:
        if finding.kind == "poison" and not finding.removable and found.removed_of(finding.label) == 0:
            notes.append(
                f"nothing is removed of class {finding.label}, most of which looks poisoned; --label {finding.label} does"
            )
    return notes
