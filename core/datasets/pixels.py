"""Arrays of pixels as people store them -> uint8 with the channels last. What had to be guessed is told."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from core.datasets.base import MAX_BYTES
from core.datasets.levels import BYTES, FRACTION, WHOLE, Ends, Levels, levels_of, together
from core.foundation.errors import InputError
from core.foundation.images import MAX_CHANNELS

BOOL = "b"
_ROWS = 1024  # images converted at a time, so that little is held beside the arrays themselves


def as_nhwc(arrays: dict[str, np.ndarray], layout: str = "auto") -> tuple[dict[str, np.ndarray], str]:
    """Views (n, h, w, c) of arrays that share a layout, and a note where it was guessed and is not the plain one.

    arrays: (n, h, w), (n, h, w, c) or (n, c, h, w), of one size, by name. Raises InputError for other shapes, and
    where the shape does not say which axis is the channels.
    """
    first = next(iter(arrays))
    shape = arrays[first].shape
    for name, array in arrays.items():
        if array.ndim not in (3, 4):
            raise InputError(f"'{name}' must be (n, height, width) or that with channels, not {array.shape}")
        if array.shape[1:] != shape[1:]:
            raise InputError(f"'{name}' has images {array.shape[1:]} where '{first}' has {shape[1:]}; make them alike")
        if not all(array.shape):
            raise InputError(f"'{name}' is empty: {array.shape}")
    if len(shape) == 3:
        return {name: array[..., None] for name, array in arrays.items()}, ""
    found = _layout(first, shape) if layout == "auto" else layout
    if found == "NCHW":
        arrays = {name: array.transpose(0, 2, 3, 1) for name, array in arrays.items()}
    _, height, width, channels = arrays[first].shape
    if channels > MAX_CHANNELS:
        raise InputError(
            f"'{first}' read as {found} has {channels} channels, more than {MAX_CHANNELS}; try --set dataset.layout="
            + ("NHWC" if found == "NCHW" else "NCHW")
        )
    plain = found == "NHWC" and channels in (1, 3)
    note = (
        f"The axes were read as {found}: {width}x{height} with {channels} channel{'s' * (channels > 1)}; if that is "
        "wrong, set dataset.layout."
    )
    return arrays, "" if layout != "auto" or plain else note


def _layout(name: str, shape: tuple[int, ...]) -> str:
    """NHWC or NCHW, by which end could be channels: square images decide, then an end far smaller than the other."""
    _, a, b, c = shape
    last, first = c <= MAX_CHANNELS, a <= MAX_CHANNELS
    if last and a == b != c:
        return "NHWC"
    if first and b == c != a:
        return "NCHW"
    if last and (not first or 4 * c <= a):
        return "NHWC"
    if first and (not last or 4 * a <= c):
        return "NCHW"
    raise InputError(
        f"'{name}' is {shape}, which does not say where its channels are; add --set dataset.layout=NHWC if they are last "
        "(height, width, channels), NCHW if they are first"
    )


def as_uint8(arrays: dict[str, np.ndarray], levels: str = "auto") -> tuple[list[np.ndarray], tuple[str, ...]]:
    """All arrays (n, h, w, c) as contiguous uint8, and notes of what levels they were taken to have.

    Bytes, other whole numbers and numbers with a fraction have a scale each, decided over all arrays of that kind at once.
    levels: see `levels_of`. Raises InputError for other types and ranges, and for values that are not finite, with the row.
    """
    if sum(array.size for array in arrays.values()) > MAX_BYTES:
        raise InputError(f"the images would take more than {MAX_BYTES / 2**30:g} GiB; give fewer or smaller ones")
    kinds = {name: _kind(name, array) for name, array in arrays.items()}
    scales: dict[str, Levels] = {}
    notes = []
    for kind in dict.fromkeys(kinds.values()):
        if kind == BOOL:
            scales[kind] = Levels(0, 1, "True was read as white.")
        else:
            ends = {name: _ends(name, array) for name, array in arrays.items() if kinds[name] == kind}
            scales[kind] = levels_of(ends, kind, levels if kind != BYTES or len(set(kinds.values())) == 1 else "auto")
        notes.append(scales[kind].note)
    made = [_in_bytes(array, scales[kinds[name]]) for name, array in arrays.items()]
    return made, tuple(note for note in notes if note)


def _kind(name: str, array: np.ndarray) -> str:
    if array.dtype.kind not in "uifb":
        raise InputError(f"'{name}' must hold numbers, not {array.dtype}")
    return BYTES if array.dtype == np.uint8 else {"b": BOOL, "f": FRACTION}.get(array.dtype.kind, WHOLE)


def _ends(name: str, array: np.ndarray) -> Ends:
    """Raises InputError that names the first row with a value that is not finite."""
    ends = []
    for start, part in _parts(array):
        if array.dtype.kind == "f" and not (finite := np.isfinite(part).all(axis=(1, 2, 3))).all():
            row = start + int(np.flatnonzero(~finite)[0])
            raise InputError(f"'{name}' has values that are not finite in row {row}; mend or remove that image")
        ends.append(Ends.of(part))
    return together(ends)


def _in_bytes(array: np.ndarray, levels: Levels) -> np.ndarray:
    if array.dtype == np.uint8 and levels.plain:
        return np.ascontiguousarray(array)
    made = np.empty(array.shape, np.uint8)
    for start, part in _parts(array):
        made[start : start + len(part)] = levels.apply(part)
    return made


def _parts(array: np.ndarray) -> Iterable[tuple[int, np.ndarray]]:
    return ((start, array[start : start + _ROWS]) for start in range(0, len(array), _ROWS))
