"""Labels as people keep them: numbers from anywhere, words, truth values, one-hot rows, some of them missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.datasets.base import natural_key
from core.foundation.errors import InputError
from core.foundation.labels import UNLABELLED

MAX_CLASSES = 10_000
_LISTED = 10  # class names that a message or a note gives


@dataclass(frozen=True)
class Classes:
    """The classes that occur, and the class of every row."""

    numbers: tuple[
        np.ndarray, ...
    ]  # for each array of labels (n,) int64: positions in `names`, UNLABELLED where there is none
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def classes_of(labels: Mapping[str, np.ndarray], names: Sequence[str] | None = None) -> Classes:
    """Number the classes of one set, the same way in all of its parts.

    labels: for each part, by what a message calls it, (n,) or (n, 1) whole numbers, words or truth values, or one-hot rows
    (n, c). Missing are -1 (where there is more than one other class), NaN, None, and empty words. names: of
    the classes 0, 1, ...; where labels are words, their order. Classes without a single row are left out, with a note.
    Raises InputError for whatever does not say one class a row.
    """
    flat = {part: _flat(part, values) for part, values in labels.items()}
    kinds = {values.dtype.kind for values in flat.values()}
    if kinds & set("US"):
        if len(kinds) > 1:
            part = next(part for part, values in flat.items() if values.dtype.kind not in "US")
            raise InputError(f"'{part}' holds numbers where other labels are words; use one of the two")
        return _of_words(flat, names)
    if kinds == {"b"} and names is None:
        names = ("False", "True")
    return _of_numbers({part: _whole(part, values) for part, values in flat.items()}, names)


def _flat(part: str, values: np.ndarray) -> np.ndarray:
    """(n,) words as str, truth values or numbers."""
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2:
        values = _of_one_hot(part, values)
    if values.ndim != 1:
        raise InputError(f"'{part}' must be (n,), (n, 1) or one-hot rows, not {values.shape}")
    if not len(values):
        raise InputError(f"'{part}' is empty")
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "O":
        return _of_objects(part, values)
    if values.dtype.kind not in "biufU":
        raise InputError(f"'{part}' must hold whole numbers or class names, not {values.dtype}")
    return values


def _of_one_hot(part: str, rows: np.ndarray) -> np.ndarray:
    """(n,) int64 of rows with one 1; UNLABELLED where there is none."""
    if rows.dtype.kind not in "biuf" or not np.isin(rows, (0, 1)).all():
        raise InputError(
            f"'{part}' is {rows.shape}; labels are one number or word a row, or one-hot rows: "
            "make numbers of shares with argmax(axis=1)"
        )
    ones = rows.sum(1)
    if (several := np.flatnonzero(ones > 1)).size:
        raise InputError(
            f"'{part}' gives several classes to a row (row {several[0]} has {int(ones[several[0]])}): "
            "multi-label sets are not supported, for a backdoor has one target; keep one class a row"
        )
    return np.where(ones == 1, rows.argmax(1), UNLABELLED)


def _of_objects(part: str, values: np.ndarray) -> np.ndarray:
    """Python's values, as tables give them, as one array of words or numbers."""
    missing = np.array([value is None or value != value for value in values])
    there = values[~missing]
    if all(isinstance(value, str) for value in there):
        return np.where(missing, "", values).astype(str)
    if all(isinstance(value, bool | np.bool_) for value in there) and not missing.any():
        return values.astype(bool)
    if all(isinstance(value, int | float | np.number) for value in there):
        return np.where(missing, np.nan, values).astype(np.float64)
    raise InputError(
        f"'{part}' mixes {' and '.join(sorted({type(value).__name__ for value in there}))}; use one of them"
    )


def _whole(part: str, values: np.ndarray) -> np.ndarray:
    """(n,) int64; UNLABELLED where a value is not a number."""
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), UNLABELLED, values)
    with np.errstate(invalid="ignore"):
        numbers = values.astype(np.int64)
    if (odd := np.flatnonzero(numbers != values)).size:
        raise InputError(f"'{part}' has {values[odd[0]]} in row {odd[0]}; labels must be whole numbers")
    if (odd := np.flatnonzero(numbers < UNLABELLED)).size:
        raise InputError(f"'{part}' has {numbers[odd[0]]} in row {odd[0]}; labels must not be negative")
    return numbers


def _of_numbers(numbers: dict[str, np.ndarray], names: Sequence[str] | None) -> Classes:
    found = np.unique(np.concatenate(list(numbers.values())))
    real = found[found != UNLABELLED]
    if names is None and len(real) == 1 and len(found) == 2:
        real = found  # -1 and one other number are the two sides of a yes or no
    if len(real) > MAX_CLASSES:
        raise InputError(f"{len(real):,} different labels; at most {MAX_CLASSES:,} classes can be told apart")
    if names is not None and len(real) and real[-1] >= len(names):
        raise InputError(f"there are labels up to {real[-1]}, counted from 0, but only {len(names)} class names")
    words = tuple(str(names[i] if names is not None else i) for i in real)
    placed = tuple(np.where(np.isin(part, real), np.searchsorted(real, part), UNLABELLED) for part in numbers.values())
    return Classes(
        placed, words, _unused([str(name) for i, name in enumerate(names or ()) if i not in set(real)], names)
    )


def _of_words(words: dict[str, np.ndarray], names: Sequence[str] | None) -> Classes:
    found = {str(word) for values in words.values() for word in np.unique(values)} - {""}
    if len(found) > MAX_CLASSES:
        raise InputError(f"{len(found):,} different labels; at most {MAX_CLASSES:,} classes can be told apart")
    if names is not None and (strange := sorted(found - set(names))):
        raise InputError(f"the label '{strange[0]}' is none of the class names {', '.join(names[:_LISTED])}")
    ordered = [name for name in names if name in found] if names is not None else sorted(found, key=natural_key)
    number = {name: i for i, name in enumerate(ordered)}
    placed = tuple(np.array([number.get(str(w), UNLABELLED) for w in values], np.int64) for values in words.values())
    return Classes(placed, tuple(ordered), _unused([name for name in names or () if name not in found], names))


def _unused(unused: list[str], names: Sequence[str] | None) -> tuple[str, ...]:
    if not unused or names is None:
        return ()
    more = ", ..." if len(unused) > _LISTED else ""
    return (
        f"{len(unused):,} of {len(names):,} named classes have no image and are left out: {', '.join(unused[:_LISTED])}{more}.",
    )
