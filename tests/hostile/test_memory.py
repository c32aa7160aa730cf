"""Bombs: small files that stand for much more. What a process takes for them is measured."""

from __future__ import annotations

import io
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from core.audit.masks import read_mask
from core.audit.readers import read_features
from core.cases import archive
from core.cases.agreement import said_there
from core.cases.folder import CaseFolder
from core.datasets import DATASETS, kind_of
from core.datasets.decode import decode_all
from core.foundation.errors import InputError
from tests.hostile.cases import npy, safetensors, saved, zipped

ROOT = Path(__file__).parents[2]
BOUND = 2**25  # bytes of Python's and NumPy's own that a refusal may take
MORE = 3 * 2**28  # bytes that a process may take beside what it had


def promising(path: Path) -> None:
    """An array in an archive whose header and directory agree on more than there is."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("images.npy", npy("(60000, 6000, 6000)", "'|u1'"))
        file.writestr("labels.npy", saved(np.zeros(4, int)))


BOMBS: dict[str, tuple[str, Callable[[Path], Any], Callable[[Path], Any]]] = {
    "npy of 4 PiB": ("x.npy", lambda p: p.write_bytes(npy(f"({2**40}, 1024)")), read_features),
    "npz of 2 TiB": ("x.npz", promising, lambda p: DATASETS.make("arrays", {"path": str(p)}).load(0)),
    "safetensors of 4 TiB": ("x.safetensors", lambda p: p.write_bytes(safetensors(f'{{"x":{{"dtype":"F32","shape":[{2**30},1024],"data_offsets":[0,{2**42}]}}}}')), read_features),
    "a mask of 1 PiB": ("m.npy", lambda p: p.write_bytes(npy(f"({2**50},)", "'|b1'")), lambda p: read_mask(p, 24)),
    "zeros in an archive": ("x.zip", lambda p: zipped(p, {f"{i}": bytes(2**24) for i in range(4)}, zipfile.ZIP_BZIP2), lambda p: archive.unpack(p, p.with_name("into"))),
    "an opinion of 257 MiB": ("d.json", lambda p: sparse(p, 2**28 + 2**20), lambda p: said_there(CaseFolder(p.parent), p)),
}  # fmt: skip


def sparse(path: Path, size: int) -> None:
    """A file of that many bytes, all zero, which takes no room."""
    with path.open("wb") as file:
        file.truncate(size)


@pytest.mark.parametrize(("name", "write", "read"), BOMBS.values(), ids=BOMBS.keys())
def test_a_promise_is_refused_before_memory_is_taken(
    name: str, write: Callable[[Path], Any], read: Callable[[Path], Any], tmp_path: Path
) -> None:
    write(tmp_path / name)
    tracemalloc.start()
    try:
        with pytest.raises(InputError):
            read(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < BOUND
    finally:
        tracemalloc.stop()


def test_a_picture_of_too_many_pixels_is_not_decoded() -> None:
    buffer = io.BytesIO()
    Image.new("1", (9000, 9000)).save(buffer, "PNG")
    tracemalloc.start()
    try:
        assert decode_all([buffer.getvalue()], 1, 8, str).broken
        assert tracemalloc.get_traced_memory()[1] < BOUND
    finally:
        tracemalloc.stop()


def repeated(path: Path) -> None:
    """A few kilobytes of parquet for 3 GB of words."""
    words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(10**5, np.int32)), pa.array(["w" * 30_000]))
    pq.write_table(pa.table({"label": words}), path, store_schema=False, compression="zstd")
    assert path.stat().st_size < 2**17


MEASURED = """
import resource, sys
from pathlib import Path
from tests.hostile.test_memory import READ
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    READ[sys.argv[1]](Path(sys.argv[2]))
    said = "read"
except ValueError as problem:
    said = f"{type(problem).__name__}: {problem}"
print(1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before), said)
"""

READ: dict[str, Callable[[Path], Any]] = {"images": lambda p: DATASETS.make(kind_of(p), {"path": str(p)}).load(0)}


@pytest.mark.slow
def test_a_table_that_repeats_itself_is_not_held_whole(tmp_path: Path) -> None:
    from tests.hostile import conftest

    repeated(tmp_path / "x.parquet")
    watched, conftest.seen = conftest.seen, None
    try:
        done = subprocess.run([sys.executable, "-c", MEASURED, "images", str(tmp_path / "x.parquet")], cwd=ROOT, capture_output=True, text=True, timeout=120)  # fmt: skip
    finally:
        conftest.seen = watched
    assert done.returncode == 0, done.stderr
    taken, _, said = done.stdout.partition(" ")
    assert said.startswith("InputError: "), said
    assert int(taken) < MORE, f"{int(taken) / 2**20:,.0f} MiB"
