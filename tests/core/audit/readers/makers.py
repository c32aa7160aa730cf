"""Writers of one table in every form, and in the ways in which people have it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import torch
from ml_dtypes import bfloat16
from safetensors.torch import save_file

Writer = Callable[[Path, np.ndarray], Path]  # (folder, rows (n, d) float32) -> the file or folder


def lists(rows: np.ndarray, number: pa.DataType | None = None) -> pa.Array:
    """A list for each row."""
    return pa.array(list(rows), pa.list_(number or pa.float32()))


def fixed(rows: np.ndarray) -> pa.Array:
    """A list of fixed size for each row."""
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])


def files(n: int) -> list[str]:
    """Names of pictures."""
    return [f"cat/{i:03d}.jpg" for i in range(n)]


def parquet(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    """A parquet file of those columns."""
    pq.write_table(pa.table(columns), path, **options)
    return path


def stream(path: Path, columns: dict[str, Any], *, as_file: bool = False) -> Path:
    """An Arrow stream in batches of 7 rows, or a file."""
    table = pa.table(columns)
    begin = pa.ipc.new_file if as_file else pa.ipc.new_stream
    with pa.OSFile(str(path), "wb") as out, begin(out, table.schema) as writer:
        writer.write_table(table, max_chunksize=7)
    return path


def hdf5(path: Path, arrays: dict[str, Any], **options: Any) -> Path:
    """An HDF5 file of those data sets."""
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, **options)
    return path


def npy(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


def npz(path: Path, *, packed: bool = False, **arrays: np.ndarray) -> Path:
    (np.savez_compressed if packed else np.savez)(path, **arrays)
    return path


def tensors(path: Path, **arrays: np.ndarray) -> Path:
    save_file({name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}, path)
    return path


def csv(path: Path, rows: np.ndarray, names: list[str] | None = None, **options: Any) -> Path:
    frame = pd.DataFrame(rows.astype(np.float64), columns=names or [f"f{i}" for i in range(rows.shape[1])])
    frame.to_csv(path, **{"index": False, **options})
    return path


def _below(path: Path, text: str) -> Path:
    path.write_text(text + path.read_text())
    return path


def parts(
    folder: Path, rows: np.ndarray, suffix: str, write: Callable[[Path, np.ndarray], Any], count: int = 12
) -> Path:
    """A folder of parts, whose order by number is not that of the alphabet."""
    folder.mkdir()
    for i, some in enumerate(np.array_split(rows, count)):
        write(folder / f"part-{i}{suffix}", some)
    return folder


def pandas_parquet(path: Path, rows: np.ndarray) -> Path:
    """Columns f0, f1, ... with an index that is no range, as a sorted table has it."""
    frame = pd.DataFrame(rows, columns=[f"f{i}" for i in range(rows.shape[1])])
    frame.index = pd.Index(np.random.default_rng(0).permutation(len(rows)) + 1000)
    frame.to_parquet(path)
    return path


def array_2d(path: Path, rows: np.ndarray) -> Path:
    """Lists in lists under Hugging Face's name for them, which pyarrow does not know."""
    nested = pa.array([row.reshape(2, -1).tolist() for row in rows], pa.list_(pa.list_(pa.float32())))
    about = {
        b"ARROW:extension:name": b"datasets.features.features.Array2DExtensionType",
        b"ARROW:extension:metadata": b"",
    }
    schema = pa.schema([pa.field("embedding", nested.type, metadata=about)])
    pq.write_table(pa.Table.from_arrays([nested], schema=schema), path)
    return path


def with_names(path: Path, rows: np.ndarray, labels: np.ndarray, names: list[str]) -> Path:
    """A table as Hugging Face's datasets write it, with the names of the classes in its metadata."""
    info = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    table = pa.table({"embedding": lists(rows), "label": labels})
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(info)}), path)
    return path


EXACT: dict[str, Writer] = {  # the same numbers, in forms that keep single precision
    "npy": lambda at, x: npy(at / "x.npy", x),
    "npy by columns": lambda at, x: npy(at / "x.npy", np.asfortranarray(x)),
    "npy pooled": lambda at, x: npy(at / "x.npy", x[:, :, None, None]),
    "npz": lambda at, x: npz(at / "x.npz", features=x),
    "npz packed": lambda at, x: npz(at / "x.npz", packed=True, features=x),
    "npz by columns": lambda at, x: npz(at / "x.npz", features=np.asfortranarray(x)),
    "npz with labels": lambda at, x: npz(at / "x.npz", features=x, labels=np.arange(len(x)), column=x[:, :1]),
    "npz under another name": lambda at, x: npz(at / "x.npz", features=x).rename(at / "x.npy"),
    "parquet, lists": lambda at, x: parquet(at / "x.parquet", {"id": np.arange(len(x)), "embedding": lists(x)}),
    "parquet, row groups": lambda at, x: parquet(at / "x.parquet", {"embedding": lists(x)}, row_group_size=7),
    "parquet, large lists": lambda at, x: parquet(at / "x.parquet", {"e": lists(x).cast(pa.large_list(pa.float32()))}),
    "parquet, a dot in the name": lambda at, x: parquet(at / "x.parquet", {"a.b": lists(x), "a": np.arange(len(x))}),
    "parquet, fixed lists": lambda at, x: parquet(at / "x.parquet", {"e": fixed(x)}),
    "parquet, tensors": lambda at, x: parquet(
        at / "x.parquet", {"e": pa.FixedShapeTensorArray.from_numpy_ndarray(x.reshape(len(x), 2, -1))}
    ),
    "parquet, Array2D": lambda at, x: array_2d(at / "x.parquet", x),
    "parquet, columns": lambda at, x: parquet(at / "x.parquet", {f"f{i}": column for i, column in enumerate(x.T)}),
    "parquet of pandas": lambda at, x: pandas_parquet(at / "x.parquet", x),
    "arrow file": lambda at, x: stream(at / "x.arrow", {"e": lists(x)}, as_file=True),
    "arrow stream": lambda at, x: stream(at / "x.arrow", {"e": lists(x)}),
    "arrow, tensors": lambda at, x: stream(
        at / "x.arrow", {"e": pa.FixedShapeTensorArray.from_numpy_ndarray(x.reshape(len(x), 2, -1))}, as_file=True
    ),
    "arrow beside words": lambda at, x: stream(at / "x.arrow", {"a": files(len(x)), "e": lists(x), "z": files(len(x))}),
    "feather": lambda at, x: (feather.write_feather(pa.table({"e": fixed(x)}), at / "x.feather"), at / "x.feather")[1],
    "safetensors": lambda at, x: tensors(at / "x.safetensors", features=x),
    "safetensors with labels": lambda at, x: tensors(at / "x.safetensors", a=np.arange(len(x)), features=x),
    "hdf5": lambda at, x: hdf5(at / "x.h5", {"train/features": x, "train/labels": np.arange(len(x))}),
    "hdf5 packed": lambda at, x: hdf5(at / "x.h5", {"features": x}, chunks=(8, 2), compression="gzip"),
    "csv": lambda at, x: csv(at / "x.csv", x),
    "csv without names": lambda at, x: csv(at / "x.csv", x, header=False),
    "csv with an index": lambda at, x: csv(at / "x.csv", x, index=True),
    "csv with an index, without names": lambda at, x: csv(at / "x.csv", x, index=True, header=False),
    "csv that counts its columns": lambda at, x: csv(at / "x.csv", x, [str(i) for i in range(x.shape[1])]),
    "csv with decimal commas": lambda at, x: csv(at / "x.csv", x, sep=";", decimal=","),
    "csv with a mark of its order": lambda at, x: csv(at / "x.csv", x, encoding="utf-8-sig"),
    "csv below comments": lambda at, x: _below(csv(at / "x.csv", x), "# made by hand\n\n"),
    "tsv": lambda at, x: csv(at / "x.tsv", x, sep="\t"),
    "savetxt": lambda at, x: (np.savetxt(at / "x.txt", x, header="made by hand"), at / "x.txt")[1],
    "parts of npy": lambda at, x: parts(at / "x", x, ".npy", npy),
    "parts of parquet": lambda at, x: parts(at / "x", x, ".parquet", lambda p, y: parquet(p, {"e": lists(y)})),
    "parts of arrow": lambda at, x: parts(at / "x", x, ".arrow", lambda p, y: stream(p, {"e": lists(y)})),
    "parts of safetensors": lambda at, x: parts(at / "x", x, ".safetensors", lambda p, y: tensors(p, x=y)),
    "parts of csv": lambda at, x: parts(at / "x", x, ".csv", csv),
}

HALF: dict[str, Writer] = {  # the same numbers rounded to two bytes
    "npy, half": lambda at, x: npy(at / "x.npy", x.astype(np.float16)),
    "npy, bfloat16": lambda at, x: npy(at / "x.npy", x.astype(bfloat16)),
    "npy, bare pairs of bytes": lambda at, x: npy(at / "x.npy", x.astype(bfloat16).view("V2")),
    "npz, bfloat16": lambda at, x: npz(at / "x.npz", a=x.astype(bfloat16).view("V2")),
    "parquet, half lists": lambda at, x: parquet(at / "x.parquet", {"e": lists(x.astype(np.float16), pa.float16())}),
    "parquet, half": lambda at, x: parquet(at / "x.parquet", {"e": fixed(x.astype(np.float16))}),
    "safetensors, half": lambda at, x: tensors(at / "x.safetensors", x=x.astype(np.float16)),
    "safetensors, bfloat16": lambda at, x: (
        save_file({"x": torch.from_numpy(x).to(torch.bfloat16)}, at / "x.safetensors"),
        at / "x.safetensors",
    )[1],
    "hdf5, half": lambda at, x: hdf5(at / "x.h5", {"x": x.astype(np.float16)}),
}
