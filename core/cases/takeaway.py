"""What is taken away from an audit: who goes, who is relabelled, and the masks that say so.

decisions.csv   one line for each row of a finding, or with a decision: row, file, label, name, kind, finding, decision, new_label, new_name
removed.npy     (n,) bool over all rows, True = decided to be removed
delete.txt      the files to delete, one a line; row numbers where files have no names
relabel.csv     file, row, label, new_label, and the names of both
decisions.json  the same for this program
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.audit.csv_files import write_csv
from core.cases.decisions import DECISIONS, Decisions, numbered, resolve
from core.cases.folder import CaseFolder
from core.foundation.errors import InputError
from core.foundation.files import replacing, write_array, write_json
from core.foundation.labels import UNLABELLED
from core.foundation.sources import full_source

COLUMNS = ("row", "file", "label", "name", "kind", "finding", "decision", "new_label", "new_name")
RELABEL = ("file", "row", "label", "new_label", "name", "new_name")


def decided(case: CaseFolder, decisions: Decisions) -> list[dict[str, Any]]:
    """The lines of decisions.csv."""
    return _lines(case, resolve(case, decisions))


def _lines(case: CaseFolder, frame: pd.DataFrame) -> list[dict[str, Any]]:
    names = case.read_object("data.json").get("names", {})
    return [
        {
            "row": one.row, "file": one.file, "label": one.label, "name": names.get(str(one.label), ""), "kind": one.kind,
            "finding": one.finding or "", "decision": one.do or "open",
            "new_label": "" if one.to == UNLABELLED else one.to, "new_name": names.get(str(one.to), ""),
        }
        for one in frame.itertuples()
    ]  # fmt: skip


def _listed(name: str) -> str:
    """One line of a list: a name of several would be several names for whoever deletes by it, so its breaks are boxes."""
    return name if len(name.splitlines()) < 2 else full_source(name)


def removed_mask(case: CaseFolder, frame: pd.DataFrame) -> np.ndarray:
    """(n,) bool, True = decided to be removed. frame: of `resolve`. Raises InputError."""
    found, rows = case.load_array("removed.npy", mapped=True), frame["row"][frame["do"] == "remove"].to_numpy()
    if found.ndim != 1 or (len(rows) and rows.max() >= len(found)):
        raise InputError(f"{case.id}: removed.npy has other rows than the audit; audit the data again")
    mask = np.zeros(len(found), bool)
    mask[rows] = True
    return mask


def write_lists(case: CaseFolder, decisions: Decisions, out: Path) -> dict[str, int]:
    """Write the files above into the folder `out`; returns how many rows are removed, relabelled, kept and open."""
    out.mkdir(parents=True, exist_ok=True)
    frame = resolve(case, decisions)
    lines = _lines(case, frame)
    write_csv(out / "decisions.csv", COLUMNS, lines)
    write_csv(out / "relabel.csv", RELABEL, [line for line in lines if line["decision"] == "relabel"])
    with replacing(out / "delete.txt") as aside:
        gone = [_listed(str(line["file"] or line["row"])) for line in lines if line["decision"] == "remove"]
        aside.write_text("".join(f"{name}\n" for name in gone), encoding="utf-8")
    write_array(out / "removed.npy", removed_mask(case, frame))
    write_json(out / DECISIONS, numbered(case, decisions).as_json())
    counts = {"remove": 0, "relabel": 0, "keep": 0, "open": 0}
    for line in lines:
        counts[line["decision"]] += 1
    return counts
