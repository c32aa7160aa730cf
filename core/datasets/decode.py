"""Encoded image files to one uint8 array, in parallel, every one of them looked at and the broken ones named."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from core.datasets.base import MAX_BYTES, Report, tell
from core.foundation import devices
from core.foundation.errors import InputError

MAX_PIXELS = 64_000_000  # an image above this is refused before it is decoded
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

_CHUNK = 512  # images between two reports; only so many are ever held beside the array that they go into
_TASK = 16  # images that a thread takes at once: small ones decode faster than they are handed over
_NAMED = 3  # broken images that a message names before it only counts


@dataclass(frozen=True)
class Decoded:
    """What could be read of some encoded images."""

    images: np.ndarray  # (kept, h, w, c) uint8, in the order of the sources; one channel where all are grey, else three
    kept: np.ndarray  # (n,) bool: which of the sources these are
    broken: tuple[tuple[str, str], ...]  # the name of each of the others, and why it cannot be read


def decode_all(
    sources: Iterable[bytes | Path],
    n: int,
    size: int | None,
    name: Callable[[int], str],
    report: Report | None = None,
) -> Decoded:
    """Decode n images, leaving out what cannot be read; `settle` says what becomes of that.

    size: side to which every image is resized (centre crop to a square first); None keeps the size of the first
    image, which all must share. name: what to call image i in a message. Raises InputError that names the first
    image of another size, and for more than MAX_BYTES of pixels.
    """
    filled: _Filled | None = None
    kept, broken = np.zeros(n, bool), []
    upcoming = enumerate(sources)
    with ThreadPoolExecutor(max(1, devices.available_cores() - 1)) as pool:
        while chunk := list(islice(upcoming, _CHUNK)):
            tasks = [[source for _, source in chunk[start : start + _TASK]] for start in range(0, len(chunk), _TASK)]
            arrays = chain.from_iterable(pool.map(lambda task: [_decode(source, size) for source in task], tasks))
            for (i, _), array in zip(chunk, arrays, strict=True):
                if isinstance(array, str):
                    broken.append((name(i), array))
                    continue
                filled = filled or _Filled(n, array.shape)
                filled.add(array, partial(name, i))
                kept[i] = True
            done = chunk[-1][0] + 1
            tell(report, f"Reading images: {done:,} of {n:,}", done / n)
    images = filled.images() if filled else np.zeros((0, 1, 1, 1), np.uint8)
    return Decoded(images, kept, tuple(broken))


def settle(parts: Sequence[Decoded], skip_broken: bool) -> tuple[str, ...]:
    """What becomes of the broken images of a set: a note where they are to be left out, else InputError naming them."""
    broken = [one for part in parts for one in part.broken]
    if not broken:
        return ()
    shown = ", ".join(f"{name} ({reason})" for name, reason in broken[:_NAMED])
    if len(broken) > _NAMED:
        shown += f" and {len(broken) - _NAMED:,} more"
    if any(not part.kept.any() for part in parts):
        raise InputError(f"none of the images can be read: {shown}; check the path and the format")
    if skip_broken:
        were = "image could not be read and was" if len(broken) == 1 else "images could not be read and were"
        return (f"{len(broken):,} {were} left out: {shown}.",)
    total = sum(len(part.kept) for part in parts)
    advice = "mend or remove {0}, or go on without {0}: --set dataset.skip_broken=true"
    if len(broken) == 1:
        name, reason = broken[0]
        raise InputError(f"{name} cannot be read as an image ({reason}); {advice.format('it')}")
    raise InputError(f"{len(broken):,} of {total:,} images cannot be read: {shown}; {advice.format('them')}")


class _Filled:
    """An array that grows full image by image, and gets its colours when the first colour image comes."""

    def __init__(self, n: int, shape: tuple[int, ...]) -> None:
        _check_memory(n, shape)
        self._pixels = np.empty((n, *shape), np.uint8)
        self._n = 0

    def add(self, array: np.ndarray, name: Callable[[], str]) -> None:
        shape = self._pixels.shape[1:]
        if array.shape[:2] != shape[:2]:
            raise InputError(
                f"{name()} is {_size(array.shape)} where the first is {_size(shape)}; "
                "set a size to resize all: --set dataset.size=32"
            )
        if array.shape[2] > shape[2]:
            _check_memory(len(self._pixels), array.shape)
            grey, self._pixels = self._pixels, np.empty((len(self._pixels), *array.shape), np.uint8)
            self._pixels[: self._n] = grey[: self._n]
        self._pixels[self._n] = array  # grey goes into all three channels by itself
        self._n += 1

    def images(self) -> np.ndarray:
        return self._pixels[: self._n]


def _check_memory(n: int, shape: tuple[int, ...]) -> None:
    if (needed := n * int(np.prod(shape))) > MAX_BYTES:
        raise InputError(
            f"{n:,} images of {_size(shape)} would take {needed / 2**30:.0f} GiB, more than {MAX_BYTES / 2**30:.0f}; "
            "resize them: --set dataset.size=32"
        )


def _decode(source: bytes | Path, size: int | None) -> np.ndarray | str:
    """One image, or in words why it cannot be read."""
    try:
        if not (len(source) if isinstance(source, bytes) else source.stat().st_size):
            return "it is empty: 0 bytes"
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
            return _to_array(picture, size)
    except UnidentifiedImageError:
        return "no known format"
    except OSError as problem:
        return problem.strerror or str(problem).splitlines()[0]
    except Exception as problem:  # noqa: BLE001 - Pillow raises a dozen kinds for a damaged file
        return str(problem).splitlines()[0] if str(problem) else type(problem).__name__


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
