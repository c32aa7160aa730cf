"""Encoded image files to one array, in parallel, every one of them looked at and the broken ones named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice

import numpy as np

from core.datasets.base import MAX_BYTES, Report, tell
from core.datasets.levels import BYTES, FRACTION, WHOLE, Ends, Levels, levels_of, together
from core.datasets.picture import Picture, Source, decode
from core.foundation import devices
from core.foundation.errors import InputError

_CHUNK = 512  # images between two reports; only so many are ever held beside the array that they go into
_TASK = 16  # images that a thread takes at once: small ones decode faster than they are handed over
_NAMED = 3  # broken images that a message names before it only counts
_KINDS = (BYTES, WHOLE, FRACTION)
_ROWS = 1024  # images converted at a time


class UnlikeSizes(InputError):
    """Images of a set differ in size, and nothing was said about which they shall have."""


@dataclass(frozen=True)
class Decoded:
    """What could be read of some encoded images."""

    # (kept, h, w, c) in the order of the sources; one channel where all are grey, else three. uint8, or float32 until `levelled`
    # where an image has numbers that a byte does not hold
    images: np.ndarray
    kept: np.ndarray  # (n,) bool: which of the sources these are
    broken: tuple[tuple[str, str], ...]  # the name of each of the others, and why it cannot be read
    kinds: np.ndarray  # (kept,) int8: positions in _KINDS
    seen: Counter[str]  # what was done to how many images


def decode_all(
    sources: Iterable[Source],
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
    kept, broken, seen = np.zeros(n, bool), [], Counter[str]()
    upcoming = enumerate(sources)
    with ThreadPoolExecutor(max(1, devices.available_cores() - 1)) as pool:
        while chunk := list(islice(upcoming, _CHUNK)):
            tasks = [[source for _, source in chunk[start : start + _TASK]] for start in range(0, len(chunk), _TASK)]
            pictures = chain.from_iterable(pool.map(lambda task: [decode(source, size) for source in task], tasks))
            for (i, _), picture in zip(chunk, pictures, strict=True):
                if isinstance(picture, str):
                    broken.append((name(i), picture))
                    continue
                filled = filled or _Filled(n, picture.values.shape)
                filled.add(picture, partial(name, i))
                seen.update(picture.seen)
                kept[i] = True
            done = chunk[-1][0] + 1
            tell(report, f"Reading images: {done:,} of {n:,}", done / n)
    images = filled.images() if filled else np.zeros((0, 1, 1, 1), np.uint8)
    kinds = filled.kinds() if filled else np.zeros(0, np.int8)
    return Decoded(images, kept, tuple(broken), kinds, seen)


def levelled(parts: dict[str, Decoded], choice: str = "auto") -> tuple[list[Decoded], tuple[str, ...]]:
    """The parts of a set with uint8 images, and notes on how their levels were read and on what else was done to images.

    One scale for all images that hold the same kind of numbers. choice: see `levels_of`. Raises InputError.
    """
    notes, levels = [], {}
    used = [code for code in range(len(_KINDS)) if any((part.kinds == code).any() for part in parts.values())]
    for code in used:
        ends = {name: _ends(part, code) for name, part in parts.items() if (part.kinds == code).any()}
        asked = choice if len(used) == 1 or _KINDS[code] != BYTES else "auto"
        levels[code] = levels_of(ends, _KINDS[code], asked)
        notes.append(levels[code].note)
    count = sum((part.seen for part in parts.values()), Counter[str]())
    total = sum(len(part.images) for part in parts.values())
    notes += [f"{n:,} of {total:,} images {what}." for what, n in sorted(count.items())]
    done = [replace(part, images=_in_bytes(part, levels)) for part in parts.values()]
    return done, tuple(note for note in notes if note)


def _ends(part: Decoded, code: int) -> Ends:
    rows = np.flatnonzero(part.kinds == code)
    return together(Ends.of(part.images[rows[i : i + _ROWS]]) for i in range(0, len(rows), _ROWS))


def _in_bytes(part: Decoded, levels: dict[int, Levels]) -> np.ndarray:
    if part.images.dtype == np.uint8 and levels[_KINDS.index(BYTES)].plain:
        return part.images
    made = np.empty(part.images.shape, np.uint8)
    for code, scale in levels.items():
        rows = np.flatnonzero(part.kinds == code)
        for i in range(0, len(rows), _ROWS):
            some = rows[i : i + _ROWS]
            made[some] = scale.apply(part.images[some])
    return made


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
    """An array that grows full image by image; it gets its colours, and larger numbers, when the first such image comes."""

    def __init__(self, n: int, shape: tuple[int, ...]) -> None:
        _check_memory(n, shape)
        self._pixels = np.empty((n, *shape), np.uint8)
        self._kinds = np.zeros(n, np.int8)
        self._n = 0

    def add(self, picture: Picture, name: Callable[[], str]) -> None:
        array, shape = picture.values, self._pixels.shape[1:]
        if array.shape[:2] != shape[:2]:
            raise UnlikeSizes(
                f"{name()} is {_size(array.shape)} where the first is {_size(shape)}; "
                "set a size to resize all: --set dataset.size=32"
            )
        channels, dtype = max(array.shape[2], shape[2]), np.promote_types(array.dtype, self._pixels.dtype)
        if (channels, dtype) != (shape[2], self._pixels.dtype):
            wanted = (*shape[:2], channels)
            _check_memory(len(self._pixels), wanted, dtype.itemsize)
            before, self._pixels = self._pixels, np.empty((len(self._pixels), *wanted), dtype)
            self._pixels[: self._n] = before[: self._n]
        self._pixels[self._n] = array  # grey goes into all three channels by itself
        self._kinds[self._n] = _KINDS.index(picture.kind)
        self._n += 1

    def images(self) -> np.ndarray:
        return self._pixels[: self._n]

    def kinds(self) -> np.ndarray:
        return self._kinds[: self._n]


def _check_memory(n: int, shape: tuple[int, ...], itemsize: int = 1) -> None:
    if (needed := n * int(np.prod(shape)) * itemsize) > MAX_BYTES:
        raise InputError(
            f"{n:,} images of {_size(shape)} would take {needed / 2**30:.0f} GiB, more than {MAX_BYTES / 2**30:.0f}; "
            "resize them: --set dataset.size=32"
        )


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
