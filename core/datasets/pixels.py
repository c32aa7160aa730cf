"""Arrays of pixels as people store them -> uint8 with the channels last. What had to be guessed is told."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from core.datasets.base import MAX_BYTES
from core.foundation.errors import InputError
from core.foundation.images import MAX_CHANNELS

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


def as_uint8(arrays: dict[str, np.ndarray]) -> tuple[list[np.ndarray], str]:
    """All arrays (n, h, w, c) as contiguous uint8, and a note of what range they were taken to have.

    Numbers with a fraction may run over 0..1 or 0..255, whole numbers over 0..255; which, is decided over all arrays
    at once. Raises InputError for other types and ranges, and for values that are not finite, with the row.
    """
    if sum(array.size for array in arrays.values()) > MAX_BYTES:
        raise InputError(f"the images would take more than {MAX_BYTES / 2**30:g} GiB; give fewer or smaller ones")
    kinds = {array.dtype.kind for array in arrays.values()}
    for name, array in arrays.items():
        if array.dtype.kind not in "uifb":
            raise InputError(f"'{name}' must hold numbers, not {array.dtype}")
    if all(array.dtype == np.uint8 for array in arrays.values()):
        return [np.ascontiguousarray(array) for array in arrays.values()], ""
    if kinds == {"b"}:
        return [np.where(array, np.uint8(255), np.uint8(0)) for array in arrays.values()], "True was read as white."
    ends = [_range(name, array) for name, array in arrays.items()]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    if low < 0 or high > 255:
        raise InputError(
            f"'{next(iter(arrays))}' runs from {low:g} to {high:g}; images must lie in 0..1 or 0..255, so undo any "
            "normalisation first"
        )
    unit = "f" in kinds and high <= 1
    converted = [_convert(array, 255.0 if unit else 1.0) for array in arrays.values()]
    if "f" not in kinds:
        return converted, ""
    return converted, f"The values run from {low:g} to {high:g} and were read as 0..{1 if unit else 255}."


def _range(name: str, array: np.ndarray) -> tuple[float, float]:
    """Smallest and largest value. Raises InputError that names the first row with one that is not finite."""
    low, high = np.inf, -np.inf
    for start, part in _parts(array):
        if array.dtype.kind == "f" and not (finite := np.isfinite(part).all(axis=(1, 2, 3))).all():
            row = start + int(np.flatnonzero(~finite)[0])
            raise InputError(f"'{name}' has values that are not finite in row {row}; mend or remove that image")
        low, high = min(low, float(part.min())), max(high, float(part.max()))
    return low, high


def _convert(array: np.ndarray, scale: float) -> np.ndarray:
    made = np.empty(array.shape, np.uint8)
    for start, part in _parts(array):
        made[start : start + len(part)] = np.rint(part.astype(np.float32) * scale)
    return made


def _parts(array: np.ndarray) -> Iterable[tuple[int, np.ndarray]]:
    return ((start, array[start : start + _ROWS]) for start in range(0, len(array), _ROWS))
