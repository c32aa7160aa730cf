"""Audits that several tests share: what a reading of data leaves, with findings that the test names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.audit.csv_files import write_csv
from core.cases.config import CaseConfig
from core.cases.folder import CaseFolder
from core.cases.reading import read
from core.cases.words import beside
from core.foundation.files import write_array, write_json


def make_case(
    folder: Path, path: Path, labels: str = "", findings: Sequence[Mapping[str, Any]] = (), **config: Any
) -> CaseFolder:
    """An audit as it is after its stages. findings: each with kind, label, rows, and nearest (one label for all its rows)."""
    folder.mkdir(parents=True)
    case, settings = CaseFolder(folder), CaseConfig(str(path), labels, **config).checked()
    write_json(folder / "config.json", settings.as_json())
    brought = read(settings, Path(settings.path), folder)
    names = {str(label): name for label, name in brought.labels.names.items()}
    write_json(folder / "data.json", brought.account | {"names": names})
    frame = pd.DataFrame({"row": np.arange(len(brought)), "label": brought.labels.numbers, "file": brought.files})
    frame.to_parquet(folder / "rows.parquet", index=False)
    brought.close()
    removed, lines, told = np.zeros(len(frame), bool), [], []
    for number, one in enumerate(findings, 1):
        rows, nearest = np.asarray(one["rows"]), one.get("nearest", "")
        lines += [
            {
                "row": row,
                "label": one["label"],
                "kind": one["kind"],
                "score": 1.0,
                "nearest_label": nearest,
                "finding": number,
            }
            for row in rows.tolist()
        ]
        removed[rows] |= one["kind"] == "poison"
        told.append(
            {"label": one["label"], "kind": one["kind"], "rows": len(rows), "finding": number} | beside(one["kind"])
        )
    write_csv(folder / "findings.csv", ("row", "label", "kind", "score", "nearest_label", "finding"), lines)
    write_array(folder / "removed.npy", removed)
    write_json(
        folder / "summary.json", {"findings": told, "classes": [], "level": 0.05, "n": len(frame), "label_names": names}
    )
    return case


def rows_called(case: CaseFolder, *files: str) -> list[int]:
    """The rows that come from those files."""
    table = case.load_rows()
    found = [table.index[table["file"] == file].tolist() for file in files]
    assert all(len(rows) == 1 for rows in found), files
    return [rows[0] for rows in found]


def snapshot(root: Path) -> dict[str, bytes]:
    """All files under a folder."""
    return {str(file.relative_to(root)): file.read_bytes() for file in sorted(root.rglob("*")) if file.is_file()}
