"""Pictures of rows as files within a report."""

from __future__ import annotations

import io
import math

import numpy as np
from PIL import Image

CRISP = 48  # pixels a side up to which pictures are kept without loss
QUALITY = 88  # of WebP, beyond
SHEET = 70  # of WebP, for the sheet of small pictures that a point shows


def as_image(pixels: np.ndarray) -> Image.Image:
    """(h, w, c) uint8 with 1 or 3 channels as a picture in colour."""
    return Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)).convert("RGB")


def webp(pixels: np.ndarray) -> bytes:
    """(h, w, c) uint8 as a file; small ones pixel by pixel as they are."""
    file = io.BytesIO()
    if max(pixels.shape[:2]) <= CRISP:
        as_image(pixels).save(file, "WEBP", lossless=True, method=2)
    else:
        as_image(pixels).save(file, "WEBP", quality=QUALITY, method=2)
    return file.getvalue()


def sheet(pictures: np.ndarray) -> tuple[bytes, int]:
    """(p, h, w, c) uint8 as one file, in rows of as many as the second value says."""
    p, height, width, channels = pictures.shape
    across = max(1, math.ceil(math.sqrt(p * height / width)))
    down = max(1, math.ceil(p / across))
    whole = np.zeros((down * across, height, width, channels), np.uint8)
    whole[:p] = pictures
    paper = whole.reshape(down, across, height, width, channels).swapaxes(1, 2)
    file = io.BytesIO()
    as_image(paper.reshape(down * height, across * width, channels)).save(file, "WEBP", quality=SHEET, method=2)
    return file.getvalue(), across


def smaller(pictures: np.ndarray, side: int) -> np.ndarray:
    """Pictures (p, h, w, c) with a longer side of at most that many pixels."""
    longest = max(pictures.shape[1:3], default=1)
    if longest <= side:
        return np.asarray(pictures)
    size = tuple(max(1, round(s * side / longest)) for s in pictures.shape[1:3])
    made = [np.asarray(as_image(one).resize(size[::-1], Image.Resampling.BOX)) for one in pictures]
    return np.stack(made) if made else np.zeros((0, *size, 3), np.uint8)
