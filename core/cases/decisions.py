"""What people decide about findings and rows: keep, remove, relabel. A row's own decision goes before that of its finding."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from core.cases.folder import CaseFolder
from core.foundation.errors import InputError
from core.foundation.labels import UNLABELLED

DECISIONS = "decisions.json"
DOS = ("keep", "remove", "relabel")
LARGEST = 2**63
MOST = 10_000_000  # rows with a decision of their own


@dataclass(frozen=True)
class Decision:
    """What to do with a row, or with all rows of a finding."""

    do: str  # one of DOS
    to: int | None = None  # of relabel: the new label; None for the nearest other class of each row


@dataclass(frozen=True)
class Decisions:
    """All that was decided in an audit."""

    findings: Mapping[int, Decision] = field(default_factory=dict)  # by number, from 1
    rows: Mapping[int, Decision] = field(default_factory=dict)  # by row of the table
    by: str = ""  # whose they are
    of: str = ""  # what tells the findings that they number, see `findings_of`; empty where that is not known

    def on_finding(self, number: int, decision: Decision | None) -> Decisions:
        """With another decision on a finding; None takes it back."""
        return replace(self, findings=_with(self.findings, {number: decision}))

    def on_rows(self, rows: Any, decision: Decision | None) -> Decisions:
        """With another decision on some rows; None leaves them to that of their finding."""
        return replace(self, rows=_with(self.rows, {int(row): decision for row in rows}))

    def as_json(self) -> dict[str, Any]:
        """As decisions.json has it."""
        told = {
            name: {str(key): _plain(one) for key, one in sorted(getattr(self, name).items())}
            for name in ("findings", "rows")
        }
        return {"format": 1, "by": self.by, **({"of": self.of} if self.of else {}), **told}


def _with(held: Mapping[int, Decision], new: Mapping[int, Decision | None]) -> dict[int, Decision]:
    return {key: one for key, one in {**held, **new}.items() if one is not None}


def _plain(decision: Decision) -> dict[str, Any]:
    return {"do": decision.do} | ({} if decision.to is None else {"to": decision.to})


def proposed(summary: Mapping[str, Any]) -> Decisions:
    """What the findings themselves propose; of a class most of which looks poisoned nothing is removed. Raises InputError."""
    found = {}
    try:
        for finding in summary["findings"]:
            found[_whole(finding["finding"])] = Decision(proposal_of(finding))
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError):
        raise InputError("summary.json is damaged: it needs 'findings', with what each proposes") from None
    return Decisions(found, by="proposed")


def proposal_of(finding: Mapping[str, Any]) -> str:
    """What one finding proposes: to keep the rows of a class most of which looks poisoned, for nothing there says which half is clean."""
    return "keep" if finding["kind"] == "poison" and not finding.get("removable", True) else str(finding["proposed"])


def read_decisions(case: CaseFolder) -> Decisions:
    """What was decided so far; nothing where there is no file yet. Raises InputError for a damaged one."""
    return decisions_from(case.read_object(DECISIONS)) if case.file(DECISIONS).is_file() else Decisions()


def write_decisions(case: CaseFolder, decisions: Decisions) -> None:
    """Raises OSError where the folder cannot be written, and InputError for a damaged audit."""
    case.write_json(DECISIONS, numbered(case, decisions).as_json())


def numbered(case: CaseFolder, decisions: Decisions) -> Decisions:
    """Decisions on this audit, with what its findings are told by; that is read from the disk the first time alone."""
    return replace(decisions, of=decisions.of or findings_of(case))


def findings_of(case: CaseFolder) -> str:
    """What tells the findings of an audit from those of another: which rows are in which, of how many. Raises InputError."""
    found = case.load_findings()[["row", "finding", "kind"]].to_csv(index=False, lineterminator="\n")
    return f"{len(case.load_rows())} rows, {hashlib.sha256(found.encode()).hexdigest()[:16]}"


def decisions_for(case: CaseFolder, values: Any, name: str) -> Decisions:
    """Of a decisions.json of that name, somebody else's, to be taken for this audit: it names findings by their numbers alone.
    Raises InputError where it was made on other findings, or names one that is not there."""
    found = decisions_from(values, name)
    if found.of and found.of != findings_of(case):
        raise InputError(f"{name} was made on other findings than those of {case.id}; give decisions on this audit")
    numbers = {int(number) for number in case.load_findings()["finding"]}
    if strange := sorted(set(found.findings) - numbers):
        raise InputError(f"{name} decides on finding {strange[0]}, and {case.id} has none of that number")
    return found


def decisions_from(values: Any, name: str = DECISIONS) -> Decisions:
    """Of a decisions.json, ours or somebody else's, of that name. Raises InputError."""
    try:
        if len(values["rows"]) > MOST:
            raise InputError(f"{name} holds more than {MOST:,} rows")
        found = {
            name: {_whole(key): _decision(one) for key, one in values[name].items()} for name in ("findings", "rows")
        }
        return Decisions(
            found["findings"], found["rows"], str(values.get("by", ""))[:200], str(values.get("of", ""))[:200]
        )
    except InputError:
        raise
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError):
        raise InputError(f"{name} is damaged: it needs 'findings' and 'rows' with a decision each") from None


def _decision(value: Mapping[str, Any]) -> Decision:
    if value["do"] not in DOS:
        raise InputError(f"'{str(value['do'])[:40]}' is no decision; there are {', '.join(DOS)}")
    return Decision(value["do"], None if value.get("to") is None else _label(value["to"]))


def _label(value: Any) -> int:
    """Raises ValueError or its like for what is no label: a whole number, of a class."""
    number = int(value)
    if not -LARGEST <= number < LARGEST or number != float(value) or number == UNLABELLED:
        raise ValueError
    return number


def _whole(value: Any) -> int:
    """Raises ValueError or its like for what is no whole number from 0 that 64 bits hold."""
    number = int(value)
    if not 0 <= number < LARGEST or number != float(value):
        raise ValueError
    return number


def resolve(case: CaseFolder, decisions: Decisions) -> pd.DataFrame:
    """One line for each row of a finding or with a decision of its own, by row: row, file, label, kind, finding, score,
    nearest_label, do ("" where nothing is decided), to (-1: none). Raises InputError.
    """
    return resolve_among(case.load_rows(), case.load_findings(), decisions)


def resolve_among(table: pd.DataFrame, findings: pd.DataFrame, decisions: Decisions) -> pd.DataFrame:
    """The same for whoever holds rows.parquet and findings.csv already."""
    if len(findings) and not (findings["row"].min() >= 0 and findings["row"].max() < len(table)):
        raise InputError(f"findings.csv names rows beyond the {len(table):,} of the audit")
    found = findings.drop_duplicates("row")[["row", "kind", "finding", "score", "nearest_label"]]
    found = found.astype(
        {"row": np.int64, "finding": np.int64, "nearest_label": np.float64}
    )  # without lines they have no type
    extra = np.setdiff1d(np.fromiter(decisions.rows, np.int64, len(decisions.rows)), found["row"].to_numpy())
    if len(extra) and not (extra.min() >= 0 and extra.max() < len(table)):
        strange = int(extra.min() if extra.min() < 0 else extra.max())
        raise InputError(f"row {strange} is decided on, and the audit has rows 0 to {len(table) - 1}")
    more = pd.DataFrame({"row": extra, "kind": "", "finding": 0, "score": np.nan, "nearest_label": np.nan})
    frame = pd.concat([found, more] if len(extra) else [found], ignore_index=True).sort_values("row", ignore_index=True)
    own = frame["row"].map(decisions.rows)
    shared = frame["finding"].map(decisions.findings)
    settled = own.where(own.notna(), shared)
    nearest = frame["nearest_label"].fillna(-1).astype(np.int64)
    frame["do"] = [one.do if isinstance(one, Decision) else "" for one in settled]
    frame["to"] = [_target(one, near) for one, near in zip(settled, nearest.tolist(), strict=True)]
    frame["nearest_label"] = nearest
    frame["label"] = table["label"].to_numpy()[frame["row"].to_numpy()]
    frame["file"] = table["file"].to_numpy()[frame["row"].to_numpy()]
    # a row whose new label is not known cannot be relabelled, nor one that has it already
    idle = (frame["do"] == "relabel") & ((frame["to"] == UNLABELLED) | (frame["to"] == frame["label"]))
    frame.loc[idle, ["do", "to"]] = ["keep", -1]
    return frame[["row", "file", "label", "kind", "finding", "score", "nearest_label", "do", "to"]]


def _target(decision: Any, nearest: int) -> int:
    if not isinstance(decision, Decision) or decision.do != "relabel":
        return -1
    return nearest if decision.to is None else decision.to
