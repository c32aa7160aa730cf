"""From files to files: what `scan` reads and writes.

classes.csv   one row for each class, by falling objective; `removed` counts the rows marked in removed.npy,
              `would_remove` those that would be if the class were filtered
removed.npy   (n,) bool over all rows, True = remove
summary.json  the verdict, the parameters, and all of the classes
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.audit.filtering import load_array
from core.audit.scanning.classes import CAP, ClassResult
from core.audit.scanning.scan import Scan, State, scan
from core.audit.verdict import UNEVEN
from core.foundation.errors import InputError
from core.foundation.files import replacing, write_array, write_json

PROGRESS = "progress.jsonl"  # only there until a scan is finished
COLUMNS = ("label", "n", "objective", "k", "removed", "would_remove", "assumed_poisons", "dimensions", "reason")


def scan_files(
    features: Path,
    labels: Path,
    poisons: int,
    out: Path,
    *,
    label: int | None = None,
    level: float,
    workers: int | None = None,
    device: str = "auto",
    on_state: Callable[[State], None] | None = None,
) -> dict[str, Any]:
    """Scan two .npy files, write the three files above into `out`, and return the summary. Raises InputError."""
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
    """classes.csv, removed.npy and summary.json; the first two are the same for any number of workers."""
    out.mkdir(parents=True, exist_ok=True)
    table = io.StringIO()
    lines = csv.DictWriter(table, COLUMNS, extrasaction="ignore", lineterminator="\n")
    lines.writeheader()
    lines.writerows(summary["classes"])
    with replacing(out / "classes.csv") as aside:
        aside.write_text(table.getvalue(), encoding="utf-8")
    write_array(out / "removed.npy", found.removed)
    write_json(out / "summary.json", summary)


def summarise(found: Scan) -> dict[str, Any]:
    """The outcome as JSON values."""
    verdict = found.verdict
    largest = None if verdict.largest is None else found.results[verdict.largest].label
    return {
        "suspected_label": found.suspect,
        "filtered_label": found.filtered,
        "removed": int(found.removed.sum()),
        "verdict": verdict.in_words(f"class {largest}"),
        "test": {
            "largest_label": largest,
            "p_value": verdict.p_value,
            "level": verdict.level,
            "statistic": verdict.statistic,
            "degrees_of_freedom": verdict.degrees,
            "classes": verdict.classes,
            "over_next": verdict.over_next,
            "over_median": verdict.over_median,
            "shares_allowed_for": verdict.shares_allowed_for,
        },
        "parameters": {"poisons": found.poisons, "cap": CAP, "level": verdict.level},
        "notes": _notes(found),
        "n": found.shape[0],
        "d": found.shape[1],
        "classes": [_class_record(result, result.label == found.filtered) for result in found.results],
        "seconds": found.seconds,
        "resumed_classes": found.resumed,
        "device": found.device,
        "workers": found.plan.workers,
        "threads_each": found.plan.threads,
    }


def _class_record(result: ClassResult, filtered: bool) -> dict[str, Any]:
    return {
        "label": result.label,
        "n": result.n,
        # nine digits: the last ones depend on the number of threads
        "objective": None if result.objective is None else float(f"{result.objective:.9g}"),
        "k": result.k,
        "removed": len(result.removed) if filtered else 0,
        "would_remove": len(result.removed),
        "assumed_poisons": result.poisons,
        "dimensions": result.dimensions,
        "reason": result.reason,
        "warnings": result.warnings,
        "seconds": result.seconds,
    }


def _notes(found: Scan) -> list[str]:
    """What a reader of the verdict should know."""
    notes = []
    fitted = [result for result in found.results if result.objective is not None]
    left_out, capped = len(found.results) - len(fitted), sum(result.poisons < found.poisons for result in fitted)
    if left_out:
        notes.append(
            f"{left_out} of {len(found.results)} classes could not be fitted; their reasons are in classes.csv"
        )
    if capped:
        notes.append(f"{capped} classes are so small that fewer poisons were assumed there: {CAP:.0%} of their rows")
    if found.verdict.shares_allowed_for:
        notes.append(
            "the classes differ much in size, and small ones have larger objectives: "
            "the test allows for it, the order of the table does not"
        )
    dimensions = [result.dimensions for result in fitted if result.dimensions]
    if dimensions and max(dimensions) > UNEVEN * min(dimensions):
        notes.append("small classes were compared in fewer dimensions (column dimensions), so look twice at their rank")
    if found.filtered is not None and found.filtered != found.suspect:
        notes.append(f"class {found.filtered} is filtered because you asked for it, not because it stands out")
    return notes
