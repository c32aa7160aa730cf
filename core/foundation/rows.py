"""Tables of rows from outside: features and labels as arrays that can be computed with, or one line that says what to mend."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from scipy.sparse import issparse
from torch import Tensor

from core.foundation.errors import InputError
from core.foundation.tensors import as_array

LARGEST = 1e100  # squares and fourth moments of larger values overflow


class NotNumbersError(InputError, TypeError):
    """Objects that are no numbers where numbers are due."""


def as_tensor(rows: np.ndarray, device: torch.device) -> Tensor:
    """Checked rows on a device; on the CPU without a copy where they are contiguous."""
    with warnings.catch_warnings():
        # A memory-mapped file is read-only, and nothing here writes into its input.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(rows)).to(device)


def check_features(features: Any, n_poisons: int, at_least: int = 2) -> np.ndarray:
    """The features as an (n, d) float array, or an InputError that says what to mend. Tensors may have gradients."""
    rows = _number_table(features)
    n, d = rows.shape
    if d < 1:
        raise InputError(
            f"features have {n} row(s) and {d} column(s); 0 feature(s) (shape=({n}, 0)) while a minimum of 1 is required."
        )
    if n < at_least:
        raise InputError(
            f"features have {n} row(s) and {d} column(s) (n_samples = {n}); "
            f"at least {at_least} rows and 1 column are needed"
        )
    if rows.dtype not in (np.float32, np.float64):
        rows = rows.astype(np.float64 if rows.dtype.itemsize > 2 else np.float32)
    bad = non_finite_rows(rows)
    if len(bad):
        raise InputError(
            f"row {bad[0]} has a value that is not finite (NaN or inf; {len(bad)} such row(s)); drop or mend them"
        )
    if rows.dtype == np.float64 and (largest := float(np.abs(rows).max())) > LARGEST:
        raise InputError(f"a value of size {largest:.0e} is too large to be squared; scale the features down")
    if n_poisons < 0:
        raise InputError(f"{n_poisons} poisons: the count cannot be negative")
    if n_poisons > n / 2:
        raise InputError(f"{n_poisons} poisons are more than half of the {n} rows; give at most {n // 2}")
    return rows


def non_finite_rows(rows: np.ndarray) -> np.ndarray:
    """Numbers of the rows that hold NaN or infinity. One pass without a mask; a closer look only where that fails."""
    with np.errstate(invalid="ignore", over="ignore"):
        total = rows.sum(dtype=np.float64)
    return np.empty(0, np.int64) if np.isfinite(total) else np.flatnonzero(~np.isfinite(rows).all(1))


def check_labels(labels: Any, n: int, *, who: str = "this defense", classes: int = 1) -> np.ndarray:
    """The label of each of n rows as (n,) int64, or an InputError. Whole numbers in floating point are accepted.

    who: asks for the labels; classes: how many must occur.
    """
    if labels is None:
        raise InputError(f"{who} requires y to be passed, but the target y is None; give the label of every row")
    found = as_array(labels)
    if found.dtype.kind not in "fiu":
        kind = {"b": "true or false", "U": "words", "S": "words"}.get(found.dtype.kind, str(found.dtype))
        # scikit-learn looks for its own words
        raise InputError(f"Unknown label type: labels must be whole numbers, not {kind}")
    if found.ndim != 1:
        raise InputError(f"labels must be one number for each of the {n} rows, of shape ({n},), not {found.shape}")
    if len(found) != n:
        raise InputError(f"there are {len(found)} labels for {n} rows of features; both must be of one length")
    wrong = np.flatnonzero(~_whole(found))
    if len(wrong):
        label, row, limit = found[wrong[0]], wrong[0], "2**53" if found.dtype.kind == "f" else "2**63"
        raise InputError(f"label {label} of row {row} is not a whole number below {limit} in size")
    if len(np.unique(found)) < classes:
        raise InputError(f"labels hold 1 class; the rows of at least {classes} classes are needed")
    return found.astype(np.int64)


def _whole(numbers: np.ndarray) -> np.ndarray:
    """Which numbers (n,) are whole, as somebody wrote them, and fit into int64: (n,) bool."""
    if numbers.dtype.kind == "f":
        return (np.abs(numbers) < 2**53) & (
            np.trunc(numbers) == numbers
        )  # beyond, a float is another number than written
    return numbers <= np.iinfo(np.int64).max if numbers.dtype.kind == "u" else np.ones(len(numbers), bool)


def _number_table(features: Any) -> np.ndarray:
    """An array of two dimensions whose dtype is a number's."""
    if issparse(features):
        raise InputError("sparse features are not supported; make them dense with X.toarray()")
    rows = as_array(features)
    if rows.ndim != 2:
        raise InputError(
            f"features must be a table of shape (rows, features), not {rows.shape}. Reshape your data to two dimensions"
        )
    if rows.dtype.kind == "c":
        raise InputError(f"Complex data not supported: features must be numbers, not {rows.dtype}")
    if rows.dtype.kind == "O":
        try:
            return rows.astype(np.float64)
        except (TypeError, ValueError) as problem:
            raise NotNumbersError(f"features must be numbers, not {rows.dtype}: {problem}") from None
    if rows.dtype.kind not in "fiu":
        raise InputError(f"features must be numbers, not {rows.dtype}")
    return rows
