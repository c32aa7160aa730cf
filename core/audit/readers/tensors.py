"""`.safetensors`: tensors by name, mapped; bfloat16 is read piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from safetensors import SafetensorError, safe_open

from core.audit.readers.base import Column, Source, check_size, squeezed
from core.audit.readers.npy import in_batches
from core.foundation.errors import InputError

TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "BOOL": "?"}
TYPES |= {"U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BF16": "bfloat16"}


class Safetensors(Source):
    """A file of tensors. The library checks the header, names, shapes and places against the size of the file."""

    form = "safetensors"
    suffixes: ClassVar = (".safetensors",)

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            with safe_open(path, framework="np") as file:
                slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
                self._about = {name: (tuple(s.get_shape()), s.get_dtype()) for name, s in slices.items()}
            self._begin, self._header = _header(path)
        except (OSError, ValueError, SafetensorError) as problem:
            raise self.damaged(problem) from None

    @property
    def columns(self) -> list[Column]:
        """One for each tensor."""
        return [_column(name, shape, kind) for name, (shape, kind) in self._about.items()]

    def _map(self, name: str) -> np.ndarray:
        self.column(name)
        shape, kind = self._about[name]
        if kind not in TYPES:
            raise InputError(f"tensor '{name}' of {self.path.name} is {kind}, which is not read; save it as float32")
        if kind == "BF16":
            from ml_dtypes import bfloat16

            dtype = np.dtype(bfloat16)
        else:
            dtype = np.dtype(TYPES[kind])
        check_size(int(np.prod(shape, dtype=object)), 1, dtype.itemsize, f"tensor '{name}' of {self.path.name}")
        at = self._begin + self._header[name]["data_offsets"][0]
        shape = squeezed(shape)
        return np.memmap(self.path, dtype, "r", at, shape) if 0 not in shape else np.empty(shape, dtype)

    def batches(self, names: Sequence[str]) -> Iterator[np.ndarray]:
        yield from in_batches(lambda: self._map(names[0]))

    def values(self, name: str) -> np.ndarray:
        found = self._map(name)
        return np.array(found) if self._about[name][1] != "BF16" else found.astype(np.float32)

    def mapped(self, name: str) -> np.ndarray | None:
        return None if self._about[name][1] == "BF16" else self._map(name)


def _header(path: Path) -> tuple[int, dict[str, Any]]:
    """Where the numbers begin, and the header; after the library has found it sound."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        return 8 + length, json.loads(file.read(length))


def _column(name: str, shape: tuple[int, ...], kind: str) -> Column:
    n, each = (shape[0], squeezed(shape)[1:]) if shape else (None, ())
    dtype = np.dtype(np.float32) if kind == "BF16" else np.dtype(TYPES[kind]) if kind in TYPES else None
    return Column(name, n, each, dtype, kind)
