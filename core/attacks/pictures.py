"""Pictures and colours that a user brings for a trigger."""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor

from core.attacks.base import LUMA
from core.foundation.errors import InputError

LIMIT = 4096  # pixels a side: a larger picture is refused before it is decoded
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")


def parse_colour(text: str) -> tuple[int, int, int]:
    """A colour by its HTML name or as #rrggbb. Raises InputError."""
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except (ValueError, AttributeError):
        raise InputError(f"'{text}' is not a colour; give a name such as white, or #rrggbb") from None
    return red, green, blue


def read_picture(path: str, height: int, width: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture resized to (height, width): levels (h, w, channels) and opacity (h, w, 1) in 0..1, both float32.

    Images of 3 channels get its colours, others its brightness in every channel. Raises InputError for a file that is
    missing, no picture, or too large.
    """
    try:
        file = Path(path).expanduser()
        stamp = file.stat().st_mtime_ns
    except (OSError, ValueError, RuntimeError):  # not there, a null byte, the home of a user who does not exist
        raise InputError(f"there is no picture at {path}; give the path of a PNG or JPEG") from None
    rgba = _read(str(file), stamp, height, width)
    levels, opacity = rgba[..., :3], rgba[..., 3:] / 255
    if channels != 3:
        levels = np.repeat((levels @ LUMA.astype(np.float32))[..., None], channels, axis=2)
    return levels, opacity


@lru_cache(maxsize=32)  # a preview asks for the same picture at every change of a widget
def _read(path: str, stamp: int, height: int, width: int) -> np.ndarray:
    try:
        with warnings.catch_warnings(), Image.open(path, formats=FORMATS) as picture:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            if max(picture.size) > LIMIT:
                raise InputError(
                    f"{Path(path).name} has {picture.width}x{picture.height} pixels; at most {LIMIT} a side are read"
                )
            rgba = picture.convert("RGBA").resize((width, height), Image.Resampling.LANCZOS)
    except InputError:
        raise
    except Exception as problem:  # noqa: BLE001 - Pillow raises a dozen kinds for a damaged file
        reason = type(problem).__name__
        raise InputError(f"{Path(path).name} cannot be read as a picture ({reason}); give a PNG or JPEG") from None
    return np.asarray(rgba, np.float32)
