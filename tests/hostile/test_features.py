"""Door: tables of features, as `filter`, `scan` and `audit` read them."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.audit.readers import read_features
from core.audit.table import as_table
from core.foundation.rows import check_features
from tests.core.audit.readers.makers import EXACT, hdf5, parquet, stream
from tests.hostile.cases import BROKEN, ESCAPE, ROWS, Trap, link, npy, patched, refused, safetensors, saved, zipped

EMPTY = (".npy", ".npz", ".parquet", ".arrow", ".feather", ".safetensors", ".h5", ".csv", ".tsv", ".txt")
ENDLESS = "9" * 5000  # more figures than Python makes a number of


def raw(data: bytes) -> Callable[[Path], Any]:
    return lambda path: path.write_bytes(data)


def tensors(shape: str, kind: str, offsets: str, data: bytes = b"") -> Callable[[Path], Any]:
    return raw(safetensors(f'{{"x":{{"dtype":"{kind}","shape":{shape},"data_offsets":{offsets}}}}}', data))


def cut(form: str, keep: float) -> Callable[[Path], Any]:
    def write(path: Path) -> None:
        (made := path.with_name("made")).mkdir()
        whole = EXACT[form](made, ROWS).read_bytes()
        path.write_bytes(whole[: int(len(whole) * keep)])

    return write


def hidden_length(path: Path) -> None:
    """A member whose central record says that it is larger."""
    zipped(path, {"x.npy": saved(ROWS)}, 0)
    size = len(saved(ROWS)).to_bytes(4, "little")
    data = path.read_bytes()
    at = data.rindex(size)
    path.write_bytes(data[:at] + (2**31 - 1).to_bytes(4, "little") + data[at + 4 :])


REFUSED: dict[str, tuple[str, Callable[[Path], Any], tuple[str, ...]]] = {
    "npy, sides below 0": ("x.npy", raw(npy("(-4, 6)", data=bytes(96))), ("x.npy",)),
    "npy, sides beyond 64 bits": ("x.npy", raw(npy(f"({2**70}, 6)")), ("x.npy is not a readable .npy file",)),
    "npy, 33 sides": ("x.npy", raw(npy(str((1,) * 65), data=bytes(4))), ("x.npy",)),
    "npy, a product that wraps around": ("x.npy", raw(npy(f"({2**32}, {2**32})", data=bytes(8))), ("x.npy",)),
    "npy, a call in its header": ("x.npy", raw(npy("__import__('os').getpid()")), ("x.npy",)),
    "npy, a header without end": ("x.npy", raw(b"\x93NUMPY\x02\0" + (2**31).to_bytes(4, "little") + b"{"), ("x.npy",)),
    "npy, brackets in brackets": ("x.npy", raw(npy("(" * 500 + ")" * 500)), ("x.npy",)),
    "npy, no version that is known": ("x.npy", raw(b"\x93NUMPY\x09\0" + bytes(90)), ("x.npy",)),
    "npy, a header that is no mapping": ("x.npy", raw(b"\x93NUMPY\x01\0\x03\x0042\n"), ("x.npy",)),
    "npy of records": ("x.npy", raw(npy("(4,)", "[('a', '<f4'), ('b', '<f4')]", bytes(32))), ()),
    "npy of complex numbers": ("x.npy", raw(saved(ROWS.astype(complex))), ("complex",)),
    "npy of dates": ("x.npy", raw(saved(np.zeros((4, 2), "M8[s]"))), ("datetime64",)),
    "npy of words": ("x.npy", raw(saved(np.full((4, 2), "a"))), ("<U1",)),
    "npy of elements without bytes": ("x.npy", raw(npy("(4, 2)", "'|V0'")), ("|V0",)),
    "npy of one number": ("x.npy", raw(saved(np.float32(1))), ("features must be a table",)),
    "npy without rows": ("x.npy", raw(saved(ROWS[:0])), ("0 row(s)",)),
    "npy without columns": ("x.npy", raw(saved(ROWS[:, :0])), ("0 column(s)",)),
    "npy cut short": ("x.npy", raw(saved(ROWS)[:-1]), ("x.npy is not a readable .npy file",)),
    "npy that is the first bytes alone": ("x.npy", raw(b"\x93NUMPY"), ("x.npy",)),
    "npy with NaN": ("x.npy", raw(saved(np.where(ROWS > 2, np.nan, ROWS))), ("not finite",)),
    "npy with infinities": ("x.npy", raw(saved(np.where(ROWS > 2, -np.inf, ROWS))), ("not finite",)),
    "npy of a trap": ("x.npy", lambda p: p.write_bytes(saved(np.array([Trap(p.with_name("sprung"))]))), ("never loaded",)),
    "a picture that is called .npy": ("x.npy", raw(b"\x89PNG\r\n\x1a\n" + bytes(99)), ("x.npy",)),
    "a trap that is called .h5": ("x.h5", lambda p: p.write_bytes(pickle.dumps(Trap(p.with_name("sprung")))), ("x.h5",)),
    "a trap that is called .csv": ("x.csv", lambda p: p.write_bytes(pickle.dumps(Trap(p.with_name("sprung")))), ("x.csv",)),
    "npz, a name of two lines": ("x.npz", lambda p: zipped(p, {f"{BROKEN}.npy": b"x"}), ("x.npz",)),
    "npz, a name that a terminal obeys": ("x.npz", lambda p: zipped(p, {f"{ESCAPE}.npy": b"x"}), ("x.npz",)),
    "npz, a name that climbs": ("x.npz", lambda p: zipped(p, {"../../x.npy": saved(ROWS)[:99]}), ("x.npz",)),
    "npz, a record that lies": ("x.npz", hidden_length, ("x.npz",)),
    "npz, packed in an unknown way": ("x.npz", lambda p: zipped(p, {"x.npy": saved(ROWS)}) and p.write_bytes(patched(p.read_bytes(), b"\x08\0", b"\x63\0")), ("x.npz",)),
    "npz, a sum that does not fit": ("x.npz", lambda p: zipped(p, {"x.npy": saved(ROWS)}, 0) and p.write_bytes(patched(p.read_bytes(), ROWS.tobytes()[:8], b"\xff" * 8)), ("x.npz",)),
    "npz of a trap": ("x.npz", lambda p: zipped(p, {"x.npy": saved(np.array([Trap(p.with_name("sprung"))]))}), ("never loaded",)),
    "npz in an npz": ("x.npz", lambda p: zipped(p, {"x.npy": zipped(p.with_name("y"), {"x.npy": saved(ROWS)}).read_bytes()}), ("x.npz",)),
    "safetensors, shapes below 0": ("x.safetensors", tensors("[-1,4]", "F32", "[0,16]", bytes(16)), ("x.safetensors is not a readable",)),
    "safetensors, offsets that overlap": ("x.safetensors", raw(safetensors('{"x":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"y":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}', bytes(16))), ("x.safetensors",)),
    "safetensors, offsets backwards": ("x.safetensors", tensors("[2,2]", "F32", "[16,0]", bytes(16)), ("x.safetensors",)),
    "safetensors, a product that wraps around": ("x.safetensors", tensors(f"[{2**32},{2**32}]", "F32", "[0,0]"), ("x.safetensors",)),
    "safetensors, a header that is no JSON": ("x.safetensors", raw(safetensors("{'x': 1}")), ("x.safetensors",)),
    "safetensors, a header in brackets": ("x.safetensors", raw(safetensors("[" * 5000)), ("x.safetensors",)),
    "safetensors without tensors": ("x.safetensors", raw(safetensors("{}")), ("x.safetensors",)),
    "safetensors with NaN": ("x.safetensors", tensors("[2,2]", "F32", "[0,16]", b"\xff" * 16), ("not finite",)),
    "parquet, ends alone": ("x.parquet", raw(b"PAR1" + bytes(8) + b"PAR1"), ("x.parquet is not a readable parquet file",)),
    "parquet, a foot longer than the file": ("x.parquet", raw(b"PAR1" + (2**31 - 1).to_bytes(4, "little") + b"PAR1"), ("x.parquet",)),
    "parquet, half of it": ("x.parquet", cut("parquet, lists", 0.5), ("x.parquet",)),
    "parquet, a name of two lines": ("x.parquet", lambda p: parquet(p, {BROKEN: ["a"] * 9}), ("no column of features",)),
    "parquet, dates": ("x.parquet", lambda p: parquet(p, {"d": pa.array([0] * 9, pa.timestamp("s"))}), ("no column of features",)),
    "parquet, lists of nothing": ("x.parquet", lambda p: parquet(p, {"e": pa.array([[]] * 9, pa.list_(pa.float32()))}), ("0 column(s)",)),
    "parquet, infinities": ("x.parquet", lambda p: parquet(p, {"e": [[1.0, float("inf")]] * 9}), ("not finite",)),
    "parquet, no columns": ("x.parquet", lambda p: pq.write_table(pa.table({}), p), ("x.parquet",)),
    "arrow, half of it": ("x.arrow", cut("arrow file", 0.5), ("x.arrow",)),
    "arrow, its mark alone": ("x.arrow", raw(b"ARROW1\0\0"), ("x.arrow",)),
    "arrow, a message without end": ("x.arrow", raw(b"\xff\xff\xff\xff" + (2**31 - 1).to_bytes(4, "little")), ("x.arrow",)),
    "arrow without batches": ("x.arrow", lambda p: stream(p, {"e": pa.array([], pa.list_(pa.float32()))}), ("0 row(s)",)),
    "hdf5, half of it": ("x.h5", cut("hdf5", 0.5), ("x.h5 is not a readable hdf5 file",)),
    "hdf5, its mark alone": ("x.h5", raw(b"\x89HDF\r\n\x1a\n"), ("x.h5 is not a readable hdf5 file",)),
    "hdf5 of one number": ("x.h5", lambda p: hdf5(p, {"x": 1.0}), ("x.h5",)),
    "hdf5, a name that a terminal obeys": ("x.h5", lambda p: hdf5(p, {ESCAPE: ["a"] * 9}), ("x.h5",)),
    "csv, a number without end": ("x.csv", raw(b"a,b\n1,2\n3," + ENDLESS.encode() + b"\n5,6\n"), ("not finite",)),
    "csv, numbers beyond a float": ("x.csv", raw(b"a,b\n1,2\n3,1e999\n5,6\n"), ("not finite",)),
    "csv, NaN and infinity in words": ("x.csv", raw(b"a,b\n1,2\n3,inf\n5,nan\n"), ("not finite",)),
    "csv, a quote that does not end": ("x.csv", raw(b'a,b\n1,2\n3,"4\n5,6\n' * 3), ("x.csv",)),
    "csv with bytes of zero": ("x.csv", raw(b"a,b\n1,\0\n3,4\n"), ("x.csv is not text in UTF-8",)),
    "csv, a name of an escape": ("x.csv", raw(f"a,{ESCAPE}\n1,2\n3,?\n1,2\n4,5\n".encode()), ("x.csv",)),
    "a pipe": ("x.npy", lambda p: os.mkfifo(p), ("x.npy",)),
    "a pipe that is called .csv": ("x.csv", lambda p: os.mkfifo(p), ("x.csv",)),
    "a link to itself": ("x.npy", lambda p: link(p, "x.npy"), ("x.npy",)),
    "a link to nothing": ("x.npy", lambda p: link(p, "gone.npy"), ("does not exist",)),
    "a device": ("x.npy", lambda p: link(p, "/dev/zero"), ("x.npy",)),
    "a folder that is called .npy": ("x.npy", lambda p: p.mkdir(), ("folder without a table",)),
    "a folder of a thing of each kind": ("x", lambda p: p.mkdir() or [(p / f"a{suffix}").touch() for suffix in (".npy", ".csv")], ("several forms",)),
    "a folder of pipes": ("x", lambda p: p.mkdir() or os.mkfifo(p / "a.npy"), ("folder without a table",)),
    "a folder, one part of another width": ("x", lambda p: p.mkdir() or [np.save(p / f"{i}.npy", ROWS[:, : 6 - i]) for i in range(2)], ("5 features where the rows before have 6",)),
}  # fmt: skip


def look(path: Path) -> None:
    """Read, and checked as a scan checks it."""
    with read_features(path, scratch=path.parent) as features:
        as_table(features.rows)
        check_features(np.asarray(features.rows), 0, at_least=1)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("name", "write", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_table_is_refused(name: str, write: Callable[[Path], Any], words: tuple[str, ...], tmp_path: Path) -> None:
    write(tmp_path / name)
    refused(lambda: look(tmp_path / name), *words)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("suffix", EMPTY)
def test_a_table_of_0_bytes_is_refused(suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"x{suffix}").touch()
    refused(lambda: look(tmp_path / f"x{suffix}"), "is empty (0 bytes)")


@pytest.mark.parametrize(
    "path", ["a\0b.npy", "x" * 5000, "~nobody-of-that-name/x.npy", ".", "", "/proc/self/mem", "\n", "-"]
)
def test_what_is_no_path_is_refused(path: str, tmp_path: Path) -> None:
    refused(lambda: look(Path(path)))


ODD: dict[str, tuple[str, np.ndarray]] = {
    "big-endian floats": ("x.npy", ROWS.astype(">f4")),
    "big-endian halves": ("x.npy", ROWS.astype(">f2")),
    "big-endian whole numbers": ("x.npy", (ROWS * 99).astype(">i8")),
    "column by column": ("x.npy", np.asfortranarray(ROWS)),
    "column by column in an archive": ("x.npz", np.asfortranarray(ROWS)),
    "big-endian in an archive": ("x.npz", ROWS.astype(">f8")),
    "big-endian in HDF5": ("x.h5", ROWS.astype(">f4")),
}  # fmt: skip


@pytest.mark.parametrize(("name", "rows"), ODD.values(), ids=ODD.keys())
def test_an_odd_table_is_read_as_it_is(name: str, rows: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / name
    {".npy": np.save, ".npz": np.savez, ".h5": lambda p, x: hdf5(p, {"x": x})}[path.suffix](path, rows)
    with read_features(path) as features:
        np.testing.assert_array_equal(np.asarray(features.rows, np.float64), rows.astype(np.float64))
