"""From files to files: what `scan` reads and writes.

classes.csv   one row for each class, by falling objective; `removed` counts the rows marked in removed.npy,
              `would_remove` those that SPECTRE removes at the assumed number of poisons; the signs that findings rest on, of
              every class: `separation` of its first group (Ashman's D), `misfits` nearer to another class, `copies`, `broken`
findings.csv  one row for each row of a finding: row, label, kind, score, nearest_label, finding (its number); name and
              nearest_name where labels have names, file where it is known which one a row comes from
removed.npy   (n,) bool over all rows, True = remove: rows of kind poison in suspected labels, nothing else, unless a label
              was asked for
summary.json  the verdict, the findings, the parameters, all of the classes, and what was read
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.audit.csv_files import write_csv, write_findings
from core.audit.described import describe
from core.audit.findings import Finding
from core.audit.groups import SEPARATED
from core.audit.readers import (
    Features,
    check_given,
    is_address,
    is_file,
    read_features,
    read_labels,
    remote_features,
    remote_labels,
)
from core.audit.scanning.classes import CAP, ClassResult
from core.audit.scanning.scan import Scan, State, scan
from core.audit.table import as_table, check_shape
from core.audit.verdict import FASTEST, SLOWEST
from core.foundation.cluster import Cluster
from core.foundation.files import claimed, write_array, write_json
from core.robust.apart import FEWEST, SMALLEST_SHARE, fewest_rows

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
    "separation",
    "misfits",
    "copies",
    "broken",
)


def scan_files(
    features: str | Path,
    labels: str | Path,
    poisons: int | str,
    out: Path,
    *,
    column: str | None = None,
    scratch: Path | None = None,
    label: int | str | None = None,
    level: float,
    workers: int | None = None,
    device: str = "auto",
    cluster: Cluster | None = None,
    on_state: Callable[[State], None] | None = None,
) -> dict[str, Any]:
    """Scan features, write the four files above into `out`, and return the summary. Raises InputError.

    features: a path, or an address that fsspec knows. labels: a file, an address, or the name of a column of the features.
    column: of features, where there are several. scratch: a folder for rows that cannot be mapped where they are, see
    `read_features`.
    """
    own = None if is_file(labels) or is_address(labels) else str(labels)
    if not is_address(labels):
        check_given(labels, features)
    with claimed(out, "scan"), _opened(features, column, own, scratch) as read:
        n, _ = check_shape(read.rows)
        given = remote_labels(str(labels), n) if is_address(labels) else read_labels(labels, read)
        progress = out / PROGRESS
        found = scan(
            read.rows, given, poisons, label=label, level=level, workers=workers, device=device, cluster=cluster,
            progress=progress, stamp=read.stamp, on_state=on_state,
        )  # fmt: skip
        summary = summarise(found) | {"read": read.as_json(describe(as_table(read.rows)))}
        write_scan(out, found, summary, read.place if read.knows_files else None)
        progress.unlink(missing_ok=True)
    return summary


def _opened(features: str | Path, column: str | None, labels: str | None, scratch: Path | None) -> Features:
    if is_address(features):
        return remote_features(str(features))
    return read_features(Path(features), column, labels=labels, scratch=scratch)


def write_scan(out: Path, found: Scan, summary: dict[str, Any], place: Callable[[int], str] | None = None) -> None:
    """The four files; all but summary.json are the same for any number of workers. place: which file a row comes from."""
    out.mkdir(parents=True, exist_ok=True)
    columns = (*COLUMNS, "name") if found.labels.names else COLUMNS
    write_csv(out / "classes.csv", columns, summary["classes"])
    write_findings(out / "findings.csv", found.findings, names=found.labels.names, place=place)
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
        "label_names": {str(label): name for label, name in found.labels.names.items()},
        "findings": [finding.as_json() | _names(found, finding) for finding in found.findings],
        "level": found.level,
        "set_aside": found.aside.as_json(),
        "parameters": {
            "poisons": found.poisons.as_json(), "cap": CAP, "level": found.level,
            "separation": SEPARATED, "slowest_tail": SLOWEST, "fastest_tail": FASTEST,
        },
        "notes": _notes(found),
        "n": found.shape[0],
        "d": found.shape[1],
        "classes": [record | _odd(found, record["label"]) for record in (_class_record(found, r) for r in found.results)],
        "seconds": found.seconds,
        "resumed_classes": found.resumed,
        "device": found.device,
        "workers": found.plan.workers,
        "threads_each": found.plan.threads,
        "machines": found.plan.machines,
    }  # fmt: skip


def _verdict(found: Scan) -> str:
    """In one sentence."""
    suspects = found.suspects
    if suspects:
        rows = dict.fromkeys(suspects, 0)
        for finding in found.findings:
            if finding.kind == "poison":
                rows[finding.label] += len(finding.rows)
        some = ", ".join(f"class {found.labels.told(label)} ({rows[label]:,} rows)" for label in suspects[:5])
        more = f" and {len(suspects) - 5} more" if len(suspects) > 5 else ""
        return f"{'looks' if len(suspects) == 1 else 'look'} poisoned: {some}{more} (level {found.level:g})"
    judged = sum(judgement.p_value is not None for judgement in found.judged.values())
    if not judged:
        return "no class could be judged"
    larger = any(fewest_rows(result.n) > FEWEST for result in found.results)
    least = f"{FEWEST} or more rows" + (
        f" ({SMALLEST_SHARE:.1%} of a class of more than {FEWEST / SMALLEST_SHARE:,.0f})" if larger else ""
    )
    where = (
        f"in none of {judged:,} classes is there a" if judged > 1 else "in the one class that was judged there is no"
    )
    return (
        f"none stands out: {where} group of {least} far enough from the rest "
        f"(level {found.level:g}, a separation of {SEPARATED:g} or more)"
    )


def _class_record(found: Scan, result: ClassResult) -> dict[str, Any]:
    return {
        "label": result.label,
        "name": found.labels.names.get(result.label),
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


def _odd(found: Scan, label: int) -> dict[str, Any]:
    """What every class has, suspected or not, of the signs that findings rest on."""
    separation = found.judged[label].separation
    counts = {
        name: int((found.labels.numbers[rows] == label).sum())
        for name, rows in (("misfits", found.misfits), ("copies", found.aside.copies), ("broken", found.aside.broken))
    }
    return {"separation": None if separation is None else float(f"{separation:.3g}"), **counts}


def _names(found: Scan, finding: Finding) -> dict[str, str | None]:
    """Of the labels of a finding, where labels have names."""
    names = found.labels.names
    own, nearest = names.get(finding.label), names.get(-1 if finding.nearest_label is None else finding.nearest_label)
    return {"name": own, "nearest_name": nearest} if names else {}


def _digits(p: float | None) -> float | None:
    return None if p is None else float(f"{p:.3g}")


def _notes(found: Scan) -> list[str]:
    """What a reader of the verdict should know."""
    notes = list(found.labels.notes)
    fitted = [result for result in found.results if result.objective is not None]
    left_out = len(found.results) - len(fitted)
    capped = sum(result.poisons < found.poisons.of(result.n) for result in fitted if not found.poisons.automatic)
    if left_out:
        notes.append(
            f"{left_out} of {len(found.results)} classes could not be fitted; their reasons are in classes.csv"
        )
    if capped:
        notes.append(
            f"in {capped:,} classes fewer poisons were assumed than was asked for: {CAP:.0%} of the rows, the most that is assumed"
        )
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
