"""Images and labels as arrays in a `.npz` file, under any of the usual names, of any size and channel count."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from core.datasets.base import Dataset, Report, natural_key, stratified_split, tell
from core.datasets.checks import checked
from core.datasets.npz import Npz
from core.datasets.pixels import as_nhwc, as_uint8
from core.foundation.errors import InputError
from core.foundation.images import ImageData, Split
from core.foundation.params import param

IMAGES = ("images", "image", "x", "data")
LABELS = ("labels", "label", "y", "targets", "target")
NAMES = ("class_names", "classes", "label_names")
MAX_CLASSES = 10_000


@dataclass(frozen=True)
class Arrays(Dataset):
    """`images` with `labels`, or `x_train`, `y_train`, `x_test`, `y_test`; other names of these, see above."""

    key: ClassVar[str] = "arrays"
    title: ClassVar[str] = "Arrays (.npz)"
    summary: ClassVar[str] = "Your own images and labels as NumPy arrays, of any size and number of channels."

    path: str = param("", "The .npz file: images with labels, or x_train, y_train, x_test, y_test; also class_names")
    layout: str = param("auto", "Order of the axes; auto tells it from the shapes", choices=("auto", "NHWC", "NCHW"))
    mirror: bool = param(False, "A mirrored image keeps its meaning (photographs: yes; digits, signs: no)")
    test_share: float = param(0.2, "Share held out where there are no test arrays", low=0.05, high=0.5, step=0.05)

    def load(self, seed: int, report: Report | None = None) -> Split:
        if not self.path:
            raise InputError("give the .npz file: --data PATH")
        path = Path(self.path).expanduser()
        if not path.is_file():
            raise InputError(f"{path} is not a file; give a .npz file with images and labels")
        with Npz(path) as archive:
            pairs = _find(archive.names)
            pixels, classes = _read(archive, pairs, report)
            given = _given_names(archive)
            unused = _unused(archive.names, pairs)
        stacks, layout = as_nhwc(pixels, self.layout)
        labels, names = _labels(classes, given)
        images, scale = as_uint8(stacks)
        parts = [ImageData(part, numbers, names) for part, numbers in zip(images, labels, strict=True)]
        notes = tuple(note for note in (layout, scale, unused) if note)
        if len(parts) == 1:
            return checked(stratified_split(parts[0], self.test_share, seed, flip=self.mirror, notes=notes))
        return checked(Split(parts[0], parts[1], self.mirror, notes))


def _read(
    archive: Npz, pairs: list[tuple[str, str]], report: Report | None
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The arrays of images and those of labels, by name."""
    pixels, classes = {}, {}
    for done, (images, labels) in enumerate(pairs):
        tell(report, f"Reading {images} and {labels}", done / len(pairs))
        pixels[images], classes[labels] = archive.read(images), _flat(labels, archive.read(labels))
        if pixels[images].ndim and len(pixels[images]) != len(classes[labels]):
            raise InputError(
                f"'{images}' has {len(pixels[images]):,} images, but '{labels}' {len(classes[labels]):,} labels"
            )
    return pixels, classes


def _unused(names: tuple[str, ...], pairs: list[tuple[str, str]]) -> str:
    rest = [name for name in names if name.lower() not in NAMES and not any(name in pair for pair in pairs)]
    return f"Arrays that were not used: {', '.join(rest[:10])}." if rest else ""


def _find(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """The names of images and labels: one pair, or one for training and one for test. Upper case counts as lower."""
    train = _one(names, _sides(IMAGES, "train")), _one(names, _sides(LABELS, "train"))
    test = _one(names, _sides(IMAGES, "test")), _one(names, _sides(LABELS, "test"))
    whole = _one(names, IMAGES), _one(names, LABELS)
    for images, labels in (train, test, whole):
        if bool(images) != bool(labels):
            raise InputError(f"there is '{images or labels}', but no {'labels' if images else 'images'} to go with it")
    if train[0] and whole[0]:
        raise InputError(f"there are both '{train[0]}' and '{whole[0]}'; keep one of them")
    if not (train[0] or whole[0]):
        raise InputError(
            f"no images and labels among the arrays {', '.join(names[:10])}; name them images and labels, "
            "or x_train, y_train, x_test, y_test"
        )
    if whole[0] and test[0]:
        train = whole
    return [train, test] if train[0] and test[0] else [train if train[0] else whole]


def _sides(names: tuple[str, ...], side: str) -> tuple[str, ...]:
    return tuple(made for name in names for made in (f"{name}_{side}", f"{side}_{name}"))


def _one(names: tuple[str, ...], wanted: tuple[str, ...]) -> str:
    """The one array that has one of the names, or nothing."""
    found = [name for name in names if name.lower() in wanted]
    if len(found) > 1:
        raise InputError(f"the arrays {' and '.join(found)} could all be meant; keep one of them")
    return found[0] if found else ""


def _given_names(archive: Npz) -> tuple[str, ...] | None:
    name = _one(archive.names, NAMES)
    if not name:
        return None
    values = archive.read(name)
    if values.ndim != 1 or values.dtype.kind not in "US" or len(values) > MAX_CLASSES:
        raise InputError(
            f"'{name}' must be a list of at most {MAX_CLASSES:,} strings, not {values.shape} {values.dtype}"
        )
    names = _text(values).tolist()
    if len(set(names)) != len(names):
        raise InputError(f"'{name}' has the same name twice; every class needs its own")
    return tuple(names)


def _labels(arrays: dict[str, np.ndarray], given: tuple[str, ...] | None) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Every array of labels as (n,) int64, and the names of the classes; words are numbered in their order."""
    if any(array.dtype.kind in "US" for array in arrays.values()):
        return _words(arrays, given)
    numbers = [_numbers(name, array) for name, array in arrays.items()]
    count = 1 + max(int(array.max()) for array in numbers)
    if given is None and (first := min(int(array.min()) for array in numbers)):
        raise InputError(f"the labels start at {first}; they must start at 0, so subtract {first}, or give class_names")
    if given is not None and len(given) < count:
        raise InputError(f"there are labels up to {count - 1}, counted from 0, but only {len(given)} class names")
    return numbers, given or tuple(str(i) for i in range(count))


def _flat(name: str, array: np.ndarray) -> np.ndarray:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        more = "; make numbers of one-hot rows with argmax(axis=1)" if array.ndim == 2 else ""
        raise InputError(f"'{name}' must be (n,) or (n, 1), not {array.shape}{more}")
    if not len(array):
        raise InputError(f"'{name}' is empty")
    return array


def _numbers(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "iufb":
        raise InputError(f"'{name}' must hold whole numbers or class names, not {array.dtype}")
    with np.errstate(invalid="ignore"):
        numbers = array.astype(np.int64)
    if (odd := np.flatnonzero(numbers != array)).size:
        raise InputError(f"'{name}' has {array[odd[0]]} in row {odd[0]}; labels must be whole numbers")
    if (odd := np.flatnonzero((numbers < 0) | (numbers >= MAX_CLASSES))).size:
        raise InputError(
            f"'{name}' has {numbers[odd[0]]} in row {odd[0]}; labels must lie between 0 and {MAX_CLASSES - 1}"
        )
    return numbers


def _words(arrays: dict[str, np.ndarray], given: tuple[str, ...] | None) -> tuple[list[np.ndarray], tuple[str, ...]]:
    for name, array in arrays.items():
        if array.dtype.kind not in "US":
            raise InputError(f"'{name}' holds numbers where other labels are words; use one of the two")
    texts = [_text(array) for array in arrays.values()]
    found = {str(word) for array in texts for word in np.unique(array)}
    names = given or tuple(sorted(found, key=natural_key))
    if len(names) > MAX_CLASSES:
        raise InputError(f"{len(names):,} different labels; at most {MAX_CLASSES:,} classes can be told apart")
    if strange := sorted(found - set(names)):
        raise InputError(f"the label '{strange[0]}' is none of the class names {', '.join(names[:10])}")
    number = {name: i for i, name in enumerate(names)}
    return [np.array([number[str(word)] for word in array], dtype=np.int64) for array in texts], names


def _text(values: np.ndarray) -> np.ndarray:
    return np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values
