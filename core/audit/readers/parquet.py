"""Parquet: a column of vectors (lists, tensors), or a column for each feature. Read batch by batch, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from core.audit.readers.base import Column, Source, rows_at_once
from core.datasets import arrow_damage, class_names, first_group
from core.foundation.errors import InputError

PAGES = 2**20  # bytes of a column that are read ahead; without it the whole column of a row group is


class Parquet(Source):
    """A parquet file."""

    form = "parquet"
    suffixes: ClassVar = (".parquet", ".pq", ".parq")
    magic: ClassVar = (b"PAR1",)
    tabular = True

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        from core.audit.readers import columnar

        super().__init__(path)
        self._arrow, self._damage = columnar, arrow_damage()
        try:
            self._file = pq.ParquetFile(path, buffer_size=PAGES, pre_buffer=False)
            self._schema = self._file.schema_arrow
            self._columns = columnar.columns_of(self._schema, self._file.metadata.num_rows)
        except self._damage as problem:
            raise self.damaged(problem) from None

    @property
    def columns(self) -> list[Column]:
        """One for each field."""
        return self._columns

    def batches(self, names: Sequence[str]) -> Iterator[np.ndarray]:
        first = 0
        try:
            for batch in self._file.iter_batches(self._step(names), columns=list(names)):
                yield self._arrow.side_by_side(batch, names, first, self.path.name)
                first += len(batch)
        except InputError:
            raise
        except self._damage as problem:
            raise self.damaged(problem) from None

    def _step(self, names: Sequence[str]) -> int:
        """Rows of a batch."""
        if len(names) > 1:
            return rows_at_once(len(names))
        shape = self.column(names[0]).shape
        if None not in shape:
            return rows_at_once(int(np.prod([side or 1 for side in shape])))
        paths = [self._file.schema.column(i).path for i in range(self._file.metadata.num_columns)]
        at = [i for i, path in enumerate(paths) if path.startswith(f"{names[0]}.")]
        group = first_group(self._file, [names[0]])
        if group is None or not at:
            return rows_at_once(1)
        return rows_at_once(group.column(at[0]).num_values // group.num_rows)  # of a list the number of all values

    def values(self, name: str) -> np.ndarray:
        self.column(name)
        try:
            batches = self._file.iter_batches(self._step([name]), columns=[name])
            chunks = self._arrow.bounded((batch.column(name) for batch in batches), name, self.path.name)
            return self._arrow.values_of(chunks, self._schema.field(name).type, f"'{name}' of {self.path.name}")
        except InputError:
            raise
        except self._damage as problem:
            raise self.damaged(problem) from None

    def class_names(self, name: str) -> tuple[str, ...]:
        return class_names(self._schema.metadata or {}, name)

    def close(self) -> None:
        self._file.close()
