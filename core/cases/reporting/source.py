"""What a report of an audit is made from, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.cases.class_view import ClassView, has_view, read_view
from core.cases.decisions import Decisions, read_decisions
from core.cases.folder import CaseFolder
from core.cases.space import Look, Space, looks_of, space_of
from core.foundation.errors import InputError


@dataclass(frozen=True)
class Source:
    """An audit whose look is finished. findings: its findings.csv; rows: its rows.parquet."""

    case: CaseFolder
    summary: dict[str, Any]
    data: dict[str, Any]
    result: dict[str, Any]
    config: dict[str, Any]
    rows: pd.DataFrame
    findings: pd.DataFrame
    images: np.ndarray | None
    look: Look
    space: Space
    decisions: Decisions

    @property
    def names(self) -> Mapping[str, str]:
        return self.data.get("names", {})

    def called(self, label: Any) -> str:
        """A class as a sentence calls it: its name, or "class 7"."""
        if label is None or int(label) < 0:
            return "no class"
        return self.names.get(str(int(label))) or f"class {int(label)}"

    def file(self, row: int) -> str:
        """Of a row; empty where it is not known."""
        return str(self.rows["file"].iat[row])

    def text(self, row: int) -> str | None:
        """Of a row; None where the audit has no text."""
        return str(self.rows["text"].iat[row]) if "text" in self.rows else None

    def of_finding(self, number: int) -> pd.DataFrame:
        """Its rows, most suspicious first."""
        own = self.findings[self.findings["finding"] == number]
        return own.sort_values("score", ascending=False, kind="stable")

    def view(self, label: int) -> ClassView | None:
        """The pictures of a class at the layer that decides; None where there are none that can be read."""
        if not has_view(self.case, self.look, label):
            return None
        try:
            return read_view(self.case, self.look, label)
        except InputError:
            return None

    def record(self, label: int) -> dict[str, Any]:
        """What the summary says of a class."""
        return next((one for one in self.summary["classes"] if one["label"] == label), {})


def source_of(case: CaseFolder, decisions: Decisions | None = None) -> Source:
    """Read an audit. decisions: others than those of its folder. Raises InputError where a file is missing or damaged, or its findings are not made yet."""
    looks = looks_of(case)
    if not looks or not case.file("summary.json").is_file():
        raise InputError(f"{case.id} has no findings yet (it is {case.status.state}); go on with it first")
    rows, findings = case.load_rows(), case.load_findings()
    if len(findings) and not 0 <= findings["row"].min() <= findings["row"].max() < len(rows):
        raise InputError(f"{case.id}: findings.csv names rows that rows.parquet does not have")
    return Source(
        case, case.summary, case.read_object("data.json"), case.result, case.config, rows, findings,
        case.images(), looks[0], space_of(case, looks[0]),
        read_decisions(case) if decisions is None else decisions,
    )  # fmt: skip
