"""The doors through which files of strangers come in: for each a few small valid files, and whoever reads them.

A reader takes the file and a fresh folder that belongs to it; it returns, or raises InputError.
"""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image
from safetensors.torch import save

from core.audit.labels import as_labels
from core.audit.masks import read_mask
from core.audit.readers import open_source, read_features
from core.cases import archive
from core.cases.agreement import said_there
from core.cases.folder import CaseFolder
from core.challenges import open_challenge
from core.datasets import DATASETS, account, kind_of
from core.datasets.decode import decode_all
from core.foundation.errors import InputError
from dashboard.uploads import store_picture
from tests.makers import coloured, encode, noise_images

ROWS = np.random.default_rng(0).standard_normal((24, 3)).astype(np.float32)
LABELS = np.arange(24) % 3
Files = Mapping[str, bytes]
Reader = Callable[[Path, Path], Any]


@dataclass(frozen=True)
class Door:
    """Valid files by name, and what reads them."""

    seeds: Callable[[], Files]
    read: Reader


def tables() -> Files:
    """One table in every form in which features and labels come."""
    frame = pd.DataFrame(ROWS, columns=["a", "b", "c"]).assign(
        label=LABELS, file=[f"x/{i}.png" for i in range(len(ROWS))]
    )
    lists = pa.table({"e": pa.array(list(ROWS), pa.list_(pa.float32())), "label": [f"kind {i}" for i in LABELS]})
    fixed = pa.table({"e": pa.FixedSizeListArray.from_arrays(pa.array(ROWS.ravel()), 3), "label": LABELS})
    coded = lists.set_column(1, "label", lists["label"].dictionary_encode())
    return {
        "rows.npy": _saved(lambda to: np.save(to, ROWS)),
        "labels.npy": _saved(lambda to: np.save(to, LABELS)),
        "words.npy": _saved(lambda to: np.save(to, np.array([f"kind {i}" for i in LABELS]))),
        "rows.npz": _saved(lambda to: np.savez(to, x=ROWS, y=LABELS)),
        "packed.npz": _saved(lambda to: np.savez_compressed(to, x=ROWS, y=LABELS)),
        "rows.csv": frame.to_csv(index=False).encode(),
        "marks.csv": frame.drop(columns="file").to_csv(index=False, sep=";", decimal=",").encode(),
        "columns.parquet": _saved(frame.to_parquet),
        "lists.parquet": _saved(lambda to: pq.write_table(lists, to)),
        "fixed.parquet": _saved(lambda to: pq.write_table(fixed, to, compression="zstd")),
        "lists.arrow": _arrow(lists, pa.ipc.new_file),
        "stream.arrow": _arrow(coded, pa.ipc.new_stream),
        "rows.h5": _saved(_hdf5),
        "rows.safetensors": save({"x": torch.from_numpy(ROWS), "y": torch.from_numpy(LABELS)}),
        "half.safetensors": save({"x": torch.from_numpy(ROWS).bfloat16()}),
    }


def image_tables() -> Files:
    """Images in tables and arrays."""
    data = coloured(4, classes=2, size=8)
    cells = [{"bytes": encode(image), "path": f"{i}.png"} for i, image in enumerate(data.images)]
    table = pa.table({"image": cells, "label": data.labels})
    listed = pa.table({"image": data.images[..., 0].tolist(), "label": [f"kind {i}" for i in data.labels]})
    return {
        "set.parquet": _saved(lambda to: pq.write_table(table, to)),
        "plain.parquet": _saved(lambda to: pq.write_table(listed, to, compression=None, use_dictionary=False)),
        "set.arrow": _arrow(table, pa.ipc.new_stream),
        "listed.arrow": _arrow(listed, pa.ipc.new_file),
        "set.npz": _saved(lambda to: np.savez(to, images=data.images, labels=data.labels)),
        "named.npz": _saved(lambda to: np.savez_compressed(to, images=data.images, labels=data.labels, classes=["a", "b"])),
    }  # fmt: skip


def pictures() -> Files:
    """One image in every format that is looked at."""
    image = Image.fromarray(noise_images(1, size=9)[0])
    kinds = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "TGA", "QOI", "PCX")
    found = {f"image.{kind.lower()}": _saved(lambda to, kind=kind: image.save(to, kind)) for kind in kinds}
    deep = Image.fromarray(np.arange(81, dtype=np.uint16).reshape(9, 9) * 700)
    clear = image.convert("RGBA")
    return found | {
        "deep.png": _saved(lambda to: deep.save(to, "PNG")),
        "clear.png": _saved(lambda to: clear.save(to, "PNG")),
    }


def archives() -> Files:
    """A few small files in every form of archive."""
    inside = {"set/a/0.png": encode(noise_images(1, size=8)[0]), "set/b/1.txt": b"words " * 20}

    def packed(to: io.BytesIO, mode: str) -> None:
        with tarfile.open(fileobj=to, mode=mode) as made:  # type: ignore[call-overload]
            for name, data in inside.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                made.addfile(member, io.BytesIO(data))

    def zipped(to: io.BytesIO, method: int) -> None:
        with zipfile.ZipFile(to, "w", method) as made:
            for name, data in inside.items():
                made.writestr(name, data)

    return {
        "plain.zip": _saved(lambda to: zipped(to, zipfile.ZIP_STORED)),
        "packed.zip": _saved(lambda to: zipped(to, zipfile.ZIP_DEFLATED)),
        "plain.tar": _saved(lambda to: packed(to, "w")),
        **{f"packed.tar.{kind}": _saved(lambda to, kind=kind: packed(to, f"w:{kind}")) for kind in ("gz", "bz2", "xz")},
    }


def masks() -> Files:
    """One truth value a row, in every form."""
    mask = LABELS == 1
    return {
        "mask.npy": _saved(lambda to: np.save(to, mask)),
        "mask.npz": _saved(lambda to: np.savez_compressed(to, mask=mask.astype(float))),
        "mask.csv": ("removed\n" + "\n".join(map(str, mask)) + "\n").encode(),
        "mask.parquet": _saved(lambda to: pq.write_table(pa.table({"mask": mask}), to)),
        "mask.arrow": _arrow(pa.table({"mask": mask}), pa.ipc.new_stream),
        "mask.safetensors": save({"mask": torch.from_numpy(mask)}),
    }


def opinions() -> Files:
    """What others say of the rows of an audit."""
    decided = {"format": 1, "by": "b", "rows": {"1": {"do": "relabel", "to": 2}}, "findings": {"1": {"do": "remove"}}}
    return {
        "mask.npy": _saved(lambda to: np.save(to, LABELS == 1)),
        "mask.txt": "\n".join(str(int(one == 1)) for one in LABELS).encode(),
        "list.txt": b"x/1.png\nx/5.png\n",
        "rows.csv": b"row,decision\n1,remove\n4,keep\n",
        "findings.csv": b"row,label,kind,score,nearest_label,finding,file\n1,1,poison,2.5,0,1,x/1.png\n",
        "theirs.json": json.dumps(decided).encode(),
    }


def read_columns(path: Path, folder: Path) -> None:
    """Each column as labels or names, as `scan` takes them; the last one that is refused is told."""
    refused: InputError | None = None
    with closing(open_source(path)) as source:
        for column in source.columns:
            try:
                values = source.values(column.name)
                as_labels(values, len(values) if values.ndim else 0, source.class_names(column.name))
            except InputError as problem:
                refused = problem
    if refused:
        raise refused


def read_rows(path: Path, folder: Path) -> None:
    """The rows as features, touched to the last."""
    with read_features(path, scratch=folder) as features:
        np.asarray(features.rows).astype(str)


def read_images(path: Path, folder: Path) -> None:
    """A set of images, and the account of it."""
    account(DATASETS.make(kind_of(path), {"path": str(path)}).load(0))


def read_picture(path: Path, folder: Path) -> None:
    """One image of a set, and as a trigger that somebody uploads."""
    decode_all([path, path.read_bytes()], 2, 8, str)
    store_picture(path.read_bytes(), folder)


def read_archive(path: Path, folder: Path) -> None:
    """Unpacked, with nothing beside the folder."""
    if archive.is_archive(path):
        archive.unpack(path, folder / "into")


def read_opinion(path: Path, folder: Path) -> None:
    """Beside an audit of 24 rows."""
    case = CaseFolder(folder / "audit")
    case.path.mkdir()
    files = [f"x/{i}.png" for i in range(len(LABELS))]
    frame = pd.DataFrame({"row": np.arange(len(LABELS)), "label": LABELS, "file": files})
    frame.to_parquet(case.file("rows.parquet"), index=False)
    case.file("findings.csv").write_text("row,label,kind,score,nearest_label,finding\n1,1,poison,2.5,0,1\n")
    said_there(case, path)


def read_as_mask(path: Path, folder: Path) -> None:
    """One truth value a row."""
    read_mask(path, len(LABELS))


CHALLENGE = Path(__file__).parents[2] / "assets" / "challenges"


def challenge_files() -> Files:
    """The small files of a challenge that comes along."""
    found = next(folder for folder in sorted(CHALLENGE.iterdir()) if (folder / "challenge.json").is_file())
    return {name: (found / name).read_bytes() for name in ("challenge.json", "rows.parquet", "hint.json")}


def read_challenge(path: Path, folder: Path) -> None:
    """The challenge with that one file in the place of its own."""
    found = next(folder for folder in sorted(CHALLENGE.iterdir()) if (folder / "challenge.json").is_file())
    for file in found.iterdir():
        (folder / file.name).symlink_to(file)
    (folder / path.name).unlink(missing_ok=True)
    (folder / path.name).write_bytes(path.read_bytes())
    open_challenge(folder)


DOORS: dict[str, Door] = {
    "features": Door(tables, read_rows),
    "labels": Door(tables, read_columns),
    "masks": Door(masks, read_as_mask),
    "images": Door(image_tables, read_images),
    "pictures": Door(pictures, read_picture),
    "archives": Door(archives, read_archive),
    "opinions": Door(opinions, read_opinion),
    "challenges": Door(challenge_files, read_challenge),
}


def _saved(write: Callable[[Any], Any]) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def _arrow(table: pa.Table, begin: Callable[..., Any]) -> bytes:
    def write(to: io.BytesIO) -> None:
        with begin(to, table.schema) as writer:
            writer.write_table(table, max_chunksize=10)

    return _saved(write)


def _hdf5(to: io.BytesIO) -> None:
    with h5py.File(to, "w") as file:
        file.create_dataset("x", data=ROWS, chunks=(8, 3), compression="gzip")
        file.create_dataset("group/y", data=LABELS)
        file.create_dataset("names", data=[f"kind {i}" for i in LABELS])


def seeds(name: str) -> Iterator[tuple[str, bytes]]:
    """The valid files of a door."""
    yield from DOORS[name].seeds().items()
