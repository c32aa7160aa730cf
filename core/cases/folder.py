"""Audits on disk: everything an audit leaves behind, in plain files. No pickle anywhere, and no torch here.

config.json      everything needed to repeat it
status.json      state, stage, progress, heartbeat
log.txt          what happened, for people
data.json        what was read, and what it can carry
rows.parquet     one row for each row of the table: row, label (-1: none), file, text (where there is a column of it)
images.npy       (n, h, w, c) uint8, the same rows as pictures of at most 96 pixels a side, where there are any; of an
                 exported audit images.webp, all on one sheet, with images.json, which says their shape
model.safetensors, metrics.jsonl   of the model that was trained here; train.checkpoint until that is finished
look-<i>/        one folder for each layer, see `core.cases.looks`
findings.csv, classes.csv, removed.npy, summary.json   of the first look, as `scan` writes them, and what the others say of it
decisions.json   what was decided, see `core.cases.decisions`
report.html, report.pdf
result.json      which stages are finished, and what the report says of the making
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from core.foundation.errors import InputError
from core.foundation.sheets import unpack
from core.runs import JobFolder, Jobs

if TYPE_CHECKING:
    import pandas as pd

SHEET, SHAPE = "images.webp", "images.json"
NUMBERS = ("label", "score", "nearest_label")  # of findings.csv, beside its rows
SIDE = 96  # pixels of the longer side of a picture that is kept


class CaseFolder(JobFolder):
    """One audit on disk."""

    @property
    def result(self) -> dict[str, Any]:
        """What is finished; empty before the first stage is."""
        return self.read_object("result.json") if self.file("result.json").exists() else {}

    def read_object(self, name: str) -> dict[str, Any]:
        """What a JSON file of the audit holds, by name. Raises InputError for any that is damaged, or is no such object."""
        found = self.read_json(name)
        if not isinstance(found, dict):
            raise InputError(f"{self.id}: {name} is damaged (it is not a JSON object)")
        return found

    @property
    def summary(self) -> dict[str, Any]:
        """The verdict. Raises InputError before there is one."""
        return self.read_object("summary.json")

    def load_rows(self) -> pd.DataFrame:
        """rows.parquet. Raises InputError."""
        return self._table("rows.parquet")

    def load_findings(self, folder: str = "") -> pd.DataFrame:
        """findings.csv, of the whole or of one look. Raises InputError."""
        import pandas as pd

        try:
            found = pd.read_csv(
                self.file(folder) / "findings.csv",
                keep_default_na=False,
                na_values={"nearest_label": [""], "label": [""]},
            )
            found = found.astype({"row": np.int64, "finding": np.int64})  # of no rows pandas cannot tell
            for name in NUMBERS:
                pd.to_numeric(found[name])
            if "kind" not in found:
                raise KeyError("kind")
            return found
        except (OSError, ValueError, KeyError, TypeError, OverflowError) as problem:
            raise InputError(f"{self.id}: findings.csv cannot be read ({problem})") from None

    def images(self) -> np.ndarray | None:
        """Pictures of all rows (n, h, w, c) uint8, on disk until they are used; None where there are none. Raises InputError."""
        if self.file("images.npy").exists():
            return self.load_array("images.npy", mapped=True)
        if not self.file(SHEET).exists():
            return None
        n, *shape = self._shape()
        try:
            return unpack(self.file(SHEET).read_bytes(), n, (shape[0], shape[1], shape[2]))
        except OSError as problem:
            raise InputError(f"{self.id}: {SHEET} cannot be read ({problem.strerror})") from None

    def _shape(self) -> list[int]:
        shape = self.read_object(SHAPE).get("shape")
        if not (
            isinstance(shape, list) and len(shape) == 4 and all(isinstance(side, int) and side > 0 for side in shape)
        ):
            raise InputError(f"{self.id}: {SHAPE} is damaged")
        return shape

    def _table(self, name: str) -> pd.DataFrame:
        import pandas as pd

        try:
            return pd.read_parquet(self.file(name))
        except (OSError, ValueError) as problem:
            reason = str(problem).splitlines()[0]
            raise InputError(f"{self.id}: {name} cannot be read ({reason})") from None


class Cases(Jobs[CaseFolder]):
    """All audits under one folder."""

    kind, work, option, folder = "audit", "audit-work", "--audits-dir", CaseFolder

    def create(self, config: Mapping[str, Any], name: str, estimate: Mapping[str, Any] | None = None) -> CaseFolder:
        """A new folder, queued. config: as JSON values. name: what it begins with; characters that cannot stand in an id go."""
        plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower()).strip("-")[:40].strip("-")
        return self.make(plain or "audit", config, estimate)
