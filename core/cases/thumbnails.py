"""Pictures of all rows, small enough to be kept beside the audit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from core.cases.folder import SIDE
from core.foundation.pictures import viewable
from core.foundation.tensors import to_device

BATCH = 256


def write_thumbnails(images: np.ndarray, path: Path, on_step: Callable[[float], None] | None = None) -> None:
    """Images (n, h, w, c) uint8 as .npy with a longer side of at most SIDE pixels; smaller ones stay as they are."""
    shown = viewable(images)
    n, height, width, channels = shown.shape
    scale = min(1.0, SIDE / max(height, width))
    small = max(1, round(height * scale)), max(1, round(width * scale))
    kept = np.lib.format.open_memmap(path, "w+", np.uint8, (n, *small, channels))
    for first in range(0, n, BATCH):
        batch = shown[first : first + BATCH]
        kept[first : first + len(batch)] = batch if scale == 1 else _resized(batch, small)
        if on_step:
            on_step(min(1.0, (first + BATCH) / n))
    del kept  # written back before the file gets its name


def _resized(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    pixels = to_device(images, torch.device("cpu")).to(torch.float32)
    made = torch.nn.functional.interpolate(pixels, size, mode="bilinear", antialias=True).round().clamp(0, 255)
    return made.permute(0, 2, 3, 1).to(torch.uint8).numpy()
