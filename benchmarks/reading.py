"""Reading a table of embeddings in any form: seconds and peak memory of the reader and one pass over all rows.

    PYTHONPATH=. python benchmarks/reading.py parquet [--gib 2] [--columns 512] [--folder FOLDER]

The table is drawn from a seed and written piece by piece, `--gib` of float32 (half of that in the forms of two bytes). The
reader runs in a process of its own. Its peak is what it holds (VmHWM), of which the pages of a mapped file, which the system
takes back whenever it likes, are told apart (RssFile at the end). All that was written is removed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import ml_dtypes
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
PIECE = 2**24  # bytes that are drawn at once
ONE = """
import json, re, sys, time
from pathlib import Path
import numpy as np
import core.audit.readers, core.audit.table
from core.audit.readers import read_features
from core.audit.table import as_table, pieces
state = lambda: dict(re.findall(r"(VmHWM|RssAnon|RssFile):\\s+(\\d+)", Path("/proc/self/status").read_text()))
before, began = state(), time.perf_counter()
with read_features(Path(sys.argv[1]), scratch=Path(sys.argv[2])) as read:
    took = time.perf_counter() - began
    total = sum(float(np.abs(rows).sum(dtype=np.float64)) for _, rows in pieces(as_table(read.rows)))
    after = state()
    passed = time.perf_counter() - began - took
print(json.dumps({"before": before, "after": after, "read": took, "pass": passed, "shape": read.rows.shape, "total": total}))
"""
Pieces = Iterator[np.ndarray]


def drawn(n: int, d: int) -> Pieces:
    """Rows (n, d) float32, a few at a time."""
    rng = np.random.default_rng(0)
    step = max(1, PIECE // (4 * d))
    for first in range(0, n, step):
        yield rng.standard_normal((min(step, n - first), d), np.float32)


def to_parquet(path: Path, rows: Pieces, n: int, d: int) -> None:
    """One row group for all rows, the hardest to read in parts; pandas writes one for each million."""
    schema = pa.schema([("embedding", pa.list_(pa.float32()))])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        whole = pa.chunked_array([_lists(piece) for piece in rows])
        writer.write_table(pa.table({"embedding": whole}), row_group_size=n)


def _lists(piece: np.ndarray) -> pa.Array:
    offsets = np.arange(0, piece.size + 1, piece.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(piece.ravel()))


def to_arrow(path: Path, rows: Pieces, n: int, d: int) -> None:
    schema = pa.schema([("embedding", pa.list_(pa.float32()))])
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        for piece in rows:
            writer.write_batch(pa.record_batch([_lists(piece)], schema=schema))


def to_hdf5(path: Path, rows: Pieces, n: int, d: int) -> None:
    with h5py.File(path, "w") as file:
        found = file.create_dataset("features", (n, d), "f4", chunks=(256, d), compression="gzip", compression_opts=1)
        first = 0
        for piece in rows:
            found[first : first + len(piece)] = piece
            first += len(piece)


def to_npy(path: Path, rows: Pieces, n: int, d: int) -> None:
    found = np.lib.format.open_memmap(path, "w+", np.float32, (n, d))
    first = 0
    for piece in rows:
        found[first : first + len(piece)] = piece
        first += len(piece)


def to_bfloat16(path: Path, rows: Pieces, n: int, d: int) -> None:
    header = json.dumps({"x": {"dtype": "BF16", "shape": [n, d], "data_offsets": [0, 2 * n * d]}}).encode()
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for piece in rows:
            file.write(piece.astype(ml_dtypes.bfloat16).tobytes())


def to_csv(path: Path, rows: Pieces, n: int, d: int) -> None:
    schema = pa.schema([(f"f{i}", pa.float32()) for i in range(d)])
    with pyarrow.csv.CSVWriter(str(path), schema) as writer:
        for piece in rows:
            writer.write_table(pa.table(list(piece.T), schema=schema))


FORMS: dict[str, tuple[str, Callable[[Path, Pieces, int, int], None]]] = {
    "parquet": ("x.parquet", to_parquet),
    "arrow": ("x.arrow", to_arrow),
    "hdf5": ("x.h5", to_hdf5),
    "npy": ("x.npy", to_npy),
    "bfloat16": ("x.safetensors", to_bfloat16),
    "csv": ("x.csv", to_csv),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("form", nargs="?", default="parquet", choices=FORMS)
    parser.add_argument("--gib", type=float, default=2.0)
    parser.add_argument("--columns", type=int, default=512)
    parser.add_argument("--folder", type=Path, help="where to write; default: the system's folder for temporary files")
    arguments = parser.parse_args()
    n, d = int(arguments.gib * 2**30 / 4 / arguments.columns), arguments.columns
    name, write = FORMS[arguments.form]
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        write(Path(folder) / name, drawn(n, d), n, d)
        size = (Path(folder) / name).stat().st_size / 2**30
        done = subprocess.run(
            [sys.executable, "-c", ONE, str(Path(folder) / name), folder],
            cwd=ROOT, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    found = json.loads(done.stdout)
    before, peak, mapped = (
        int(found[when][what]) / 2**20 for when, what in (("before", "VmHWM"), ("after", "VmHWM"), ("after", "RssFile"))
    )
    print(
        f"{arguments.form}, {n:,} x {d:,}, {size:.2f} GiB on disk: read in {found['read']:.1f} s, passed over in "
        f"{found['pass']:.1f} s; peak {peak:.2f} GiB ({before:.2f} with the libraries alone, {mapped:.2f} of files at the end)"
    )


if __name__ == "__main__":
    main()
