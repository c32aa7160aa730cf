"""Makers of images, files and runs that several tests share, and the command line called in this process."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from core.experiment import RunConfig
from core.foundation.images import ImageData
from core.runs import RunFolder


@dataclass(frozen=True)
class Outcome:
    """What a command line left behind."""

    status: int
    out: str
    err: str


def check_refused(outcome: Outcome, *words: str) -> None:
    """Exit status 2, nothing on stdout, one line on stderr that holds all the words."""
    assert (outcome.status, outcome.out) == (2, ""), outcome
    assert outcome.err.startswith("error: "), outcome.err
    assert outcome.err.count("\n") == 1, f"more than one line: {outcome.err}"
    assert outcome.err.endswith("\n")
    for word in words:
        assert word in outcome.err


def coloured(
    per_class: int = 40, *, classes: int = 2, size: int = 16, channels: int = 3, noise: int = 20, seed: int = 0
) -> ImageData:
    """Images that a glance tells apart: each class has its own brightness, plus noise. In a shuffled order."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(per_class * classes) % classes)
    levels = np.linspace(60, 190, classes)[labels]
    images = levels[:, None, None, None] + rng.uniform(-noise, noise, (len(labels), size, size, channels))
    names = tuple(f"class {'abcdefghij'[i]}" for i in range(classes))
    return ImageData(images.round().astype(np.uint8), labels.astype(np.int64), names)


def noise_images(n: int, size: int = 32, channels: int = 3, seed: int = 0, low: int = 0, high: int = 256) -> np.ndarray:
    """Random images (n, size, size, channels) uint8 with values low..high - 1."""
    return np.random.default_rng(seed).integers(low, high, (n, size, size, channels), dtype=np.uint8)


def encode(image: np.ndarray, kind: str = "PNG") -> bytes:
    """One image (h, w), (h, w, 1) or (h, w, 3) as the bytes of an image file."""
    buffer = io.BytesIO()
    Image.fromarray(image[:, :, 0] if image.ndim == 3 and image.shape[2] == 1 else image).save(buffer, kind)
    return buffer.getvalue()


def write_folder(root: Path, data: ImageData) -> Path:
    """`root/class/00001.png`, in the order of the rows."""
    for row, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        file = root / data.class_names[label] / f"{row:05d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encode(image))
    return root


def write_parquet(
    path: Path,
    cells: Sequence[bytes | None],
    labels: Sequence[int | None] | None,
    *,
    names: Sequence[str] = (),
    image_column: str = "image",
    label_column: str = "label",
) -> Path:
    """A parquet file as Hugging Face's `datasets` writes it: struct{bytes, path}, labels, and its metadata."""
    image_type = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = [{"bytes": cell, "path": f"{i}.png"} for i, cell in enumerate(cells)]
    columns: dict[str, Any] = {image_column: pa.array(rows, image_type)}
    features: dict[str, Any] = {image_column: {"_type": "Image"}}
    if labels is not None:
        columns[label_column] = pa.array(labels, pa.int64())
        features[label_column] = {"names": list(names), "_type": "ClassLabel"}
    table = pa.table(columns)
    if names:
        info = {"info": {"features": features}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return path


def write_image_parquet(path: Path, data: ImageData, *, with_names: bool = True) -> Path:
    """The images as PNGs in one parquet file."""
    cells = [encode(image) for image in data.images]
    return write_parquet(path, cells, data.labels.tolist(), names=data.class_names if with_names else ())


def tiny_config(folder: Path, **changes: Any) -> RunConfig:
    """A run of two epochs on a folder of 16x16 images with at least two classes; takes about a second."""
    settings: dict[str, Any] = {
        "dataset": "folder",
        "dataset_options": {"path": str(folder), "size": 16},
        "attack_options": {"size": 3, "inset": 1},
        "poisons": 6,
        "source": 0,
        "target": 1,
        "model_options": {"width": 4},
        "training": {"epochs": 2, "batch_size": 16},
        "seed": 3,
        "device": "cpu",
    }
    return RunConfig(**{**settings, **changes})


def forget(run: RunFolder, *stages: str) -> None:
    """As if the run had been stopped before these stages."""
    result = run.result
    for name in stages:
        del result["seconds"][name]
    run.write_json("result.json", result)
