"""Files that lie, break off, or hold what must not be loaded: one line each, and nothing is allocated or run."""

from __future__ import annotations

import io
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pytest
import torch

from core.audit.readers import gather, read_features
from core.foundation.errors import InputError
from tests.core.audit.readers.makers import EXACT, csv, hdf5, lists, npz, parquet, stream
from tests.makers import Outcome, check_refused

Cli = Callable[..., Outcome]
ROWS = np.random.default_rng(0).standard_normal((40, 6)).astype(np.float32)


class Trap:
    """Unpickling it leaves a file."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path(self.mark),)


def header(shape: str, kind: str = "<f4") -> bytes:
    """What an .npy file begins with that says it holds that."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def archive(path: Path, data: bytes, name: str = "x.npy") -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, data)


def external(path: Path) -> None:
    ROWS.tofile(path.with_suffix(".bin"))
    with h5py.File(path, "w") as file:
        file.create_dataset("x", ROWS.shape, "f4", external=[(str(path.with_suffix(".bin")), 0, ROWS.nbytes)])


def virtual(path: Path) -> None:
    source = hdf5(path.with_name("other.h5"), {"x": ROWS})
    layout = h5py.VirtualLayout(ROWS.shape, "f4")
    layout[:] = h5py.VirtualSource(str(source), "x", ROWS.shape)
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("x", layout)


def linked(path: Path) -> None:
    hdf5(path.with_name("other.h5"), {"x": ROWS})
    with h5py.File(path, "w") as file:
        file["x"] = h5py.ExternalLink("other.h5", "x")


def of_varying_length(path: Path) -> None:
    with h5py.File(path, "w") as file:
        found = file.create_dataset("x", (40,), h5py.vlen_dtype(np.float32))
        for i, row in enumerate(ROWS):
            found[i] = row


def promised(path: Path, shape: tuple[int, int]) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", shape, "f4", chunks=(10, 10))


def wrong_offsets(path: Path) -> None:
    """A list that says it ends far beyond its numbers."""
    stream(path, {"e": lists(ROWS[:7])})
    offsets = np.arange(0, 8 * 6, 6, dtype=np.int32)
    data = path.read_bytes()
    assert data.count(offsets.tobytes()) == 1
    path.write_bytes(data.replace(offsets.tobytes(), np.append(offsets[:-1], 2**30).astype(np.int32).tobytes()))


def cut(path: Path, form: str) -> None:
    made = EXACT[form](path.parent, ROWS)
    path.write_bytes(made.read_bytes()[: -made.stat().st_size // 3])


def with_missing(row: list[Any] | None) -> list[Any]:
    return [*ROWS[:9].tolist(), row, *ROWS[10:].tolist()]


BAD: dict[str, tuple[str, Callable[[Path], Any], tuple[str, ...]]] = {
    "npz of objects": ("x.npz", lambda p: npz(p, a=np.array([{}], object)), ("holds pickled objects, which are never loaded",)),
    "npz without arrays": ("x.npz", lambda p: archive(p, b"x", "x.txt"), ("archive without arrays",)),
    "npz that promises more": ("x.npz", lambda p: archive(p, header("(900000, 900000)") + b"\0" * 99), ("x.npz is not a readable",)),
    "npz of three dimensions": ("x.npz", lambda p: npz(p, a=ROWS.reshape(40, 2, 3)), ("x.npz", "a (40 x 2 x 3 float32)", "average")),
    "npz of one dimension": ("x.npz", lambda p: npz(p, a=ROWS[:, 0]), ("not a (40 float32), in x.npz",)),
    "npy that promises more": ("x.npy", lambda p: p.write_bytes(header("(900000, 900000)")), ("x.npy is not a readable .npy",)),
    "torch.save": ("x.pt", lambda p: torch.save(torch.zeros(40, 6), p), ("torch.save, which is never loaded", "safetensors")),
    "pickle": ("x.pkl", lambda p: p.write_bytes(pickle.dumps(ROWS)), ("is a pickle, which is never loaded",)),
    "no form at all": ("x.json", lambda p: p.write_text("[[1, 2]]"), ("of no form that is read: give one of .npy, .npz",)),
    "parquet cut short": ("y.parquet", lambda p: cut(p, "parquet, lists"), ("y.parquet is not a readable parquet file",)),
    "parquet of text": ("x.parquet", lambda p: p.write_text("a,b\n1,2\n"), ("x.parquet is not a readable parquet file",)),
    "parquet of words": ("x.parquet", lambda p: parquet(p, {"a": ["b"] * 9}), ("no column of features; it has a (9 string)",)),
    "parquet without rows": ("x.parquet", lambda p: parquet(p, {"e": lists(ROWS[:0])}), ("x.parquet has no rows",)),
    "parquet, lists of words": ("x.parquet", lambda p: parquet(p, {"e": [["a"]] * 9}), ("no column of features",)),
    "an empty cell": ("x.parquet", lambda p: parquet(p, {"e": with_missing(None)}), ("row 9 of column 'e' of x.parquet is empty",)),
    "an empty cell of fixed lists": (
        "x.parquet",
        lambda p: parquet(p, {"e": pa.array(with_missing(None), pa.list_(pa.float32(), 6))}),
        ("row 9 of column 'e' of x.parquet is empty",),
    ),
    "a list too short": ("x.parquet", lambda p: parquet(p, {"e": with_missing([1.0])}), ("row 9 of", "has 1 numbers where others have 6")),
    "a list with a hole": ("x.parquet", lambda p: parquet(p, {"e": with_missing([1.0, None] * 3)}), ("row 9 has a value that is not finite",)),
    "old feather": ("x.feather", lambda p: p.write_bytes(b"FEA1" + b"\0" * 60), ("first version of feather",)),
    "arrow cut short": ("y.arrow", lambda p: cut(p, "arrow file"), ("y.arrow is not a readable arrow file",)),
    "arrow, offsets beyond its numbers": ("x.arrow", wrong_offsets, ("x.arrow is not a readable arrow file", "ffset")),
    "safetensors, a long header": (
        "x.safetensors", lambda p: p.write_bytes((2**40).to_bytes(8, "little") + b"{}"), ("x.safetensors is not a readable",),
    ),
    "safetensors, numbers that are not there": (
        "x.safetensors",
        lambda p: p.write_bytes(_tensor("F32", [10**9, 10**3], 4 * 10**12)),
        ("x.safetensors is not a readable safetensors file",),
    ),
    "safetensors of quarters": (
        "x.safetensors", lambda p: p.write_bytes(_tensor("F8_E4M3", [4, 2], 8) + b"\0" * 8), ("is F8_E4M3, which is not read",),
    ),
    "hdf5, numbers in another file": ("x.h5", external, ("keeps its numbers in other files, which are not opened",)),
    "hdf5, a virtual data set": ("x.h5", virtual, ("keeps its numbers in other files, which are not opened",)),
    "hdf5, a link to another file": ("x.h5", linked, ("x.h5 holds no data sets",)),
    "hdf5, lists": ("x.h5", of_varying_length, ("no column of features; it has x (40 object)",)),
    "hdf5 that promises more": ("x.h5", lambda p: promised(p, (10**9, 10**4)), ("37,253 GiB, more than the 64 GiB allowed",)),
    "hdf5 cut short": ("y.h5", lambda p: cut(p, "hdf5"), ("y.h5 is not a readable hdf5 file",)),
    "csv, a line too long": ("x.csv", lambda p: p.write_text("a,b\n1,2\n3,4\n1,2,3\n"), ("x.csv is not a readable csv file", "Row #4")),
    "csv, a name twice": ("x.csv", lambda p: p.write_text("a,a\n1,2\n3,4\n"), ("more than one column called 'a'",)),
    "csv, one line": ("x.csv", lambda p: p.write_text("1,2,3\n"), ("x.csv has one line",)),
    "csv, a word among numbers": ("x.csv", lambda p: p.write_text("a,b\n1,2\n3,?\n1,2\n4,5\n"), ("column 'b' of x.csv holds numbers and '?'",)),
    "csv, a word far below": (
        "x.csv", lambda p: p.write_text("a,b\n" + "1,2\n" * 500 + "1,x\n"), ("x.csv is not a readable csv file", "'x'"),
    ),
    "csv, an empty cell": ("x.csv", lambda p: p.write_text("a,b\n1,2\n3,\n1,5\n"), ("row 1 has a value that is not finite",)),
    "csv, lists": ("x.csv", lambda p: csv(p, ROWS[:, :1], ["e"]) and _lists(p), ("lists written out as words; write the table as parquet",)),
    "csv, a cell too long": ("x.csv", lambda p: p.write_text('a,b\n1,"' + "x" * 200_000 + '"\n1,2\n'), ("field larger than",)),
    "csv in UTF-16": ("x.csv", lambda p: p.write_text("a,b\n1,2\n", "utf-16"), ("x.csv is not text in UTF-8",)),
    "csv of bytes": ("x.csv", lambda p: p.write_bytes(bytes(range(256))), ("x.csv is not text in UTF-8",)),
    "csv of empty lines": ("x.csv", lambda p: p.write_text("\n\n\n"), ("x.csv is without a row",)),
}  # fmt: skip


def _tensor(kind: str, shape: list[int], size: int) -> bytes:
    text = f'{{"x":{{"dtype":"{kind}","shape":{shape},"data_offsets":[0,{size}]}}}}'.encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _lists(path: Path) -> None:
    path.write_text("e,n\n" + "".join(f'"{row.tolist()}",w\n' for row in ROWS))


@pytest.mark.parametrize(("name", "write", "words"), BAD.values(), ids=BAD.keys())
def test_a_bad_file_is_refused_in_one_line(
    name: str, write: Callable[[Path], Any], words: tuple[str, ...], tmp_path: Path, cli: Cli
) -> None:
    write(tmp_path / name)
    check_refused(cli("filter", tmp_path / name, "--poisons", 2, "--out", tmp_path / "out"), *words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.pt", "x.pkl", "x.parquet", "x.h5", "x.csv", "x.safetensors"])
def test_nothing_is_unpickled_under_any_name(name: str, tmp_path: Path) -> None:
    mark = tmp_path / "sprung"
    trap = np.empty(2, object)
    trap[:] = [Trap(str(mark)), 1]
    for write in (
        lambda file: np.savez(file, x=trap),
        lambda file: np.save(file, trap, allow_pickle=True),
        lambda file: pickle.dump(trap, file),
        lambda file: torch.save(trap, file),
    ):
        with (tmp_path / name).open("wb") as file:
            write(file)
        with pytest.raises(InputError):
            read_features(tmp_path / name)
    assert not mark.exists()


def test_a_promise_is_checked_before_memory_is_taken(tmp_path: Path) -> None:
    data = io.BytesIO()
    np.save(data, ROWS)
    archive(tmp_path / "x.npz", data.getvalue().replace(b"(40, 6)", b"(40000000, 600)", 1))
    tracemalloc.start()
    try:
        with pytest.raises(InputError):
            read_features(tmp_path / "x.npz")
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_a_full_disk_is_told_before_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "LIMIT", 100)
    monkeypatch.setattr(gather, "LEFT_FREE", 2**60)
    path = EXACT["parquet, lists"](tmp_path, ROWS)
    (scratch := tmp_path / "scratch").mkdir()
    with pytest.raises(InputError, match="GiB left; free some, or save the table"):
        read_features(path, scratch=scratch)
    assert list(scratch.iterdir()) == []


def test_a_compressed_feather_that_is_damaged_is_refused(tmp_path: Path) -> None:
    feather.write_feather(pa.table({"e": lists(np.zeros((4000, 16)))}), tmp_path / "x.feather", compression="zstd")
    data = bytearray((tmp_path / "x.feather").read_bytes())
    data[len(data) // 4 : len(data) // 2] = b"\xff" * (len(data) // 2 - len(data) // 4)
    (tmp_path / "x.feather").write_bytes(data)
    with pytest.raises(InputError, match=r"x.feather"):
        read_features(tmp_path / "x.feather")
