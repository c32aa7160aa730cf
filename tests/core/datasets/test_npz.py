from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.datasets import npz
from core.datasets.npz import Npz
from core.foundation.errors import InputError
from tests.core.datasets.published import zipped

COUNTS = np.arange(12).reshape(3, 4)


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def header(shape: str, descr: str = "'|u1'", version: int = 1) -> bytes:
    """The head of a .npy file that may promise anything."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2 if version == 1 else 4, "little") + text


def read(path: Path, name: str = "images") -> np.ndarray:
    with Npz(path) as archive:
        return archive.read(name)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    "array",
    [COUNTS, np.asfortranarray(COUNTS), np.float16(COUNTS), np.array(["ant", "bée"]), np.array(3), np.zeros((2, 0))],
    ids=["int", "fortran", "half", "words", "scalar", "empty"],
)
def test_what_numpy_writes_is_read(array: np.ndarray, save: Callable[..., None], tmp_path: Path) -> None:
    save(tmp_path / "a.npz", images=array, other=COUNTS)
    found = read(tmp_path / "a.npz")
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


def with_pickle(path: Path) -> None:
    np.savez(path, images=np.array([{"a": 1}], dtype=object))


def bare_pickle(path: Path) -> None:
    path.write_bytes(zipped({"images.npy": pickle.dumps([1])}))


def flipped(path: Path) -> None:
    np.savez(path, images=COUNTS)
    raw = bytearray(path.read_bytes())
    raw[200] ^= 255  # the sum that the zip keeps no longer fits
    path.write_bytes(raw)


HEADERS = {
    "more than there is": header("(1000,)") + b"x" * 10,
    "less than there is": header("(5,)") + b"x" * 10,
    "negative": header("(-5, -2)") + b"x" * 10,
    "elements of no bytes": header("(1000000000000,)", "'<U0'"),
    "absurd sides around nothing": header("(0, 10**99)"),
    "an empty array with an absurd side": header(f"(0, {10**30})"),
    "no dictionary": b"\x93NUMPY\x01\x00\x04\x00[1]\n",
    "no such version": b"\x93NUMPY\x09\x00\x04\x00[1]\n",
    "nested a thousand deep": header("(" * 3000 + ")" * 3000),
    "a head of 4 GiB": b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
    "cut off": b"\x93NUM",
    "nothing": b"",
}
BAD: dict[str, tuple[Callable[[Path], Any], str]] = {
    "objects": (with_pickle, "array 'images' of a.npz holds Python objects, which are not read: they can run code"),
    "a bare pickle": (bare_pickle, "array 'images' of a.npz is damaged"),
    "a flipped bit": (flipped, "array 'images' of a.npz is damaged"),
    "0 bytes": (lambda path: path.touch(), r"a.npz is empty \(0 bytes\)"),
    "text": (lambda path: path.write_text("hello"), "a.npz is not a readable .npz file; write it with numpy.savez"),
    "one array": (lambda path: path.write_bytes(npy(COUNTS)), "a.npz is not a readable .npz file"),
    "no array": (lambda path: path.write_bytes(zipped({"a.txt": b"x"})), "a.npz holds 0 arrays"),
    "too many": (lambda path: path.write_bytes(zipped({f"{i}.npy": b"" for i in range(1001)})), "holds 1,001 arrays"),
    **{
        name: (
            lambda path, raw=raw: path.write_bytes(zipped({"images.npy": raw})),
            "array 'images' of a.npz is damaged",
        )  # type: ignore[misc]
        for name, raw in HEADERS.items()
    },
}


@pytest.mark.parametrize(("make", "message"), BAD.values(), ids=BAD.keys())
def test_a_bad_file_is_refused_in_one_line(make: Callable[[Path], Any], message: str, tmp_path: Path) -> None:
    make(tmp_path / "a.npz")
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path / "a.npz")
    assert "\n" not in str(caught.value)


def test_a_small_file_that_promises_a_huge_array_is_refused_by_its_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("would be allocated"))
    (tmp_path / "a.npz").write_bytes(zipped({"images.npy": header("(100000, 512, 512, 3)", "'<f8'")}))
    with pytest.raises(
        InputError, match=r"\(100000, 512, 512, 3\) float64, brings the file to 585.9 GiB, more than 8; give"
    ):
        read(tmp_path / "a.npz")


def test_the_limit_counts_all_arrays_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz, "MAX_BYTES", 150)
    np.savez(tmp_path / "a.npz", images=np.zeros(100, np.uint8), labels=np.zeros(100, np.uint8))
    with Npz(tmp_path / "a.npz") as archive:
        archive.read("images")
        with pytest.raises(InputError, match=r"array 'labels' of a.npz"):
            archive.read("labels")


def test_a_locked_zip_is_refused(tmp_path: Path) -> None:
    raw = bytearray(zipped({"images.npy": npy(COUNTS)}))
    raw[6] |= 1  # the flag of encryption, in the local head and in the directory
    raw[raw.rindex(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.npz").write_bytes(raw)
    assert zipfile.ZipFile(tmp_path / "a.npz").infolist()[0].flag_bits & 1
    with pytest.raises(InputError, match="damaged"):
        read(tmp_path / "a.npz")
