"""Many small images in one file: a sheet of equal tiles. What is scored is not these but the images themselves."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from PIL import Image

from core.foundation.errors import InputError
from core.foundation.pictures import viewable

LONGEST = 16_383  # pixels a side that WebP can hold
FORMATS = ("WEBP",)
LARGE = 2 * 2**20  # bytes of a lossless sheet, above which it is packed with a loss that eyes do not see
QUALITY = 95  # a faint wave of 6 grey levels is still there


def pack(images: np.ndarray) -> bytes:
    """Images (n, h, w, c) uint8 as one WebP, lossless up to LARGE. Raises InputError where a sheet cannot hold them."""
    shown = viewable(images)
    n, h, w, c = shown.shape
    columns = columns_of(n)
    rows = math.ceil(n / columns)
    if rows * h > LONGEST or columns * w > LONGEST:
        raise InputError(f"{n:,} images of {w}x{h} pixels do not fit on a sheet; take fewer")
    padded = np.zeros((rows * columns, h, w, c), np.uint8)
    padded[:n] = shown
    sheet = padded.reshape(rows, columns, h, w, c).swapaxes(1, 2).reshape(rows * h, columns * w, c)
    picture = Image.fromarray(sheet[..., 0] if c == 1 else sheet).convert("RGB")
    exact = _webp(picture, lossless=True, quality=100)
    return exact if len(exact) <= LARGE else _webp(picture, quality=QUALITY)


def _webp(picture: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", method=6, **options)
    return buffer.getvalue()


def unpack(content: bytes, n: int, shape: tuple[int, int, int]) -> np.ndarray:
    """The images (n, h, w, c) uint8 of a sheet. Raises InputError for anything but the sheet that was expected."""
    h, w, c = shape
    columns = columns_of(n)
    rows = math.ceil(n / columns)
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.size != (columns * w, rows * h):  # before it is decoded: a small file can claim any size
                raise InputError(f"the sheet has {picture.width}x{picture.height} pixels, not {columns * w}x{rows * h}")
            sheet = np.asarray(picture.convert("RGB" if c == 3 else "L"))
    except InputError:
        raise
    except Exception as problem:  # noqa: BLE001 - Pillow raises a dozen kinds for a damaged file
        raise InputError(f"the sheet cannot be read ({type(problem).__name__})") from None
    tiles = sheet.reshape(rows, h, columns, w, c).swapaxes(1, 2).reshape(rows * columns, h, w, c)
    return np.ascontiguousarray(tiles[:n])


def columns_of(n: int) -> int:
    """Tiles in a line of a sheet of n: about a square."""
    return max(1, math.ceil(math.sqrt(n)))
