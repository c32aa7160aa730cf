"""The rest of the report of an audit: what was read, what was not looked at, how it was done, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from core.cases.config import config_from
from core.cases.reporting.source import Source
from core.cases.reporting.wording import listed, rows, sentence
from core.foundation.labels import UNLABELLED
from core.reports.content import Block, Code, Facts, Items, Section, Table, Words
from core.runs import duration

FOLDED = 24  # classes above which their table is folded


def read_section(source: Source) -> Section:
    """What was read, and what could be said beforehand."""
    data = source.data
    shape = data.get("image_shape")
    facts = [
        ("Data", str(data.get("path", source.config.get("path", "")))),
        ("Read as", f"{data['what']} ({data.get('form') or data.get('kind')})"),
        ("Rows", f"{len(source.rows):,}"),
    ]
    if data["what"] == "features":
        facts += [("Numbers a row", f"{data['columns']:,} ({data['dtype']})"), ("Labels", str(data.get("labels", "")))]
        facts += [("Column", str(data["column"]))] if data.get("column") else []
        facts += [("Pictures", str(source.config["images"]))] if source.config.get("images") else []
        facts += [("Text", f"column '{source.config['text']}'")] if source.config.get("text") else []
    elif shape:
        facts.append(("Images", f"{shape[1]} x {shape[0]} pixels, {shape[2]} channel{'s' * (shape[2] != 1)}"))
    if data.get("columns") and isinstance(data["columns"], dict):
        facts.append(("Columns", ", ".join(f"{key}: {value}" for key, value in data["columns"].items())))
    blocks: list[Block] = [Facts(facts)]
    beforehand = data.get("carries", {}).get("told", [])
    if beforehand:
        blocks += [Words("Before anything was computed:"), Items(beforehand)]
    notes = [*data.get("notes", []), *source.summary.get("notes", [])]
    if notes:
        blocks += [Words("Notes:"), Items([sentence(note) for note in notes])]
    left = data.get("left_out", [])
    if left:
        blocks += [Words("Left out:"), Items([f"{one['count']:,}x {one['what']}: {one['why']}" for one in left])]
    return Section("What was read", [*blocks, _classes(source)])


def _classes(source: Source) -> Table:
    labels = source.rows["label"].to_numpy()
    numbers, counts = np.unique(labels[labels != UNLABELLED], return_counts=True)
    records = {record["label"]: record for record in source.summary["classes"]}
    lines = []
    for label, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        record = records.get(label, {})
        separation = record.get("separation")
        lines.append(
            [
                source.called(label), f"{count:,}", "-" if separation is None else f"{separation:.2f}",
                *(f"{record.get(name, 0):,}" for name in ("misfits", "copies", "broken")),
                str(record.get("reason") or ("; ".join(record.get("warnings", [])))),
            ]
        )  # fmt: skip
    columns = ["class", "rows", "separation", "nearer to another class", "copies", "broken", "remark"]
    caption = "All classes. Separation: how far the first group of a class stands apart from its rest (Ashman's D)"
    folded = f"All {len(lines):,} classes, with the statistic of each" if len(lines) > FOLDED else ""
    return Table(columns, lines, caption, frozenset({1, 2, 3, 4, 5}), folded)


def not_looked_at_section(source: Source) -> Section:
    """What was not run, and why."""
    found = source.summary.get("not_looked_at", [])
    lines = [[one["what"], f"{one['count']:,}" if one["count"] > 1 else "", one["why"]] for one in found]
    return Section("What was not looked at", [Table(["what", "how many", "why"], lines, numeric=frozenset({1}))])


def method_section(source: Source) -> Section:
    """How it was done, briefly, and what the level means."""
    summary, model = source.summary, source.result.get("model", {})
    features = (
        f"Each row is {summary['d']:,} numbers, "
        + ("as they were brought." if source.data["what"] == "features" else f"what {_model(model)} makes of the image at {_layer(source)}.")
    )  # fmt: skip
    level = summary["level"]
    return Section(
        "How it was done",
        [
            Words(features),
            Words(
                "Broken rows (zeros, constants, out of scale) and copies are set aside first, and decide nothing. Then two views: across "
                "classes, each row is held against the centres of all classes under one robust covariance, which shows rows that lie with "
                "another class; within a class, SPECTRE (Hayase et al., ICML 2021) whitens the rows by the covariance of those that a robust "
                "filter trusts, so that a group that agrees on a direction of its own stands out. A group is called poisoned where it "
                "stands further apart than the tails of the other classes, and of its own other rows, would bring by chance."
            ),
            Words(
                f"Of clean sets, a share of about {level:g} would have some class called poisoned by chance. That is over all classes "
                "together; it does not say how likely a finding is true.",
                f"The level is {level:g}.",
            ),
            Items([line for line in summary.get("limits", []) if not line.startswith("The level")]),
        ],
    )


def _model(model: Mapping[str, Any]) -> str:
    if "trained" in model:
        accuracy = f", right on {100 * model['accuracy']:.1f} % of them" if model.get("accuracy") is not None else ""
        return f"a model ({model['trained']}) trained here for {model['epochs']} epochs on these {model['images']:,} images{accuracy},"
    return str(model.get("brought", "a model"))


def _layer(source: Source) -> str:
    layers = [str(layer) for layer in source.summary["layers"]]
    more = f"; {listed(layers[1:])} looked at beside it" if len(layers) > 1 else ""
    return f"layer {layers[0]}{more}"


def decisions_section(source: Source, decided: pd.DataFrame) -> Section:
    """What people decided, counted, and who."""
    made = decided[decided["do"] != ""]
    if not len(made):
        return Section(
            "Decisions", [Words("Nothing has been decided yet. What each finding proposes stands beside it; nothing is carried out by itself.")]
        )  # fmt: skip
    counts = made["do"].value_counts()
    words = {"remove": "to be removed", "relabel": "to be relabelled", "keep": "to be kept"}
    facts = [(words[do].capitalize(), rows(int(counts[do]))) for do in words if counts.get(do)]
    facts.append(("Open", rows(int((decided["do"] == "").sum()))))
    facts.append(("Decided by", source.decisions.by or "nobody put a name to it"))
    own = len(source.decisions.rows)
    if own:
        facts.append(("Row by row", f"{rows(own)} with a decision of {'its' if own == 1 else 'their'} own"))
    return Section("Decisions", [Facts(facts)])


def making_section(source: Source) -> Section:
    """Everything needed to make it again."""
    summary, result = source.summary, source.result
    seconds = {name: value for name, value in result.get("seconds", {}).items() if value >= 0.05}
    facts = [
        ("SHA-256 of the data", f"{summary['sha256']}"),
        ("Parameters", ", ".join(f"{name} = {value}" for name, value in summary["parameters"].items())),
        ("Seed", str(source.config.get("seed", 0))),
        ("Device", str(summary.get("device", ""))),
        ("Time", f"{duration(sum(seconds.values()))}: " + ", ".join(f"{name} {value:,.1f} s" for name, value in seconds.items())),
        ("Versions", ", ".join(f"{name} {value}" for name, value in result.get("versions", {}).items())),
    ]  # fmt: skip
    command = config_from(source.config).command()
    how = (
        "The sum of a file is that of its bytes; of a folder, that of the lines that sha256sum prints for its files, sorted by name."
    )  # fmt: skip
    return Section("To make it again", [Code(command), Facts(facts), Words(how, quiet=True)])
