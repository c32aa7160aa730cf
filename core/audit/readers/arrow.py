"""Arrow: `.arrow`, `.feather` and `.ipc`, as files or as streams (Hugging Face's `save_to_disk` writes streams)."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.audit.readers.base import Column, Source, rows_at_once
from core.datasets import arrow_damage, class_names
from core.foundation.errors import InputError

FILE = b"ARROW1"
OLD_FEATHER = b"FEA1"


class Arrow(Source):
    """An Arrow file or stream; a file that is not compressed is mapped, so that only what is looked at is in memory."""

    form = "arrow"
    suffixes: ClassVar = (".arrow", ".feather", ".ipc", ".arrows")
    magic: ClassVar = (FILE, OLD_FEATHER)
    tabular = True

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        from core.audit.readers import columnar

        super().__init__(path)
        self._pa, self._arrow = pa, columnar
        self._damage = arrow_damage()
        with path.open("rb") as file:
            magic = file.read(len(FILE))
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if magic.startswith(OLD_FEATHER):
            raise InputError(f"{path.name} is of the first version of feather; write it anew, as version 2 or parquet")
        self._is_file = magic == FILE
        try:
            with self._open() as reader:
                self._schema = reader.schema
            self._columns = columnar.columns_of(self._schema, None)
        except self._damage as problem:
            raise self.damaged(problem) from None

    def _open(self, fields: Sequence[int] = ()) -> Any:
        """A reader of those fields, of all where none are given."""
        source, options = self._pa.py_buffer(self._map), self._pa.ipc.IpcReadOptions(included_fields=list(fields))
        begin = self._pa.ipc.open_file if self._is_file else self._pa.ipc.open_stream
        return begin(source, options=options)

    @property
    def columns(self) -> list[Column]:
        """One for each field."""
        return self._columns

    def _records(self, names: Sequence[str]) -> Iterator[Any]:
        """The record batches with those columns only, their offsets checked: Arrow trusts what a file says of itself."""
        try:
            with self._open([self._schema.get_field_index(name) for name in names]) as reader:
                many = map(reader.get_batch, range(reader.num_record_batches)) if self._is_file else iter(reader)
                for record in many:
                    batch = record.select(list(names))
                    batch.validate(full=True)
                    yield batch
        except InputError:
            raise
        except self._damage as problem:
            raise self.damaged(problem) from None

    def batches(self, names: Sequence[str]) -> Iterator[np.ndarray]:
        first = 0
        for record in self._records(names):
            start, step = 0, 256  # few rows, until their length is known
            while start < len(record):
                rows = self._arrow.side_by_side(record.slice(start, step), names, first + start, self.path.name)
                start, step = start + len(rows), rows_at_once(rows.shape[1])
                yield np.array(rows)
                _let_go(self._map)
            first += len(record)

    def values(self, name: str) -> np.ndarray:
        self.column(name)
        kind = self._schema.field(name).type
        chunks = self._arrow.bounded((record.column(name) for record in self._records([name])), name, self.path.name)
        return self._arrow.values_of(chunks, kind, f"'{name}' of {self.path.name}")

    def class_names(self, name: str) -> tuple[str, ...]:
        return class_names(self._schema.metadata or {}, name)


def _let_go(pages: mmap.mmap) -> None:
    """Give back what was read of a map, which else stays in memory as long as the map does; it is read again where needed."""
    if hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)
