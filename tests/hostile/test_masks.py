"""Door: masks of other tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.audit.masks import read_mask
from tests.core.audit.readers.makers import hdf5, npz, parquet
from tests.hostile.cases import Trap, link, npy, refused, saved, zipped

N = 24
MASK = np.arange(N) < 3

REFUSED: dict[str, tuple[str, Callable[[Path], Any], tuple[str, ...]]] = {
    "nothing": ("m.npy", lambda p: None, ("there is no mask",)),
    "0 bytes": ("m.npy", lambda p: p.touch(), ("is empty (0 bytes)",)),
    "one row too few": ("m.npy", lambda p: np.save(p, MASK[1:]), ("(23,)", "24 rows")),
    "a table": ("m.npy", lambda p: np.save(p, np.zeros((N, N))), ("one truth value a row",)),
    "a promise of more": ("m.npy", lambda p: p.write_bytes(npy(f"({2**45},)", "'|b1'")), ("m.npy",)),
    "numbers beyond 0 and 1": ("m.npy", lambda p: np.save(p, np.arange(N)), ("truth values, or 0 and 1",)),
    "NaN": ("m.npy", lambda p: np.save(p, np.where(MASK, np.nan, 0)), ("truth values, or 0 and 1",)),
    "infinities": ("m.npy", lambda p: np.save(p, np.where(MASK, np.inf, 0)), ("truth values, or 0 and 1",)),
    "complex numbers": ("m.npy", lambda p: np.save(p, MASK.astype(complex)), ("truth values",)),
    "words": ("m.npy", lambda p: np.save(p, np.where(MASK, "yes", "no")), ("truth values",)),
    "dates": ("m.npy", lambda p: np.save(p, np.zeros(N, "M8[s]")), ("truth values",)),
    "a trap": ("m.npy", lambda p: p.write_bytes(saved(np.array([Trap(p.with_name("sprung"))] * N))), ("never loaded",)),
    "a trap in an archive": ("m.npz", lambda p: zipped(p, {"m.npy": saved(np.array([Trap(p.with_name("sprung"))] * N))}), ("never loaded",)),
    "two arrays": ("m.npz", lambda p: npz(p, a=MASK, b=MASK), ("2 columns or arrays",)),
    "two columns": ("m.csv", lambda p: p.write_text("a,b\n" + "1,0\n" * N), ("2 columns or arrays",)),
    "lines of anything": ("m.txt", lambda p: p.write_text("perhaps\n" * N), ("truth values",)),
    "numbers without end": ("m.txt", lambda p: p.write_text(f"{'9' * 5000}\n" * N), ("m.txt",)),
    "empty cells": ("m.parquet", lambda p: parquet(p, {"m": [None] * N}), ()),
    "lists": ("m.parquet", lambda p: parquet(p, {"m": [[1, 0]] * N}), ("one truth value a row",)),
    "a group": ("m.h5", lambda p: hdf5(p, {"a/b": MASK, "c": MASK}), ("2 columns or arrays",)),
    "a link to itself": ("m.npy", lambda p: link(p, "m.npy"), ("m.npy",)),
    "a folder": ("m.npy", lambda p: p.mkdir(), ("there is no mask",)),
}  # fmt: skip


@pytest.mark.parametrize(("name", "write", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_mask_is_refused(name: str, write: Callable[[Path], Any], words: tuple[str, ...], tmp_path: Path) -> None:
    write(tmp_path / name)
    refused(lambda: read_mask(tmp_path / name, N), *words)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("kind", [">f8", ">i4", "<f2", "?"])
def test_a_mask_of_any_kind_of_number_is_read(kind: str, tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", MASK.astype(kind))
    assert (read_mask(tmp_path / "m.npy", N) == MASK).all()
