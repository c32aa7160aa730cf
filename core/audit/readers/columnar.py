"""What parquet, Arrow and CSV share: columns of Arrow's types as arrays of numbers, truth values and words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.types as kinds

from core.audit.readers.base import Column
from core.foundation.errors import InputError

WORDS = np.dtype(object)
WHOLE_LIMIT = 2**31  # bytes of a column that is held whole: a few bytes of a file can stand for as many as they like


def columns_of(schema: pa.Schema, n: int | None) -> list[Column]:
    """A column for each field of a schema, with n rows. The index of a pandas table is set apart."""
    index = _pandas_index(schema)
    return [_column(field, n, field.name in index) for field in schema]


def _column(field: pa.Field, n: int | None, is_index: bool) -> Column:
    kind, shape = field.type, list[int | None]()
    while True:
        if isinstance(kind, pa.BaseExtensionType):
            kind = kind.storage_type
        elif kinds.is_dictionary(kind):
            kind = kind.value_type
        elif kinds.is_fixed_size_list(kind):
            shape, kind = [*shape, kind.list_size], kind.value_type
        elif _is_list(kind):
            shape, kind = [*shape, None], kind.value_type
        else:
            break
    apart = "the index of pandas" if is_index else ""
    return Column(field.name, n, tuple(shape), _dtype(kind), _about(field.type), apart)


def _about(kind: pa.DataType) -> str:
    text = str(kind)
    return text if len(text) <= 50 else f"{text[:47]}..."


def _is_list(kind: pa.DataType) -> bool:
    return kinds.is_list(kind) or kinds.is_large_list(kind)


def _dtype(kind: pa.DataType) -> np.dtype | None:
    """The type of its numbers in NumPy, `WORDS` for words, None for anything else."""
    if kinds.is_floating(kind) or kinds.is_integer(kind) or kinds.is_boolean(kind):
        return np.dtype(kind.to_pandas_dtype())
    if kinds.is_decimal(kind):
        return np.dtype(np.float64)
    return WORDS if kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind) else None


def _pandas_index(schema: pa.Schema) -> set[str]:
    """Columns that pandas wrote for the index of a table; a plain range is not written as a column."""
    try:
        found = json.loads((schema.metadata or {})[b"pandas"])["index_columns"]
        return {name for name in found if isinstance(name, str)}
    except (KeyError, TypeError, ValueError):
        return set()


def side_by_side(batch: pa.RecordBatch, names: Sequence[str], first: int, file: str) -> np.ndarray:
    """Rows (m, d) of one column of vectors, or of several columns of numbers. first: the number of its first row.

    Raises InputError that names the row of what is no vector, or of another length than the others.
    """
    if len(names) == 1 and _column(batch.schema.field(names[0]), None, False).shape:
        return _vectors(batch.column(names[0]), first, f"'{names[0]}' of {file}")
    return np.column_stack([_flat(batch.column(name)) for name in names])


def _vectors(array: pa.Array, first: int, where: str) -> np.ndarray:
    m, d = len(array), 1
    while True:
        if isinstance(array, pa.ExtensionArray):
            array = array.storage
        kind = array.type
        if not (kinds.is_fixed_size_list(kind) or _is_list(kind)):
            break
        if array.null_count:  # asked first: flatten() would leave out the rows that are empty
            row = int(np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False))[0]) // d
            raise InputError(f"row {first + row} of column {where} is empty; drop such rows")
        lengths = (
            np.full(len(array), kind.list_size) if kinds.is_fixed_size_list(kind) else np.diff(array.offsets.to_numpy())
        )
        if len(lengths) and (odd := np.flatnonzero(lengths != lengths[0])).size:
            raise InputError(
                f"row {first + int(odd[0]) // d} of column {where} has {lengths[odd[0]]} numbers where others have {lengths[0]}; "
                "all rows need the same number"
            )
        array, d = array.flatten(), d * (int(lengths[0]) if len(lengths) else 0)
    return _flat(array).reshape(m, d)


def _flat(array: pa.Array) -> np.ndarray:
    """Numbers (n,), NaN where there is none."""
    if isinstance(array, pa.DictionaryArray):
        array = array.dictionary_decode()
    if kinds.is_decimal(array.type) or (kinds.is_float16(array.type) and array.null_count):
        array = array.cast(pa.float64() if kinds.is_decimal(array.type) else pa.float32())
    return np.asarray(array.to_numpy(zero_copy_only=False))


def bounded(arrays: Iterable[pa.Array], name: str, file: str) -> list[pa.Array]:
    """The pieces of a column that is held whole. Raises InputError as soon as they take more than WHOLE_LIMIT."""
    held, size = [], 0
    for array in arrays:
        if (size := size + array.nbytes) > WHOLE_LIMIT:
            raise InputError(
                f"column '{name}' of {file} has more than {WHOLE_LIMIT / 2**30:g} GiB, too much for labels or names"
            )
        held.append(array)
    return held


def values_of(chunks: Sequence[pa.Array], kind: pa.DataType, where: str) -> np.ndarray:
    """A column of labels or names: (n,) numbers, truth values or Python objects, or (n, c) of lists of one length."""
    column = pa.chunked_array(chunks, kind)
    if isinstance(kind, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type)
        kind = kind.storage_type
    if kinds.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if _is_list(kind) or kinds.is_fixed_size_list(kind):
        parts = [_vectors(chunk, 0, where) for chunk in column.chunks if len(chunk)]
        return np.concatenate(parts) if parts else np.empty((0, 1))
    dtype = _dtype(kind)
    if dtype is None:
        raise InputError(f"column {where} holds {kind}, which is neither numbers nor words")
    if dtype == WORDS or column.null_count:
        return np.array([*column.to_pylist(), None], object)[:-1]  # with one more, so that no array of arrays is made
    return np.asarray(column.to_numpy())
