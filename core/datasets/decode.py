"""Encoded image files to one uint8 array, in parallel, with the broken ones named."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from core import devices
from core.errors import InputError

MAX_PIXELS = 64_000_000  # an image above this is refused before it is decoded
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


def decode_all(sources: Sequence[bytes | Path], size: int | None, name: Callable[[int], str]) -> np.ndarray:
    """Decode images to (n, h, w, c) uint8.

    size: side to which every image is resized (centre crop to a square first); None keeps the size of the first
    image, which all must share. One channel where every image is grey, else three. name: what to call image i in
    an error. Raises InputError that names the first broken or odd-sized image.
    """

    def one(i: int) -> np.ndarray:
        source = sources[i]
        try:
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
                return _to_array(picture, size)
        except UnidentifiedImageError:
            raise InputError(f"{name(i)} cannot be read as an image (no known format); mend or remove it") from None
        except Exception as problem:  # noqa: BLE001 - Pillow raises a dozen kinds for a damaged file
            reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
            raise InputError(f"{name(i)} cannot be read as an image ({reason}); mend or remove it") from None

    with ThreadPoolExecutor(max(1, devices.available_cores() - 1)) as pool:
        arrays = list(pool.map(one, range(len(sources))))
    shape = arrays[0].shape[:2]
    for i, array in enumerate(arrays):
        if array.shape[:2] != shape:
            raise InputError(
                f"{name(i)} is {_size(array.shape)} where the first is {_size(shape)}; set a size to resize all"
            )
    if any(a.shape[2] == 3 for a in arrays):
        arrays = [a if a.shape[2] == 3 else np.repeat(a, 3, axis=2) for a in arrays]
    return np.stack(arrays)


def _to_array(picture: Image.Image, size: int | None) -> np.ndarray:
    if picture.width * picture.height > MAX_PIXELS:
        raise ValueError(f"{picture.width}x{picture.height} is more than {MAX_PIXELS:,} pixels")
    if picture.mode.startswith("I"):  # 16 bits a pixel; Pillow itself would clip at 255 instead of scaling
        deep = np.asarray(picture, dtype=np.float64)
        sixteen = picture.mode.startswith("I;16") or deep.max() > 255  # mode I alone does not say how deep it is
        picture = Image.fromarray(np.rint(deep / (257 if sixteen else 1)).clip(0, 255).astype(np.uint8))
    grey = picture.mode in ("1", "L", "LA")
    picture = picture.convert("L" if grey else "RGB")
    if size is not None:
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        picture = picture.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.LANCZOS)
    array = np.asarray(picture, dtype=np.uint8)
    return array[:, :, None] if grey else array


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
