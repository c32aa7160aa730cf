"""Pictures that a visitor uploads: checked, made anew, and kept beside the runs under a name of our own.

What is uploaded is hostile until shown otherwise. Its name is never used, its size is bounded before it is decoded, and
only its pixels are kept: they are written again as a PNG, so nothing else that was in the file survives.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from pathlib import Path

from PIL import Image, ImageOps

from core.attacks.pictures import FORMATS, LIMIT
from core.foundation.errors import InputError
from core.foundation.files import replacing

TYPES = ("png", "jpg", "jpeg", "webp", "bmp", "gif")
MEGABYTES = 5
KEPT = 1024  # pixels a side that are kept; a trigger has at most 256


def store_picture(content: bytes, runs: Path) -> Path:
    """Keep a picture below the folder of runs; returns its absolute path, `.uploads/<hash>.png`.

    The same picture is kept once. Raises InputError for what is too large or no picture, and where it cannot be written.
    """
    if len(content) > MEGABYTES * 10**6:
        raise InputError(f"the picture has {len(content) / 1e6:.1f} MB; at most {MEGABYTES} MB are taken")
    made = _as_png(content)
    folder = runs.resolve() / ".uploads"  # no run has a name with a dot in front
    path = folder / f"{hashlib.sha256(made).hexdigest()[:16]}.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            with replacing(path) as aside:
                aside.write_bytes(made)
    except OSError as problem:
        raise InputError(f"the picture cannot be kept in {folder} ({problem.strerror})") from None
    return path


def _as_png(content: bytes) -> bytes:
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            if max(picture.size) > LIMIT:
                raise InputError(f"the picture has {picture.width}x{picture.height} pixels; at most {LIMIT} a side")
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except InputError:
        raise
    except Exception as problem:  # noqa: BLE001 - Pillow raises a dozen kinds for a damaged file
        raise InputError(
            f"this file cannot be read as a picture ({type(problem).__name__}); give a PNG, JPEG, WebP, BMP or GIF"
        ) from None
    upright.thumbnail((KEPT, KEPT), Image.Resampling.LANCZOS)
    clean = Image.new("RGBA", upright.size)
    clean.paste(upright)  # pixels alone: no comments, no profiles, no place where it was taken
    buffer = io.BytesIO()
    clean.save(buffer, "PNG")
    return buffer.getvalue()
