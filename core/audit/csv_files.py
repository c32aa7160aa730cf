"""CSV files of an audit."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.foundation.csv_cells import guarded
from core.foundation.files import replacing
from core.foundation.labels import UNLABELLED

if TYPE_CHECKING:
    from core.audit.findings import Finding

FINDINGS = ("row", "label", "kind", "score", "nearest_label", "finding")


def write_csv(path: Path, columns: Sequence[str], records: Iterable[dict[str, Any]]) -> None:
    """One line for each record; its values of other columns are left out. Words that would be formulas are guarded."""
    table = io.StringIO()
    lines = csv.DictWriter(table, columns, extrasaction="ignore", lineterminator="\n")
    lines.writeheader()
    lines.writerows({name: guarded(value) for name, value in record.items()} for record in records)
    with replacing(path) as aside:
        aside.write_text(table.getvalue(), encoding="utf-8")


def write_findings(
    path: Path,
    findings: Sequence[Finding],
    *,
    labelled: bool = True,
    names: Mapping[int, str] | None = None,
    place: Callable[[int], str] | None = None,
) -> None:
    """One line for each row of each finding, which has a number; the label is empty where there is none.

    names: of labels; where there are any, each label has a column with its name. place: the file of a row; where it is known,
    it has a column.
    """
    columns = [*FINDINGS, *(("name", "nearest_name") if names else ()), *(("file",) if place else ())]
    write_csv(path, columns, _rows_of(findings, labelled, names or {}, place or str))


def _rows_of(
    findings: Sequence[Finding], labelled: bool, names: Mapping[int, str], place: Callable[[int], str]
) -> Iterator[dict[str, Any]]:
    for number, finding in enumerate(findings, 1):
        for row, score, nearest in zip(finding.rows, finding.scores, finding.nearest, strict=True):
            yield {
                "row": int(row),
                "label": finding.label if labelled else "",
                "kind": finding.kind,
                "score": f"{score:.5g}",
                "nearest_label": "" if nearest == UNLABELLED else int(nearest),
                "finding": number,
                "name": names.get(finding.label, ""),
                "nearest_name": names.get(int(nearest), ""),
                "file": place(int(row)),
            }
