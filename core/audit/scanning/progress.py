"""What a scan has finished so far, so that one that was stopped can go on."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from core.audit.assumed import Assumed
from core.audit.labels import Labels
from core.audit.scanning.classes import CAP, MIN_ROWS, ClassResult, Task
from core.audit.table import Mapped, Remote, take
from core.foundation.files import replacing

SAMPLED_ROWS = 64  # of the features go into the fingerprint: all of 10 GB would take as long as the scan's reading


def fingerprint(
    features: Mapped | Remote | np.ndarray,
    labels: Labels,
    poisons: Assumed,
    stamp: Sequence[int | str] | None = None,
) -> dict[str, Any]:
    """What the results of a scan depend on, as JSON values: all labels, a sample of the features, the file's stamp.

    stamp: of the files that the features come from, where they are held in another place while the scan goes on.
    """
    n, d = features.shape
    rows = np.unique(np.linspace(0, n - 1, SAMPLED_ROWS).astype(np.int64))
    sample = take(features, rows)
    if stamp is None and isinstance(features, Mapped):
        about = features.path.stat()
        stamp = [about.st_size, about.st_mtime_ns]
    unlabelled = b"" if labels.labelled.all() else labels.labelled.tobytes()
    return {
        "format": 4,
        "shape": [n, d],
        "dtype": features.dtype.str,
        "sample": hashlib.sha256(np.ascontiguousarray(sample).tobytes()).hexdigest(),
        "stamp": list(stamp or []),
        "labels": hashlib.sha256(labels.numbers.tobytes() + unlabelled).hexdigest(),
        "poisons": poisons.as_json(),
        "cap": CAP,
        "min_rows": MIN_ROWS,
    }


class Progress:
    """A file with the fingerprint in its first line and one finished class in each other."""

    def __init__(self, path: Path, header: dict[str, Any], tasks: Sequence[Task]) -> None:
        self.path, self.header = path, header
        self.started_anew = False  # there was a file, but of other inputs
        self.finished = self._read({task.label: task for task in tasks})
        self._begun = False
        self._made_folder = False

    def append(self, result: ClassResult) -> None:
        """Note a finished class; on disk before this returns."""
        self.finished[result.label] = result
        if not self._begun:
            self._begin()
            return
        with self.path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(result)) + "\n")

    def remove(self) -> None:
        """Forget it all: the scan is finished, or its input turned out to be unusable."""
        self.path.unlink(missing_ok=True)
        if self._made_folder:
            with contextlib.suppress(OSError):  # holds other files
                self.path.parent.rmdir()

    def _begin(self) -> None:
        """Write the file whole, which also drops what an earlier process left half-written."""
        self._made_folder = not self.path.parent.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(self.header), *(json.dumps(asdict(result)) for result in self.finished.values())]
        with replacing(self.path) as aside:
            aside.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._begun = True

    def _read(self, tasks: dict[int, Task]) -> dict[int, ClassResult]:
        try:
            header, *lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except (OSError, ValueError):  # not there, or empty
            return {}
        if _parsed(header) != self.header:
            self.started_anew = True
            return {}
        results = [_result(_parsed(line), tasks) for line in lines]
        return {result.label: result for result in results if result is not None}


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _result(values: Any, tasks: dict[int, Task]) -> ClassResult | None:
    """A line's class, or None for a line that is damaged: that class is fitted again."""
    try:
        result = ClassResult(**values)
        task = tasks[result.label]
        same = result.n == task.total and (task.automatic or result.poisons == task.poisons)
        fits = same and np.isin(result.removed, task.rows).all()
        return result if fits else None
    except (TypeError, KeyError):
        return None
