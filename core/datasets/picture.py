"""One encoded image -> numbers: turned upright, laid on white where it is transparent, cropped and resized."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from core.datasets.levels import BYTES, FRACTION, WHOLE

MAX_PIXELS = 64_000_000  # an image above this is refused before it is decoded
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

# Formats of pictures that Pillow reads by itself. Not: what it hands to another program (EPS), mere containers, and drawings.
FORMATS = ("PNG", "JPEG", "MPO", "GIF", "BMP", "DIB", "WEBP", "AVIF", "TIFF", "PPM", "JPEG2000", "TGA", "QOI", "PCX")
_WITH_FRAMES = ("GIF", "WEBP", "TIFF", "PNG", "AVIF")
_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP  ", b"qoif")
_ORIENTATION = 0x0112
_UPRIGHT = (None, 1)

TRANSPARENT = "have transparent parts and were laid on white"
TURNED = "were turned upright as their EXIF mark says"
FRAMES = "hold several frames, of which the first is read"


@cache
def formats() -> tuple[str, ...]:
    """Those that can be read here; which they are depends on how Pillow was built."""
    Image.init()
    return tuple(form for form in FORMATS if form in Image.OPEN)


@cache
def suffixes() -> frozenset[str]:
    """Of the files that can be read here, in lower case with the dot."""
    return frozenset(suffix for suffix, form in Image.registered_extensions().items() if form in formats())


def looks_like_image(head: bytes) -> bool:
    """By the first 16 bytes of a file, where its name says nothing."""
    return head.startswith(_SIGNATURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP") or head[4:12] == b"ftypavif"


Source = (
    bytes | Path | np.ndarray | str
)  # an encoded image, its file, its numbers, or in words why there is none of them


@dataclass(frozen=True)
class Picture:
    """A decoded image."""

    values: (
        np.ndarray
    )  # (h, w, c), c = 1 where it is grey, else 3: uint8, or float32 where a byte does not hold its numbers
    kind: str  # BYTES, WHOLE or FRACTION
    seen: tuple[str, ...] = ()  # what was done to it that the user should know


def decode(source: Source, size: int | None) -> Picture | str:
    """One image, or in words why it cannot be read. size: side of the square to which it is cropped and resized."""
    if isinstance(source, str):
        return source
    if isinstance(source, np.ndarray):
        return _of_numbers(source, size)
    try:
        if not (len(source) if isinstance(source, bytes) else source.stat().st_size):
            return "it is empty: 0 bytes"
        file = io.BytesIO(source) if isinstance(source, bytes) else source
        with Image.open(file, formats=formats()) as image:
            return _picture(image, size)
    except UnidentifiedImageError:
        return "no known format"
    except OSError as problem:
        return problem.strerror or str(problem).splitlines()[0]
    except Exception as problem:  # noqa: BLE001 - Pillow raises a dozen kinds for a damaged file
        return str(problem).splitlines()[0] if str(problem) else type(problem).__name__


def _picture(image: Image.Image, size: int | None) -> Picture:
    if image.width * image.height > MAX_PIXELS:
        raise ValueError(f"{image.width}x{image.height} is more than {MAX_PIXELS:,} pixels")
    seen = []
    if image.format in _WITH_FRAMES and getattr(image, "is_animated", False):
        seen.append(FRAMES)
    if image.getexif().get(_ORIENTATION) not in _UPRIGHT:
        image = ImageOps.exif_transpose(image)
        seen.append(TURNED)
    if image.mode.startswith("I") or image.mode == "F":  # Pillow itself would cut off at 255
        kind = FRACTION if image.mode == "F" else WHOLE
        return Picture(_deep(np.asarray(image).astype(np.float32), size)[:, :, None], kind, tuple(seen))
    if image.has_transparency_data:
        image, clear = _on_white(image)
        seen += [TRANSPARENT] * clear
    grey = image.mode in ("1", "L")
    array = np.asarray(_resized(image.convert("L" if grey else "RGB"), size), dtype=np.uint8)
    return Picture(array[:, :, None] if grey else array, BYTES, tuple(seen))


def _of_numbers(values: np.ndarray, size: int | None) -> Picture | str:
    """An image (h, w), (h, w, c) or (c, h, w) of 1 or 3 channels."""
    if values.ndim == 2:
        values = values[:, :, None]
    if values.ndim == 3 and values.shape[2] not in (1, 3) and values.shape[0] in (1, 3):
        values = values.transpose(1, 2, 0)
    if values.ndim != 3 or values.shape[2] not in (1, 3) or not values.size or values.dtype.kind not in "uif":
        return f"its numbers are {values.shape} {values.dtype}, which is no image of 1 or 3 channels"
    kind = BYTES if values.dtype == np.uint8 else FRACTION if values.dtype.kind == "f" else WHOLE
    try:
        layers = [_deep(values[:, :, i].astype(np.float32), size) for i in range(values.shape[2])]
    except ValueError as problem:
        return str(problem)
    made = np.stack(layers, axis=2)
    return Picture(np.rint(made).astype(np.uint8) if kind == BYTES else made, kind)


def _deep(values: np.ndarray, size: int | None) -> np.ndarray:
    """Resized, within the range that the image had: interpolation goes beyond it."""
    if not np.isfinite(values).all():
        raise ValueError("it has values that are not finite")
    if size is None:
        return values
    return np.asarray(_resized(Image.fromarray(values), size)).clip(values.min(), values.max())


def _on_white(image: Image.Image) -> tuple[Image.Image, bool]:
    """The image without its transparency, and whether any of it was transparent."""
    grey = image.mode in ("1", "L", "LA", "La")
    layered = image.convert("RGBA")
    opacity = layered.getchannel("A")
    clear = opacity.getextrema()[0] != 255
    if clear:
        layered = Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered)
    return layered.convert("L" if grey else "RGB"), clear


def _resized(image: Image.Image, size: int | None) -> Image.Image:
    """The middle square of it, brought to that side."""
    if size is None:
        return image
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.LANCZOS)
