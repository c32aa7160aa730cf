"""CSV and its kin: a table of numbers with or without a line of names, read block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.audit.readers.base import COUNTED, Column, Source
from core.audit.readers.dialect import NUMBERS, Dialect, number, sniff
from core.datasets import arrow_damage
from core.foundation.errors import InputError

BLOCK = 2**24  # bytes that are read at once; a line must fit into one


class Text(Source):
    """A text file with a line for each row."""

    form = "csv"
    suffixes: ClassVar = (".csv", ".tsv", ".txt")
    tabular = True

    def __init__(self, path: Path) -> None:
        from core.audit.readers import columnar

        super().__init__(path)
        self._arrow, self._damage = columnar, arrow_damage()
        self._dialect: Dialect = sniff(path)
        self.notes += self._dialect.notes
        types = {NUMBERS: np.dtype(np.float64), COUNTED: np.dtype(np.float64)}
        self._columns = [
            Column(name, None, (), types.get(kind, columnar.WORDS), kind, COUNTED if kind == COUNTED else "")
            for name, kind in zip(self._dialect.names, self._dialect.kinds, strict=True)
        ]

    @property
    def columns(self) -> list[Column]:
        """One for each name in the first line, or for each place."""
        return self._columns

    def damaged(self, problem: BaseException) -> InputError:
        if "UTF8" in str(problem):
            return InputError(f"{self.path.name} is no text in UTF-8; save it as that (in a spreadsheet: CSV UTF-8)")
        return super().damaged(problem)

    def _records(self, names: Sequence[str], kind: Any) -> Iterator[Any]:
        from pyarrow import csv

        dialect = self._dialect
        try:
            with csv.open_csv(
                self.path,
                csv.ReadOptions(
                    use_threads=False, block_size=BLOCK, skip_rows=dialect.skipped, column_names=list(dialect.names)
                ),
                csv.ParseOptions(delimiter=dialect.delimiter),
                csv.ConvertOptions(
                    column_types=dict.fromkeys(names, kind), include_columns=list(names), strings_can_be_null=True,
                    decimal_point=dialect.decimal, null_values=["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"],
                ),
            ) as reader:  # fmt: skip
                yield from reader
        except InputError:
            raise
        except self._damage as problem:
            raise self.damaged(problem) from None

    def batches(self, names: Sequence[str]) -> Iterator[np.ndarray]:
        import pyarrow as pa

        first = 0
        for record in self._records(names, pa.float64()):
            if len(record):
                yield self._arrow.side_by_side(record, names, first, self.path.name)
            first += len(record)

    def values(self, name: str) -> np.ndarray:
        """Numbers where all cells are, else words; None where a cell is empty."""
        import pyarrow as pa

        self.column(name)
        cells = [cell for record in self._records([name], pa.string()) for cell in record.column(name).to_pylist()]
        decimal = self._dialect.decimal
        if all(cell is None or number(cell, decimal) is not None for cell in cells):
            found = [None if cell is None else number(cell, decimal) for cell in cells]
            return np.array([*found, "-"], object)[:-1]
        return np.array([*(cell and cell.strip() for cell in cells), None], object)[:-1]
