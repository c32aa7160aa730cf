"""Parquet and Arrow written anew, a row group or a batch at a time: types, metadata, compression and groups as they were."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.cases.cleaned.changes import Edit
from core.datasets import first_group
from core.foundation.errors import InputError

ARROW = (".arrow", ".feather", ".ipc", ".arrows")
_SCHEMA = b"ARROW:schema"  # where Arrow keeps its own types in parquet
_FRAMES = {b"\x04\x22\x4d\x18": "lz4", b"\x28\xb5\x2f\xfd": "zstd"}  # how compressed buffers begin


def rewrite(files: Sequence[Path], targets: Sequence[Path], columns: Sequence[str], edit: Edit) -> None:
    """The rows that stay of some files that are one table. columns: of the labels. Raises InputError."""
    import pyarrow as pa

    try:
        raw = {name: written(files, name, edit.examples) for name in columns}
        start = 0
        for source, target in zip(files, targets, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            stop = start + rows_of(source)
            (_rewrite_arrow if _is_arrow(source) else _rewrite_parquet)(source, target, raw, *edit.part(start, stop))
            start = stop
    except (pa.ArrowException, NotImplementedError, OSError) as problem:
        if getattr(problem, "errno", None) is not None:  # of the disk, not of what is in the file
            raise
        raise InputError(f"{files[0].name} cannot be written anew ({str(problem).splitlines()[0]})") from None


def rows_of(file: Path) -> int:
    """How many rows a file has."""
    import pyarrow.parquet as pq

    if _is_arrow(file):
        with _opened(file) as reader:
            return sum(len(batch) for batch in _batches(reader))
    return int(pq.read_metadata(file).num_rows)


def written(files: Sequence[Path], column: str, examples: Mapping[int, int]) -> dict[int, Any]:
    """How labels are written in a column, as Python's values, by the rows that have them."""
    found, start = {}, 0
    for file in files:
        values = _column(file, column)
        for label, row in examples.items():
            if start <= row < start + len(values):
                found[label] = values[row - start].as_py()
        start += len(values)
    return found


def _column(file: Path, name: str) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not _is_arrow(file):
        return pq.ParquetFile(file).read(columns=[name]).column(name)
    with _opened(file) as reader:
        chunks = [batch.column(name) for batch in _batches(reader)]
        return pa.chunked_array(chunks, reader.schema.field(name).type)


def _rewrite_parquet(
    source: Path, target: Path, raw: Mapping[str, Mapping[int, Any]], keep: np.ndarray, to: np.ndarray
) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetFile(source) as file:
        told = dict(file.metadata.metadata or {})
        schema = file.schema_arrow.with_metadata(
            _shortened({k: v for k, v in told.items() if k != _SCHEMA}, int(keep.sum()))
        )
        with pq.ParquetWriter(target, schema, store_schema=_SCHEMA in told, **_options(file)) as writer:
            start, empty = 0, True
            for group in range(file.num_row_groups):
                table = file.read_row_group(group)
                stop = start + len(table)
                table = changed(table, raw, keep[start:stop], to[start:stop]).replace_schema_metadata(schema.metadata)
                if len(table):
                    writer.write_table(table, row_group_size=len(table))
                    empty = False
                start = stop
            if empty:
                writer.write_table(schema.empty_table())


def _options(file: Any) -> dict[str, Any]:
    """How a parquet file was written, as options of the writer."""
    group = first_group(file)
    if group is None:
        return {}
    columns = [group.column(i) for i in range(group.num_columns)]
    codecs = {one.path_in_schema: "NONE" if one.compression == "UNCOMPRESSED" else one.compression for one in columns}
    version = file.metadata.format_version
    return {
        "compression": codecs,
        "use_dictionary": [one.path_in_schema for one in columns if one.has_dictionary_page],
        "write_statistics": [one.path_in_schema for one in columns if one.is_stats_set],
        "version": version if version in ("1.0", "2.4", "2.6") else "2.6",
    }


def _shortened(metadata: dict[bytes, bytes], rows: int) -> dict[bytes, bytes]:
    """With the range that pandas counts the rows by, if there is one, as long as there are rows now."""
    try:
        told = json.loads(metadata[b"pandas"])
        for one in told["index_columns"]:
            if isinstance(one, dict) and one.get("kind") == "range":
                one["stop"] = one["start"] + rows * one["step"]
        return metadata | {b"pandas": json.dumps(told).encode()}
    except (KeyError, TypeError, ValueError):
        return metadata


def _rewrite_arrow(
    source: Path, target: Path, raw: Mapping[str, Mapping[int, Any]], keep: np.ndarray, to: np.ndarray
) -> None:
    import pyarrow as pa

    with _opened(source) as reader:
        is_file = hasattr(reader, "num_record_batches")
        schema = reader.schema.with_metadata(_shortened(dict(reader.schema.metadata or {}), int(keep.sum())))
        options = pa.ipc.IpcWriteOptions(compression=_compression(source, is_file), unify_dictionaries=is_file)
        with (pa.ipc.new_file if is_file else pa.ipc.new_stream)(str(target), schema, options=options) as writer:
            start = 0
            for batch in _batches(reader):
                stop = start + len(batch)
                table = pa.Table.from_batches([batch])
                table = changed(table, raw, keep[start:stop], to[start:stop]).replace_schema_metadata(schema.metadata)
                if len(table):
                    writer.write_table(table)
                start = stop


def changed(table: Any, raw: Mapping[str, Mapping[int, Any]], keep: np.ndarray, to: np.ndarray) -> Any:
    """A table with the rows that stay. raw: for each column of labels how each is written. keep, to: (rows,)."""
    import pyarrow as pa

    for name, values in raw.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), _relabelled(table.column(at), values, to))
    return table if keep.all() else table.filter(pa.array(keep))


def _relabelled(column: Any, raw: Mapping[int, Any], to: np.ndarray) -> Any:
    import pyarrow as pa

    rows = np.flatnonzero(to >= 0)
    if not len(rows):
        return column
    kind, labels = column.type, sorted(raw)
    dictionary = pa.types.is_dictionary(kind)
    given = column.cast(kind.value_type) if dictionary else column
    taken = np.arange(len(column))
    taken[rows] = len(column) + np.searchsorted(labels, to[rows])
    values = pa.array([raw[label] for label in labels], given.type)
    made = pa.chunked_array([*given.chunks, values], given.type).take(pa.array(taken)).combine_chunks()
    made = pa.concat_arrays(made.chunks) if isinstance(made, pa.ChunkedArray) else made
    return pa.chunked_array([_coded(made, column, values) if dictionary else made], kind)


def _coded(values: Any, before: Any, added: Any) -> Any:
    """Words as a dictionary of the same type, the words that were there first in their order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = before.type
    words = pc.unique(pa.concat_arrays([*(chunk.dictionary for chunk in before.chunks), added]))
    codes = pc.index_in(values, words).cast(kind.index_type)
    return pa.DictionaryArray.from_arrays(codes, words, ordered=kind.ordered)


def _is_arrow(file: Path) -> bool:
    return file.suffix.lower() in ARROW


def _opened(file: Path) -> Any:
    import pyarrow as pa

    source = pa.memory_map(str(file))
    try:
        return pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_stream(source)


def _batches(reader: Any) -> Iterator[Any]:
    many = getattr(reader, "num_record_batches", None)
    yield from reader if many is None else map(reader.get_batch, range(many))


def _compression(file: Path, is_file: bool) -> str | None:
    """Of the buffers of an Arrow file: the first that there are says it, by how it begins behind its length."""
    import pyarrow as pa

    source = pa.memory_map(str(file))
    source.seek(8 if is_file else 0)
    for message in pa.ipc.MessageReader.open_stream(source):
        if message.type == "record batch" and message.body is not None and message.body.size >= 12:
            return _FRAMES.get(message.body.slice(8, 4).to_pybytes())
    return None
