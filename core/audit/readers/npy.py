"""`.npy`: one array, mapped. bfloat16, which NumPy saves as bare pairs of bytes, is told by them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from core.audit.readers.base import Column, Source, check_size, rows_at_once, squeezed
from core.foundation.errors import InputError

MAGIC = b"\x93NUMPY"
PICKLED = "holds pickled objects, which are never loaded; save a plain number array with np.save"
ONLY = "array"  # what the one array is called, which has no name


class Npy(Source):
    """The array of a file that `numpy.save` wrote."""

    form = "npy"
    suffixes: ClassVar = (".npy",)
    magic: ClassVar = (MAGIC,)

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._array = self._opened()
        if is_bfloat16(self._array.dtype):
            self.notes.append("pairs of bytes without a type (|V2) are taken for bfloat16")

    def _opened(self) -> np.ndarray:
        """The map, anew."""
        array = load_array(self.path)
        array = as_bfloat16(array) if array.dtype == np.dtype("V2") else array
        shape = squeezed(array.shape)
        return array if array.shape == shape else array.reshape(shape)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The one array."""
        shape, dtype = self._array.shape, self._array.dtype
        n, each = (shape[0], shape[1:]) if shape else (None, ())
        return (Column(ONLY, n, each, np.dtype(np.float32) if is_bfloat16(dtype) else dtype, str(dtype)),)

    def batches(self, names: Sequence[str]) -> Iterator[np.ndarray]:
        yield from in_batches(self._opened)

    def values(self, name: str) -> np.ndarray:
        return np.array(self._array)

    def mapped(self, name: str) -> np.ndarray | None:
        return None if is_bfloat16(self._array.dtype) else self._array


def load_array(path: Path) -> np.ndarray:
    """The array of an .npy file, memory-mapped. Raises InputError; never unpickles."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise InputError(f"{path} is not a readable .npy file; save the array with np.save")
    try:
        with np.errstate(all="ignore"):
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as problem:  # noqa: BLE001 - a hostile header raises whatever it likes
        raise InputError(f"{path} {why_unreadable(problem)}") from None
    check_size(array.size, 1, array.itemsize, str(path))
    return array


def why_unreadable(problem: Exception) -> str:
    """What is wrong with a file that `numpy.load` refuses, to follow its name."""
    text = str(problem)
    if "pickle" in text or "object" in text.lower():
        return PICKLED
    return f"is not a readable .npy file ({text.splitlines()[0] if text else type(problem).__name__})"


def as_bfloat16(array: np.ndarray) -> np.ndarray:
    """Pairs of bytes as numbers, without a copy."""
    from ml_dtypes import bfloat16

    return array.view(bfloat16)


def is_bfloat16(dtype: np.dtype) -> bool:
    """Whether it is ml_dtypes' type, which NumPy counts among those without a meaning."""
    return dtype.name == "bfloat16"


def in_batches(opened: Callable[[], np.ndarray]) -> Iterator[np.ndarray]:
    """Rows (m, d) of a map, copied; bfloat16 as float32. The map is opened anew for each batch, since pages that were read
    stay in memory as long as it is open."""
    n, *each = opened().shape
    step = rows_at_once(math.prod(each))
    for first in range(0, n, step):
        rows = opened()[first : first + step]
        yield rows.astype(np.float32) if is_bfloat16(rows.dtype) else np.array(rows)
