"""Tables of images and labels in parquet and Arrow files, a column or a few rows at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets.columns import CLASS, IMAGE, MULTI, OTHER, PATH, Column
from core.datasets.picture import Source, suffixes
from core.datasets.table_files import open_table
from core.foundation.errors import InputError

MOST_BYTES = 2**28  # of a column that is held whole: a few bytes of a file can stand for as many as they like
_CELL = ("bytes", "path")  # the fields of an image as Hugging Face keeps it


class TooLarge(InputError):
    """A column has more than MOST_BYTES."""


class Table:
    """The rows of some files with the same columns, one after the other."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = files
        opened = [open_table(file) for file in files]
        self._readers = opened
        self.starts = np.cumsum([0, *(reader.rows for reader in opened)])
        schema = opened[0].schema
        if any(reader.schema.remove_metadata() != schema.remove_metadata() for reader in opened):
            raise InputError(f"{files[0].name} and the files beside it differ in their columns")
        self.schema = schema
        self.features = _features(schema.metadata or {})

    def __len__(self) -> int:
        return int(self.starts[-1])

    def place(self, row: int) -> str:
        """The file and the row in it."""
        part = int(np.searchsorted(self.starts, row, side="right")) - 1
        return f"{self.files[part].name}, row {row - self.starts[part]}"

    def columns(self) -> list[Column]:
        """What each column holds; those that can be labels with their values."""
        with self._readers[0].sound():
            return [self._column(field) for field in self.schema]

    def column(self, name: str) -> Column | None:
        """What the column of this name holds, if there is one."""
        index = self.schema.get_field_index(name)
        with self._readers[0].sound():
            return self._column(self.schema.field(index)) if index >= 0 else None

    def cells(self, column: str, root: Path) -> Iterator[Source]:
        """The encoded image of every row, or its file where the table has names alone, or why there is neither.

        root: the folder that named files must lie in.
        """
        numbers = _numbers_of(self.schema.field(column).type)
        for file, reader in zip(self.files, self._readers, strict=True):
            with reader.sound():
                for cells in reader.batches(column):
                    for cell in cells.to_pylist():
                        yield _encoded(cell, file.parent, root) if numbers is None else _array(cell, numbers)

    def class_names(self, column: str) -> tuple[str, ...] | None:
        """The names of the classes 0, 1, ... that the metadata gives."""
        return _class_names(self.features.get(column, {})) or None

    def _column(self, field: Any) -> Column:
        import pyarrow.types as kinds

        told, kind = self.features.get(field.name, {}), field.type
        if kinds.is_dictionary(kind):
            kind = kind.value_type
        if told.get("_type") == "Image" or _is_cell(kind) or kinds.is_binary(kind) or kinds.is_large_binary(kind):
            return Column(field.name, IMAGE, told.get("_type") == "Image")
        described = told.get("_type") == "ClassLabel"
        if kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_boolean(kind) or _is_number(kind):
            try:
                values = self._values(field.name)
            except TooLarge:  # texts, perhaps, which are no labels
                return Column(field.name, OTHER)
            return Column(field.name, PATH if _are_files(values) else CLASS, described, values)
        if _numbers_of(kind) is not None:
            return Column(field.name, IMAGE, str(told.get("_type")).startswith("Array"))
        if kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind):
            return self._listed(field.name, kind, "ClassLabel" in json.dumps(told))
        return Column(field.name, OTHER)

    def _listed(self, name: str, kind: Any, described: bool) -> Column:
        """A column of lists: one-hot rows, several labels a row, or something else, such as features."""
        import pyarrow.types as kinds

        inner = kind.value_type
        if not (kinds.is_integer(inner) or kinds.is_boolean(inner) or kinds.is_string(inner)):
            return Column(name, OTHER)
        try:
            lists = self._values(name)
        except TooLarge:
            return Column(name, OTHER)
        lengths = {-1 if cell is None else len(cell) for cell in lists}
        if len(lengths) != 1 or kinds.is_string(inner) or lengths == {0}:
            return Column(name, MULTI, described)
        rows = np.stack([np.asarray(cell) for cell in lists])
        single = rows.shape[1] == 1 or (np.isin(rows, (0, 1)).all() and (rows.sum(1) <= 1).all())
        return Column(name, CLASS if single else MULTI, described, rows)

    def _values(self, name: str) -> np.ndarray:
        """(n,) in NumPy's terms; dictionary-encoded words as words, and None or NaN where a value is missing. Raises TooLarge."""
        import pyarrow as pa

        chunks, size = [], 0
        for reader in self._readers:
            for chunk in reader.batches(name):
                if (size := size + chunk.nbytes) > MOST_BYTES:
                    raise TooLarge(f"column '{name}' has more than {MOST_BYTES / 2**20:g} MiB")
                chunks.append(chunk)
        whole = pa.chunked_array(chunks, self.schema.field(name).type)
        if pa.types.is_dictionary(whole.type):
            whole = whole.cast(whole.type.value_type)
        values: np.ndarray = whole.to_numpy()
        return values


def _features(metadata: dict[bytes, bytes]) -> dict[str, dict[str, Any]]:
    """What Hugging Face says of the columns, if it does."""
    try:
        found = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {str(name): told for name, told in found.items() if isinstance(told, dict)}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def _numbers_of(kind: Any) -> np.dtype | None:
    """The type of the numbers in lists of lists, as images are kept whose files are gone; None for any other column."""
    import pyarrow.types as kinds

    depth = 0
    kind = kind.storage_type if hasattr(kind, "storage_type") else kind
    while kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind):
        kind, depth = kind.value_type, depth + 1
    return np.dtype(kind.to_pandas_dtype()) if depth in (2, 3) and _is_number(kind) else None


def _array(cell: Any, numbers: np.dtype) -> np.ndarray | str:
    try:
        return np.array(cell, numbers)
    except (ValueError, TypeError):
        return "its rows differ in length, or a number is missing"


def class_names(metadata: dict[bytes, bytes], column: str) -> tuple[str, ...]:
    """The names of the classes 0, 1, ... that Hugging Face's description of a column gives, if it does."""
    return _class_names(_features(metadata).get(column, {}))


def _class_names(described: dict[str, Any]) -> tuple[str, ...]:
    names = described.get("names")
    if isinstance(names, dict):  # as older versions write them
        names = [names.get(str(i)) for i in range(len(names))]
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _is_cell(kind: Any) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_struct(kind)) and any(kind.field(i).name in _CELL for i in range(kind.num_fields))


def _is_number(kind: Any) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_integer(kind) or kinds.is_floating(kind))


def _are_files(values: np.ndarray) -> bool:
    words = [value for value in values[:100] if isinstance(value, str)]
    return bool(words) and all(Path(word).suffix.lower() in suffixes() for word in words)


def _encoded(cell: Any, beside: Path, root: Path) -> bytes | Path | str:
    """The bytes of an image, its file, or in words why there is neither."""
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    if isinstance(data, bytes):
        return data
    name = cell.get("path") if isinstance(cell, dict) else cell
    if not isinstance(name, str) or not name:
        return b""
    inside = [file for file in (beside / name, root / name) if file.resolve().is_relative_to(root.resolve())]
    if not inside:
        return f"its file {name} lies outside the folder of the set"
    return next((file for file in inside if file.is_file()), f"its file {name} is not there")
