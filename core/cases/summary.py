"""The verdict of an audit: that of its first look, what the other looks say of each finding, and what was not looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.audit.assumed import AUTO
from core.cases.config import CaseConfig
from core.cases.folder import CaseFolder
from core.cases.space import looks_of
from core.cases.words import LIMITS, OF_AUTO, beside

AGREES = 0.5  # of the smaller set of rows: two findings of one label that share so many are the same


def whole_summary(case: CaseFolder, config: CaseConfig, summaries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """summary.json. summaries: of the looks, in their order."""
    first, looks, data = summaries[0], looks_of(case), case.read_object("data.json")
    rows = [_rows_of(case.load_findings(look.folder)) for look in looks]
    findings = []
    for number, finding in enumerate(first["findings"], 1):
        agreeing = [
            look.layer
            for look, other, theirs in zip(looks[1:], summaries[1:], rows[1:], strict=True)
            if _is_in(number, finding, rows[0], other, theirs)
        ]
        layers = {"layers": [looks[0].layer, *agreeing]} if len(looks) > 1 else {}
        findings.append(finding | {"finding": number} | layers | beside(finding["kind"]))
    return {
        **first,
        "findings": findings,
        "layers": [look.layer for look in looks],
        "only_elsewhere": _only_elsewhere(looks, summaries, rows),
        "not_looked_at": not_looked_at(data, first, config, len(looks)),
        "limits": [*LIMITS, *([OF_AUTO] if config.poisons == AUTO else [])],
        "smallest": data["carries"]["told"],
        "sha256": data["sha256"],
        "command": config.command(),
    }


def _rows_of(findings: pd.DataFrame) -> dict[int, set[int]]:
    return {int(number): set(rows.tolist()) for number, rows in findings.groupby("finding")["row"]}


def _is_in(
    number: int, finding: dict[str, Any], own: dict[int, set[int]], other: dict[str, Any], theirs: dict[int, set[int]]
) -> bool:
    """Whether another look has the same finding: of the same kind and label, with half of the rows in common."""
    mine = own.get(number, set())
    return any(
        one["kind"] == finding["kind"] and one["label"] == finding["label"]
        and len(mine & theirs.get(i, set())) >= AGREES * max(1, min(len(mine), len(theirs.get(i, set()))))
        for i, one in enumerate(other["findings"], 1)
    )  # fmt: skip


def _only_elsewhere(
    looks: Sequence[Any], summaries: Sequence[dict[str, Any]], rows: Sequence[dict[int, set[int]]]
) -> list[dict[str, Any]]:
    """Findings of the other looks that the first one does not have."""
    found = []
    for look, summary, theirs in zip(looks[1:], summaries[1:], rows[1:], strict=True):
        for number, finding in enumerate(summary["findings"], 1):
            if not _is_in(number, finding, theirs, summaries[0], rows[0]):
                found.append(
                    {
                        "layer": look.layer,
                        "label": finding["label"],
                        "kind": finding["kind"],
                        "rows": finding["rows"],
                        "in_words": finding["in_words"],
                    }
                )
    return found


def not_looked_at(
    data: dict[str, Any], summary: dict[str, Any], config: CaseConfig, looks: int
) -> list[dict[str, Any]]:
    """What was not run, and why: what, count and why of each."""
    found = list(data.get("not_looked_at", []))
    found += data.get("left_out", []) if data["what"] == "images" else []
    reasons: dict[str, list[int]] = {}
    for record in summary["classes"]:
        if record["objective"] is None:
            reasons.setdefault(record["reason"], []).append(record["label"])
    found += [
        {
            "what": f"class{'es' * (len(labels) > 1)} {', '.join(map(str, labels[:10]))}{', ...' * (len(labels) > 10)} by themselves",
            "count": len(labels),
            "why": why,
        }
        for why, labels in reasons.items()
    ]
    without = data["rows"] - sum(data["per_class"]) if data["what"] == "features" else 0
    if without > 0:
        found.append({"what": "rows without a label", "count": without, "why": "a scan compares rows of one label"})
    if len(summary["classes"]) < 2:
        found.append({"what": "which rows lie with another class", "count": 1, "why": "there is one class only"})
    if data["what"] == "features":
        found.append(
            {
                "what": "the images themselves",
                "count": 1,
                "why": "the audit was given features; marks in the pictures are not searched for",
            }
        )
    else:
        found.append(
            {
                "what": "marks in the pictures",
                "count": 1,
                "why": "images are compared through a model's features, not pixel by pixel",
            }
        )
    if looks == 1 and data["what"] == "images":
        found.append({"what": "other layers", "count": 1, "why": "one layer was looked at; --layer takes several"})
    found.append(
        {
            "what": "a model trained without the rows",
            "count": 1,
            "why": "removal was not tried: whether the mark stops working is for a new training to show",
        }
    )
    return found
