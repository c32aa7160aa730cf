"""Images in parquet files as Hugging Face lays them out: a column of encoded images and a column of labels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.datasets.base import Dataset, Report, stratified_split
from core.datasets.checks import checked, readable
from core.datasets.decode import Decoded, decode_all, settle
from core.foundation.errors import InputError
from core.foundation.images import ImageData, Split
from core.foundation.params import param

MAX_CLASSES = 10_000
_ROWS = 512  # copied out of the table at a time


@dataclass(frozen=True)
class ImageParquet(Dataset):
    """A parquet file, or a folder with train*.parquet and, if there is one, test*.parquet (or validation*.parquet)."""

    key: ClassVar[str] = "parquet"
    title: ClassVar[str] = "Image parquet"
    summary: ClassVar[str] = "Parquet files in the layout of Hugging Face: encoded images and labels."
    training: ClassVar = {"epochs": 14, "batch_size": 128, "crop": 4}
    source: ClassVar[int] = 9  # CIFAR-10: truck
    target: ClassVar[int] = 4  # CIFAR-10: deer
    poisons: ClassVar[int] = 500

    path: str = param("", "A parquet file, or a folder that holds train*.parquet and test*.parquet")
    size: int | None = param(None, "Resize to this side; empty keeps the size", unit="pixels", low=8, high=256)
    mirror: bool = param(True, "A mirrored image keeps its meaning (photographs: yes; digits, signs: no)")
    test_share: float = param(0.2, "Share held out where there is no test file", low=0.05, high=0.5, step=0.05)
    skip_broken: bool = param(False, "Leave out images that cannot be read, instead of stopping")

    def load(self, seed: int, report: Report | None = None) -> Split:
        if not self.path:
            raise InputError("give the parquet file or its folder: --data PATH")
        groups = [files for files in _find_files(Path(self.path).expanduser()) if files]
        tables = [_Table(files) for files in groups]
        decoded = [table.decode(self.size, report) for table in tables]
        notes = settle(decoded, self.skip_broken)
        parts = [table.data(images) for table, images in zip(tables, decoded, strict=True)]
        if len(parts) == 1:
            return checked(stratified_split(parts[0], self.test_share, seed, flip=self.mirror, notes=notes))
        train, test = _same_classes(*parts)
        if test.images.shape[1:] != train.images.shape[1:]:
            raise InputError("training and test images differ in size; set a size to resize all: --set dataset.size=32")
        return checked(Split(train, test, self.mirror, notes))


def _same_classes(train: ImageData, test: ImageData) -> tuple[ImageData, ImageData]:
    """Both with the same class names and channels. Raises InputError where they name or have different classes."""
    names = max(train.class_names, test.class_names, key=len)  # without names in the file, the largest label counts
    if any(d.class_names != names[: len(d.class_names)] for d in (train, test)):
        raise InputError("the training and the test file name different classes")
    if missing := set(np.unique(test.labels)) - set(np.unique(train.labels)):
        raise InputError(f"the test file has the class '{names[min(missing)]}', which the training file lacks")
    channels = max(train.images.shape[3], test.images.shape[3])
    train, test = (ImageData(d.images, d.labels, names).with_channels(channels) for d in (train, test))
    return train, test


def _find_files(path: Path) -> tuple[list[Path], list[Path]]:
    if path.is_file():
        return [path], []
    if not path.is_dir():
        raise InputError(f"{path} does not exist; give a parquet file or a folder of them")
    train = sorted(path.glob("train*.parquet"))
    test = sorted(path.glob("test*.parquet")) or sorted(path.glob("validation*.parquet"))
    if not train:
        raise InputError(f"{path} holds no train*.parquet")
    return train, test


class _Table:
    """The rows of some parquet files, still encoded."""

    def __init__(self, files: Sequence[Path]) -> None:
        import pyarrow as pa

        self._files = files
        parts = [_open(file) for file in files]
        self._starts = np.cumsum([0, *(part.num_rows for part in parts)])
        try:
            table = pa.concat_tables(parts, promote_options="default")
        except pa.ArrowException:
            raise InputError(f"{files[0].name} and the files beside it differ in their columns") from None
        if table.num_rows == 0:
            raise InputError(f"{files[0].name} has no rows")
        image_column, label_column = _columns(table)
        self._labels, self._names = _labels(table, label_column)
        self._cells = table.column(image_column)

    def decode(self, size: int | None, report: Report | None) -> Decoded:
        return decode_all(self._encoded(), len(self._labels), size, self._place, report)

    def data(self, decoded: Decoded) -> ImageData:
        return readable(decoded.images, self._labels, decoded.kept, self._names)

    def _encoded(self) -> Iterator[bytes]:
        """The bytes of each row, copied out of the table a few at a time; none where the cell is empty."""
        for start in range(0, len(self._labels), _ROWS):
            for cell in self._cells.slice(start, _ROWS).to_pylist():
                data = cell.get("bytes") if isinstance(cell, dict) else cell
                yield data if isinstance(data, bytes) else b""

    def _place(self, row: int) -> str:
        part = int(np.searchsorted(self._starts, row, side="right")) - 1
        return f"{self._files[part].name}, row {row - self._starts[part]}"


def _open(file: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if file.stat().st_size == 0:
            raise InputError(f"{file.name} is empty (0 bytes), so it is no parquet file; fetch or write it again")
        return pq.read_table(file)
    except (OSError, pa.ArrowException) as problem:
        reason = str(problem).splitlines()[0].rstrip(".")
        raise InputError(f"{file.name} is not a readable parquet file ({reason}); fetch or write it again") from None


def _columns(table: Any) -> tuple[str, str]:
    import pyarrow.types as kinds

    images = [
        f.name
        for f in table.schema
        if kinds.is_struct(f.type) or kinds.is_binary(f.type) or kinds.is_large_binary(f.type)
    ]
    whole = [f.name for f in table.schema if kinds.is_integer(f.type)]
    labels = [n for n in whole if "label" in n.lower()] or whole
    if not images or not labels:
        raise InputError(
            f"no column of encoded images and of whole-number labels among: {', '.join(table.schema.names)}"
        )
    return images[0], labels[0]


def _labels(table: Any, column: str) -> tuple[np.ndarray, tuple[str, ...]]:
    values = table.column(column)
    if values.null_count:
        raise InputError(f"column '{column}' has {values.null_count} empty label(s)")
    labels = values.to_numpy().astype(np.int64)
    if labels.min() < 0:
        raise InputError(f"column '{column}' has negative labels; rows without a label cannot be used")
    if labels.max() >= MAX_CLASSES:
        raise InputError(f"column '{column}' has the label {labels.max()}; labels must lie below {MAX_CLASSES:,}")
    names = _class_names(table.schema.metadata or {}, column)
    if len(names) <= labels.max():
        names = tuple(str(i) for i in range(int(labels.max()) + 1))
    return labels, names


def _class_names(metadata: dict[bytes, bytes], column: str) -> tuple[str, ...]:
    """Class names from the metadata that Hugging Face writes into the file, if they are there."""
    try:
        info = json.loads(metadata[b"huggingface"])
        return tuple(str(n) for n in info["info"]["features"][column]["names"])
    except (KeyError, TypeError, ValueError):
        return ()
