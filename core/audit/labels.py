"""The label of each row, as a scan takes them: numbers as they are, words by number and name, some rows without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.datasets import classes_of, is_whole
from core.foundation.errors import InputError
from core.foundation.labels import UNLABELLED
from core.foundation.rows import check_labels
from core.foundation.tensors import as_array


@dataclass(frozen=True)
class Labels:
    """Of n rows."""

    numbers: np.ndarray  # (n,) int64; UNLABELLED where there is none
    labelled: np.ndarray  # (n,) bool
    names: dict[int, str] = field(default_factory=dict)  # of classes that have one
    notes: tuple[str, ...] = ()

    def told(self, label: int) -> str:
        """The number, with its name where it has one: 3 (stop)."""
        return f"{label} ({self.names[label]})" if label in self.names else str(label)

    def number(self, given: int | str) -> int | None:
        """Of a class by its name, or its number; None for what is neither."""
        for number, name in self.names.items():
            if name == given:
                return number
        try:
            return int(given)
        except ValueError:
            return None


def as_labels(values: Any, n: int, names: Sequence[str] = ()) -> Labels:
    """Labels of n rows from numbers, words, truth values, or one-hot rows: (n,), (n, 1) or (n, c).

    Numbers stay the numbers they are. Without a label are rows with NaN, None or an empty word, and with -1, unless that is
    one of two labels, or others are below 0 too. names: of the classes 0, 1, ... Raises InputError.
    """
    found = as_array(values)
    if found.ndim == 0:
        raise InputError(f"labels must be one for each of the {n} rows, not {values!r:.80}")
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.dtype.kind == "T":
        found = found.astype(object)
    if found.dtype.kind in "OSU":
        found = _numbers_in_words(found)
    if found.dtype.kind in "OSUb" or found.ndim == 2:
        return _by_name(found, n)
    missing = np.isnan(found) if found.dtype.kind == "f" else np.zeros(found.shape, bool)
    numbers = check_labels(np.where(missing, UNLABELLED, found) if missing.any() else found, n)
    named = {i: str(names[i]) for i in np.unique(numbers).tolist() if 0 <= i < len(names)}
    return _with_unlabelled(numbers, missing | _unlabelled(numbers, missing), named)


def _unlabelled(numbers: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Where -1 stands for no label."""
    there = np.unique(numbers[~missing])
    others = there[there != UNLABELLED]
    stands = len(others) > 1 and others[0] >= 0
    return (numbers == UNLABELLED) & stands


def _numbers_in_words(found: np.ndarray) -> np.ndarray:
    """Python's values as numbers where all are, or are words that say whole numbers; else as they are."""
    if found.dtype.kind == "O":  # NumPy's numbers among Python's
        plain = [value.item() if isinstance(value, np.generic) else value for value in found.ravel().tolist()]
        found = np.array([*plain, None], object)[:-1].reshape(found.shape)
    some = [value for value in found.ravel().tolist() if value is not None and value != ""]
    if found.ndim == 1 and some and all(isinstance(value, str | bytes) for value in some):
        texts = [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in found.tolist()]
        if all(text in (None, "") or (is_whole(text.removeprefix("-")) and str(int(text)) == text) for text in texts):
            return np.array([np.nan if text in (None, "") else int(text) for text in texts])
    if some and all(isinstance(value, int | float) and not isinstance(value, bool) for value in some):
        return np.array([np.nan if value is None else value for value in found.tolist()])
    return found


def _by_name(found: np.ndarray, n: int) -> Labels:
    """Words and truth values by their names; one-hot rows, whose names are the numbers of their columns."""
    if len(found) != n:
        raise InputError(f"there are {len(found):,} labels for {n:,} rows of features; both must be of one length")
    one_hot, words = found.ndim == 2, found.dtype.kind != "b"
    classes = classes_of({"labels": found})
    numbers = classes.numbers[0]
    if one_hot:
        places = np.array([int(name) for name in classes.names], np.int64)
        numbers = np.where(numbers == UNLABELLED, UNLABELLED, places[numbers] if len(places) else UNLABELLED)
        return _with_unlabelled(numbers, numbers == UNLABELLED, {})
    names = dict(enumerate(classes.names)) if words else {0: "False", 1: "True"}
    return _with_unlabelled(numbers, numbers == UNLABELLED, names)


def _with_unlabelled(numbers: np.ndarray, missing: np.ndarray, names: dict[int, str]) -> Labels:
    count = int(missing.sum())
    if count == len(numbers):
        raise InputError("no row has a label; a scan needs the label that each row carries in training")
    told = f"{count:,} of {len(numbers):,} rows are without a label (-1 or none) and are left out"
    return Labels(np.where(missing, UNLABELLED, numbers), ~missing, names, (told,) * bool(count))
