"""What was read of a set, as JSON values: classes, counts, shape, levels, columns, and what was left out."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.datasets.checks import class_counts
from core.foundation.images import ImageData, Split

_ROWS = 4096  # images whose levels are summed at a time


def account(split: Split) -> dict[str, Any]:
    """What `data` writes; keys and their meaning: docs/formats.md."""
    height, width, channels = split.train.images.shape[1:]
    reading = split.reading
    return {
        "kind": reading.kind,
        "class_names": list(split.train.class_names),
        "train": _counts(split.train),
        "test": _counts(split.test) if len(split.test) else None,
        "image_shape": [height, width, channels],
        "levels": mean_levels(split.train),
        "test_levels": mean_levels(split.test) if len(split.test) else None,
        "columns": dict(zip(("image", "label"), reading.columns, strict=True)) if reading.columns else None,
        "split": reading.split if len(split.test) else "none",
        "left_out": [{"what": one.what, "count": one.count, "why": one.why} for one in reading.left_out],
        "notes": list(split.notes),
    }


def mean_levels(data: ImageData) -> list[float | None]:
    """The mean level of each class's images, 0 to 255, to one decimal; None for a class without images."""
    sums = np.zeros(len(data.class_names))
    for start in range(0, len(data), _ROWS):
        part = slice(start, start + _ROWS)
        means = data.images[part].mean(axis=(1, 2, 3), dtype=np.float64)
        sums += np.bincount(data.labels[part], means, minlength=len(sums))
    counts = class_counts(data)
    return [
        round(total / count, 1) if count else None for total, count in zip(sums.tolist(), counts.tolist(), strict=True)
    ]


def _counts(data: ImageData) -> dict[str, Any]:
    return {"images": len(data), "per_class": class_counts(data).tolist()}
