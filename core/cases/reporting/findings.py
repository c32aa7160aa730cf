"""The findings of an audit as sections of its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from core.cases.decisions import Decision, proposal_of, proposed
from core.cases.reporting.charts import CALLED, figures, role_of, room_for
from core.cases.reporting.shown import room_for as rows_for
from core.cases.reporting.shown import rows_shown
from core.cases.reporting.source import Source
from core.cases.reporting.wording import capital, listed, p_text, rows, sentence, share
from core.reports.content import Block, Facts, Section, Table, Words

FULL = 30  # findings that are told in full
KINDLESS_P = "none: this kind is told by distances, not by a test"


def findings_section(source: Source, decided: pd.DataFrame) -> Section:
    """All findings, worst first. decided: of `resolve`."""
    found = source.summary["findings"]
    if not found:
        return Section("Findings", [Words("There are none.")])
    full, rest = found[:FULL], found[FULL:]
    room, pictures = room_for(sum(one["kind"] in CALLED for one in full)), rows_for(len(full))
    counts = {
        int(number): own["do"].value_counts().to_dict() for number, own in decided.groupby("finding") if int(number) > 0
    }
    wanted = proposed(source.summary).findings
    parts = []
    for one in full:
        number = int(one["finding"])
        blocks: list[Block] = [Words(sentence(one["in_words"]))]
        blocks.append(Facts(_facts(source, one, counts.get(number, {}), wanted.get(number))))
        blocks += figures(source, one, room)
        blocks.append(rows_shown(source, one, pictures))
        blocks += [
            Words(one["advice"], "What to do."),
            Words(one["limitation"], "What this cannot tell."),
            Words(one["settles"], "What would settle it."),
        ]
        parts.append(Section(_title(source, one), blocks, tags=_tags(source, one), role=role_of(one["kind"])))
    blocks = [_table(source, rest)] if rest else []
    return Section("Findings", blocks, parts)


def _title(source: Source, finding: Mapping[str, Any]) -> str:
    return f"{finding['finding']}. {capital(source.called(finding['label']))}: {finding['title']}"


def _tags(source: Source, finding: Mapping[str, Any]) -> list[str]:
    tags = [rows(finding["rows"])]
    if finding["p_value"] is not None:
        tags.append(p_text(finding["p_value"]))
    if finding.get("layers"):
        tags.append(f"seen at {len(finding['layers'])} of {len(source.summary['layers'])} layers")
    return tags


def _facts(
    source: Source, finding: Mapping[str, Any], decided: Mapping[str, int], wanted: Decision | None
) -> list[tuple[str, str]]:
    n = source.record(finding["label"]).get("n") or 0
    nearest = finding.get("nearest_label")
    facts = [
        ("Rows", f"{finding['rows']:,} of {n:,} of the class ({share(finding['rows'], n)})"),
        ("p-value", p_text(finding["p_value"]) or KINDLESS_P),
    ]
    if nearest is not None:
        facts.append(("Nearest other class", _nearest(source, finding, int(nearest))))
    facts.append(("Layers", _layers(source, finding)))
    facts.append(("Proposed", _do(wanted.do if wanted else proposal_of(finding))))
    facts.append(("Decided", _decided(decided, finding["rows"])))
    terms = [f"{term['id']} {term['name']} ({term['catalogue']})" for term in finding.get("terms", ())]
    facts.append(("Filed under", "; ".join(terms) if terms else "nothing: this kind is no sign of an attack by itself"))
    return facts


def _nearest(source: Source, finding: Mapping[str, Any], nearest: int) -> str:
    """The class, and of how many rows it is the nearest where it is not that of all."""
    each = source.of_finding(int(finding["finding"]))["nearest_label"]
    of_it = int((each == nearest).sum())
    return source.called(nearest) + ("" if of_it in (0, len(each)) else f" for {of_it:,} of {rows(len(each))}")


def _layers(source: Source, finding: Mapping[str, Any]) -> str:
    layers = [str(layer) for layer in source.summary.get("layers", [])]
    if len(layers) < 2:
        only = (
            f"{layers[0]}, the only one that was"
            if layers and layers[0]
            else "the features as they were brought; no others were"
        )
        return f"{only} looked at"
    agree = [str(layer) for layer in finding.get("layers", ())]
    if len(agree) < 2:
        return f"{layers[0]} alone, of {listed(layers)}"
    return f"{listed(agree)} agree, of {listed(layers)}"


def _do(what: str) -> str:
    return {"remove": "remove them", "keep": "keep them", "relabel": "relabel them as the nearest class"}.get(
        what, what
    )


def _decided(counts: Mapping[str, int], total: int) -> str:
    words = {"remove": "to be removed", "relabel": "to be relabelled", "keep": "to be kept"}
    made = [f"{count:,} {words[do]}" for do, count in counts.items() if do in words and count]
    left = total - sum(count for do, count in counts.items() if do in words)
    if not made:
        return "nothing yet"
    return ", ".join([*made, *([f"{left:,} open"] if left > 0 else [])])


def _table(source: Source, rest: Sequence[Mapping[str, Any]]) -> Table:
    lines = [
        [str(one["finding"]), source.called(one["label"]), one["title"], f"{one['rows']:,}", p_text(one["p_value"]), _do(proposal_of(one))]
        for one in rest
    ]  # fmt: skip
    return Table(
        ["", "class", "kind", "rows", "p-value", "proposed"], lines, f"The other {len(rest):,} findings; the first {FULL} follow in full",
        frozenset({0, 3}), f"{len(rest):,} more findings, as a table" if len(rest) > 20 else "",
    )  # fmt: skip


def elsewhere_section(source: Source) -> Section:
    """What other layers alone have."""
    found = source.summary.get("only_elsewhere", [])
    if len(source.summary.get("layers", [])) < 2:
        return Section("Only at other layers", [Words("One layer was looked at, so there is nothing to compare.")])
    if not found:
        return Section("Only at other layers", [Words("The other layers have no finding that the first one lacks.")])
    lines = [
        [str(one["layer"]), source.called(one["label"]), one["kind"], f"{one['rows']:,}", sentence(one["in_words"])]
        for one in found[:200]
    ]
    more = f"; {len(found) - 200:,} more are in summary.json" if len(found) > 200 else ""
    return Section(
        "Only at other layers",
        [
            Words("Seen at a layer that does not decide, and not at the one that does. Look at these too where they concern you."),
            Table(["layer", "class", "kind", "rows", "in words"], lines, f"{len(found):,} findings{more}", frozenset({3})),
        ],
    )  # fmt: skip
