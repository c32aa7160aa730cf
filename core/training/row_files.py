"""What belongs to the rows of features, as files beside them.

labels.npy   (n,) int64
files.csv    for each row: file, where its image came from, or its number where that is not known; and class, the name of its
             label. A word that a spreadsheet would compute has a quote in front, which the readers of tables take away
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from core.foundation.csv_cells import guarded
from core.foundation.files import replacing, write_array


def write_rows(out: Path, labels: np.ndarray, names: Sequence[str], sources: np.ndarray | None) -> None:
    """Write the files above into the folder `out`. labels: (n,), 0..len(names)-1. sources: (n,) str, None where not known."""
    write_array(out / "labels.npy", labels.astype(np.int64))
    places: Iterable[object] = range(len(labels)) if sources is None else sources.tolist()
    with replacing(out / "files.csv") as aside, aside.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("file", "class"))
        lines.writerows(
            (guarded(place), guarded(names[label])) for place, label in zip(places, labels.tolist(), strict=True)
        )
