"""Parquet and Arrow files of strangers: their schema, and their columns batch by batch, each checked before it is used.

Arrow trusts what a file says of itself: an offset that points beyond its values ends the process that follows it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from core.foundation.errors import InputError

ROWS = 512  # that are read at a time
MOST_ROWS = 10_000_000
ARROW = (".arrow", ".feather")


@cache
def arrow_damage() -> tuple[type[Exception], ...]:
    """What Arrow, and Python in its hands, raise for bytes that make no sense."""
    import pyarrow as pa

    return (OSError, ValueError, LookupError, TypeError, NotImplementedError, OverflowError, SystemError, MemoryError, pa.ArrowException)  # fmt: skip


def first_group(file: Any, columns: list[str] | None = None) -> Any:
    """What a parquet file (pyarrow's ParquetFile) tells of its first row group that has rows, None where none has.

    columns: those that are asked about, all where none are named. Arrow ends the process where what a column tells of itself
    makes no sense and is asked for, and raises OSError where the column is read: so one row of it is read first.
    """
    groups = (file.metadata.row_group(number) for number in range(file.num_row_groups))
    number, group = next(((i, group) for i, group in enumerate(groups) if group.num_rows > 0), (0, None))
    if group is not None:
        next(file.iter_batches(1, row_groups=[number], columns=columns), None)
    return group


class TableFile(ABC):
    """One file. All that is asked of it raises InputError with one line that names it."""

    kind: str
    schema: Any
    rows: int

    def __init__(self, file: Path) -> None:
        self.file = file
        with self.sound():
            self._begin()
            for field in self.schema:  # a name can be damaged too
                str(field.name)
        if not 0 <= self.rows <= MOST_ROWS:
            raise InputError(f"{file.name} says that it has {self.rows:,} rows; at most {MOST_ROWS:,} are read")

    @abstractmethod
    def _begin(self) -> None:
        """Open the file; sets the schema and the number of rows."""

    @abstractmethod
    def _records(self, name: str) -> Iterator[Any]:
        """Arrays of a column, ROWS at a time, whatever they hold."""

    def batches(self, name: str) -> Iterator[Any]:
        """Arrays of a column, ROWS at a time, together as many as there are rows."""
        n = 0
        with self.sound():
            for array in self._records(name):
                array.validate(full=True)
                n += len(array)
                yield array
            if n != self.rows:
                raise ValueError(f"{n:,} rows of '{name}', where it says {self.rows:,}")

    @contextmanager
    def sound(self) -> Iterator[None]:
        """Around what is done with the values of the file: damage becomes the one line."""
        try:
            yield
        except InputError:
            raise
        except arrow_damage() as problem:
            reason = (str(problem).strip().splitlines() or [type(problem).__name__])[0].rstrip(".")
            raise InputError(
                f"{self.file.name} is not a readable {self.kind} file ({reason}); fetch or write it again"
            ) from None


class ParquetFile(TableFile):
    """A parquet file."""

    kind = "parquet"

    def _begin(self) -> None:
        import pyarrow.parquet as pq

        self._file = pq.ParquetFile(self.file)
        self.schema = self._file.schema_arrow
        self.rows = self._file.metadata.num_rows

    def _records(self, name: str) -> Iterator[Any]:
        for batch in self._file.iter_batches(ROWS, columns=[name]):
            yield batch.column(0)


class ArrowFile(TableFile):
    """A file of `save_to_disk`: Arrow's stream; or of Arrow's file format (feather)."""

    kind = "Arrow"

    def _begin(self) -> None:
        import pyarrow as pa

        source = pa.memory_map(str(self.file))
        try:
            self._table = pa.ipc.open_file(source).read_all()
        except pa.ArrowInvalid:
            source.seek(0)
            self._table = pa.ipc.open_stream(source).read_all()
        self.schema = self._table.schema
        self.rows = self._table.num_rows

    def _records(self, name: str) -> Iterator[Any]:
        for chunk in self._table.column(name).chunks:
            chunk.validate(full=True)  # whole: pieces of it would hide what lies between them
            for start in range(0, len(chunk), ROWS):
                yield chunk.slice(start, ROWS)


def open_table(file: Path) -> TableFile:
    """By its name. Raises InputError."""
    try:
        empty = file.stat().st_size == 0
    except OSError as problem:
        raise InputError(f"{file.name} cannot be read ({problem.strerror})") from None
    if empty:
        raise InputError(f"{file.name} is empty (0 bytes), so it is no parquet file; fetch or write it again")
    return (ArrowFile if file.suffix.lower() in ARROW else ParquetFile)(file)
