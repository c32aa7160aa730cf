"""Door: labels, as files beside the features and as columns of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.audit.readers import check_given, read_features, read_labels
from tests.core.audit.readers.makers import hdf5, parquet, stream
from tests.hostile.cases import BROKEN, ESCAPE, FORMULA, MARKUP, ROWS, Trap, npy, refused, saved

N = len(ROWS)
COUNT = np.arange(N) % 2


def raw(data: bytes) -> Callable[[Path], Any]:
    return lambda path: path.write_bytes(data)


def lines(*words: str) -> Callable[[Path], Any]:
    return raw("\n".join(words).encode())


REFUSED: dict[str, tuple[str, Callable[[Path], Any], tuple[str, ...]]] = {
    "0 bytes": ("y.npy", raw(b""), ("is empty (0 bytes)",)),
    "too few": ("y.npy", raw(saved(COUNT[:-1])), ("has 39 labels", "40 rows")),
    "too many": ("y.npy", raw(saved(np.tile(COUNT, 9))), ("has 360 labels",)),
    "a promise of more": ("y.npy", raw(npy(f"({2**40},)", "'<i8'")), ("y.npy",)),
    "one number": ("y.npy", raw(saved(np.int64(3))), ()),
    "three sides": ("y.npy", raw(saved(np.zeros((N, 2, 2)))), ()),
    "halves": ("y.npy", raw(saved(COUNT + 0.5)), ("not a whole number",)),
    "infinities": ("y.npy", raw(saved(np.where(COUNT, np.inf, 0.0))), ()),
    "NaN alone": ("y.npy", raw(saved(np.full(N, np.nan))), ("no row has a label",)),
    "numbers beyond 64 bits": ("y.npy", raw(saved(np.where(COUNT, 1e300, 0.0))), ()),
    "dates": ("y.npy", raw(saved(np.zeros(N, "M8[s]"))), ()),
    "complex numbers": ("y.npy", raw(saved(COUNT.astype(complex))), ()),
    "shares for one-hot rows": ("y.npy", raw(saved(np.full((N, 2), 0.5))), ("argmax",)),
    "several classes a row": ("y.npy", raw(saved(np.ones((N, 2), int))), ("several classes",)),
    "a trap": ("y.npy", lambda p: p.write_bytes(saved(np.array([Trap(p.with_name("sprung"))] * N))), ("never loaded",)),
    "an array of records": ("y.npy", raw(npy(f"({N},)", "[('a', '<i4')]", bytes(4 * N))), ()),
    "two columns, none called so": ("y.csv", lines("a,b", *["1,2"] * N), ("several columns",)),
    "names with a gap": ("y.csv", lines("file,label", "x/0.png,1", *["nobody.png,1"] * (N - 1)), ("no label for 39 of 40 rows",)),
    "a name twice": ("y.csv", lines("file,label", *["x/0.png,1"] * N), ("y.csv",)),
    "a column of structures": ("y.parquet", lambda p: parquet(p, {"label": [{"a": 1}] * N}), ("neither numbers nor words",)),
    "lists of unlike lengths": ("y.parquet", lambda p: parquet(p, {"label": [[1]] * (N - 1) + [[1, 2]]}), ("row 39",)),
    "names of two lines": ("y.parquet", lambda p: parquet(p, {BROKEN: [1] * N, ESCAPE: [1] * N}), ("several columns",)),
    "a stream without a batch": ("y.arrow", lambda p: stream(p, {"label": pa.array([], pa.int64())}), ("0 labels",)),
    "a group in HDF5": ("y.h5", lambda p: hdf5(p, {"a/b": COUNT, "a/c": COUNT}), ("several columns",)),
}  # fmt: skip


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Rows that carry names, with a column that is none."""
    files = [f"x/{i}.png" for i in range(N)]
    return parquet(tmp_path / "x.parquet", {"e": list(ROWS), "file": files, "dated": pa.array([0] * N, pa.date32())})


def labels_of(table: Path, given: str | Path) -> Any:
    check_given(given, table)
    with read_features(table, labels=None if Path(str(given)).exists() else str(given)) as features:
        return read_labels(given, features)


@pytest.mark.parametrize(("name", "write", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_labels_are_refused(
    name: str, write: Callable[[Path], Any], words: tuple[str, ...], table: Path, tmp_path: Path
) -> None:
    write(tmp_path / name)
    refused(lambda: labels_of(table, tmp_path / name), *words)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("given", ["gone.npy", "dated", "../x", "a\0b", "l" * 5000, BROKEN, ESCAPE, ""])
def test_what_is_neither_file_nor_column_is_refused(given: str, table: Path) -> None:
    refused(lambda: labels_of(table, given))


WORDS = {
    "markup": (MARKUP, "b"),
    "formulas": (FORMULA, "+1"),
    "numbers too long for 64 bits": ("9" * 30, "8" * 30),
    "numbers too long for Python": ("9" * 5000, "8" * 5000),
    "figures of other scripts": ("٣", "٤"),
    "words and one number": ("1", "two"),
}


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS.keys())
def test_odd_words_are_classes_as_they_are(words: tuple[str, str], table: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", np.array(words)[COUNT])
    found = labels_of(table, tmp_path / "y.npy")
    assert [found.names[int(number)] for number in found.numbers] == [words[i] for i in COUNT]


@pytest.mark.parametrize("kind", [">i8", ">i2", ">f8", "<u1", "?"])
def test_numbers_of_any_kind_are_labels(kind: str, table: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", COUNT.astype(kind))
    assert labels_of(table, tmp_path / "y.npy").numbers.tolist() == COUNT.tolist()
