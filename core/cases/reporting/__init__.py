"""The report of an audit: from its folder to what a report says, and to the files."""

from __future__ import annotations

import time
from pathlib import Path

from core.cases.decisions import Decisions, resolve
from core.cases.folder import CaseFolder
from core.cases.reporting.account import (
    decisions_section,
    making_section,
    method_section,
    not_looked_at_section,
    read_section,
)
from core.cases.reporting.findings import elsewhere_section, findings_section
from core.cases.reporting.source import Source, source_of
from core.cases.reporting.wording import listed, rows, sentence
from core.foundation.errors import InputError
from core.foundation.labels import UNLABELLED
from core.reports import write
from core.reports.content import Report, Section, Tile, Tiles

__all__ = ["HTML", "report_of", "write_report"]

HTML = "report.html"
OTHERS = (
    ("second-group", "form a second group"), ("label-error", "may carry a wrong label"), ("copy", "are copies"),
    ("broken", "are broken"),
)  # fmt: skip
SINGLE = {"copy": "is a copy", "broken": "is broken", "second-group": "forms a second group"}
COUNTED = (
    ("poison", "rows look poisoned"), ("label-error", "likely label errors"), ("copy", "copies"), ("broken", "broken rows"),
    ("second-group", "rows in second groups"),
)  # fmt: skip


def report_of(case: CaseFolder, decisions: Decisions | None = None) -> Report:
    """What the report of an audit says. decisions: others than those of its folder. Raises InputError where its findings are not made, or a file is damaged."""
    try:
        return _report(case, source_of(case, decisions))
    except InputError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as problem:  # files edited by hand
        raise InputError(
            f"{case.id}: summary.json, data.json and result.json do not fit together ({type(problem).__name__}: {problem}); audit the data again"
        ) from problem


def _report(case: CaseFolder, source: Source) -> Report:
    decided = resolve(case, source.decisions)
    name = Path(str(source.config.get("path", case.id))).name or case.id
    verdict, after = verdict_of(source)
    return Report(
        f"Audit of {name}",
        [
            ("Audit", case.id),
            ("Finished", _date(case.status.heartbeat)),
            (
                "Looked at",
                f"{rows(int((source.rows['label'] != UNLABELLED).sum()))} in {len(source.summary['classes']):,} classes",
            ),
        ],
        verdict,
        after,
        [
            Section("Key figures", [_tiles(source)]),
            findings_section(source, decided),
            elsewhere_section(source),
            read_section(source),
            not_looked_at_section(source),
            method_section(source),
            decisions_section(source, decided),
            making_section(source),
        ],
        f"Written {_date(time.time())}. Spectre Lens finds what stands out in features; people decide what it is.",
    )


def verdict_of(source: Source) -> tuple[str, list[str]]:
    """One sentence, and what is said with it: the doubt, or what would have been seen."""
    summary = source.summary
    suspects, count = summary["suspected_labels"], len(summary["classes"])
    if suspects:
        sizes = dict.fromkeys(suspects, 0)
        for one in summary["findings"]:
            if one["kind"] == "poison":
                sizes[one["label"]] = sizes.get(one["label"], 0) + one["rows"]
        named = listed([f"{source.called(label)} ({rows(sizes[label])})" for label in suspects])
        verb = "looks" if len(suspects) == 1 else "look"
        return f"{len(suspects):,} of {count:,} classes {verb} poisoned: {named}.", [
            f"That is a suspicion with a reason, not a proof: look at the rows before they are removed. Level {summary['level']:g}."
        ]
    others = _others(source)
    seen = [sentence(line) for line in summary.get("smallest", [])]
    if all(record.get("p_value") is None for record in summary["classes"]):
        return f"No class could be judged{'; ' + others if others else ''}.", seen
    beyond = f"What lies closer, or in fewer rows, would not have been seen. Level {summary['level']:g}."
    return f"No class looks poisoned{'; ' + others if others else ', and nothing else stands out'}.", [*seen, beyond]


def _others(source: Source) -> str:
    """The findings of other kinds, counted in words."""
    found = []
    for kind, words in OTHERS:
        total = sum(one["rows"] for one in source.summary["findings"] if one["kind"] == kind)
        if total:
            found.append(f"{rows(total)} {words if total > 1 else SINGLE.get(kind, words)}")
    return listed(found)


def _tiles(source: Source) -> Tiles:
    findings = source.summary["findings"]
    judged = sum(record.get("p_value") is not None for record in source.summary["classes"])
    tiles = [
        Tile(f"{len(source.rows):,}", "rows", f"{source.summary['d']:,} numbers each"),
        Tile(f"{judged:,}", "classes judged", f"of {len(source.summary['classes']):,}"),
    ]
    for kind, words in COUNTED:
        own = [one for one in findings if one["kind"] == kind]
        total = sum(one["rows"] for one in own)
        if kind == "poison" or own:
            where = f"in {len({one['label'] for one in own}):,} classes" if own else "in no class"
            tiles.append(Tile(f"{total:,}", words, where.replace("in 1 classes", "in 1 class")))
    return Tiles(tiles)


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds)) if seconds else "not known"


def write_report(case: CaseFolder, *, pdf: bool = False, out: Path | None = None) -> list[Path]:
    """Write report.html into the folder of an audit, or to `out`, and a PDF beside it where it is asked for.

    Returns what was written. Raises InputError where there is nothing to tell yet, or it cannot be written.
    """
    return write(report_of(case), out or case.file(HTML), pdf=pdf)
