"""The scored rows of a run as a list for people and their spreadsheets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.foundation.csv_cells import guarded_table
from core.foundation.files import replacing

if TYPE_CHECKING:
    import pandas as pd

LIST = "scores.csv"
FIRST = ("id", "source")


def write_list(path: Path, scores: pd.DataFrame) -> None:
    """The columns of scores.parquet as CSV, `id` and `source` first; no cell of it is a formula.

    source: the file or the row of a table, in the user's own data; of other data there is no such column.
    """
    order = [name for name in FIRST if name in scores] + [name for name in scores if name not in FIRST]
    with replacing(path) as aside:
        guarded_table(scores[order]).to_csv(aside, index=False, encoding="utf-8", lineterminator="\n")
