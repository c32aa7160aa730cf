"""Images and labels as arrays in a `.npz` file, under any of the usual names, of any size and channel count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.datasets.base import Report, tell
from core.datasets.brought import BroughtSet, check_test_classes, labelled_rows
from core.datasets.labels import MAX_CLASSES, classes_of
from core.datasets.npz import Npz
from core.datasets.parts import TEST, TRAIN, VALIDATION, choose
from core.datasets.pixels import as_nhwc, as_uint8
from core.foundation.errors import InputError
from core.foundation.images import ImageData, LeftOut, Reading, Split
from core.foundation.params import param

IMAGES = ("images", "image", "x", "data")
LABELS = ("labels", "label", "y", "targets", "target")
NAMES = ("class_names", "classes", "label_names")
PARTS = {"train": TRAIN, "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "test": TEST}
WHOLE = "all images"  # a pair that is called after no part


@dataclass(frozen=True)
class Arrays(BroughtSet):
    """`images` with `labels`, or `x_train`, `y_train`, `x_test`, `y_test`; other names of these, see above."""

    key: ClassVar[str] = "arrays"
    title: ClassVar[str] = "Arrays (.npz)"
    summary: ClassVar[str] = "Your own images and labels as NumPy arrays, of any size and number of channels."

    path: str = param("", "The .npz file: images with labels, or x_train, y_train, x_test, y_test; also class_names")
    layout: str = param("auto", "Order of the axes; auto tells it from the shapes", choices=("auto", "NHWC", "NCHW"))

    def load(self, seed: int, report: Report | None = None) -> Split:
        path = self.root("the .npz file")
        if not path.is_file():
            raise InputError(f"{path} is not a file; give a .npz file with images and labels")
        with Npz(path) as archive:
            used, _ = self.pairs(archive.names)
            pixels, given = _read(archive, used, report)
            names = _given_names(archive)
            left_out = _unused(archive.names, used)
        stacks, layout = as_nhwc(pixels, self.layout)
        classes = classes_of(given, names)
        check_test_classes(classes, f"'{used[-1][1]}'")
        images, notes = as_uint8(stacks, self.levels)
        parts = []
        for (name, _), made, numbers in zip(used, images, classes.numbers, strict=True):
            rows, missing = labelled_rows(numbers, f"images of '{name}'")
            left_out += missing
            sources = np.array([f"{name}[{row}]" for row in rows])
            kept = made if len(rows) == len(made) else made[rows]
            parts.append(ImageData(kept, numbers[rows], classes.names, sources))
        return self.cut(parts, seed, [layout, *classes.notes, *notes], Reading(left_out=left_out))

    def pairs(self, names: tuple[str, ...]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """The names of images and labels of the training part and of the part to test on; and those of all parts.

        Raises InputError.
        """
        found = _find(names)
        chosen = choose({part: PARTS.get(part) for part in found}, self.split)
        return [found[part] for part in (chosen.train, chosen.test) if part], list(found.values())


def _read(
    archive: Npz, pairs: list[tuple[str, str]], report: Report | None
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The arrays of images and those of labels, by name."""
    pixels, classes = {}, {}
    for done, (images, labels) in enumerate(pairs):
        tell(report, f"Reading {images} and {labels}", done / len(pairs))
        pixels[images], classes[labels] = archive.read(images), archive.read(labels)
        counts = [len(array) if array.ndim else 0 for array in (pixels[images], classes[labels])]
        if counts[0] != counts[1] and all(counts):
            raise InputError(f"'{images}' has {counts[0]:,} images, but '{labels}' {counts[1]:,} labels")
    return pixels, classes


def _unused(names: tuple[str, ...], pairs: list[tuple[str, str]]) -> tuple[LeftOut, ...]:
    rest = [name for name in names if name.lower() not in NAMES and not any(name in pair for pair in pairs)]
    return tuple(
        LeftOut(f"array '{name}'", 1, "it is neither the images nor the labels that are used") for name in rest
    )


def _find(names: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """The names of images and labels of each part, WHOLE where they are called after none. Upper case counts as lower."""
    pairs = {part: (_one(names, _sides(IMAGES, part)), _one(names, _sides(LABELS, part))) for part in PARTS}
    pairs[WHOLE] = _one(names, IMAGES), _one(names, LABELS)
    for part, (images, labels) in pairs.items():
        if bool(images) != bool(labels) and part in (TRAIN, TEST, WHOLE):
            raise InputError(f"there is '{images or labels}', but no {'labels' if images else 'images'} to go with it")
    if pairs[TRAIN][0] and pairs[WHOLE][0]:
        raise InputError(f"there are both '{pairs[TRAIN][0]}' and '{pairs[WHOLE][0]}'; keep one of them")
    found = {part: pair for part, pair in pairs.items() if all(pair)}
    if TRAIN not in found and WHOLE not in found:
        raise InputError(
            f"no images and labels among the arrays {', '.join(names[:10])}; name them images and labels, "
            "or x_train, y_train, x_test, y_test"
        )
    return found


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
    words = np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values
    names = words.tolist()
    if len(set(names)) != len(names):
        raise InputError(f"'{name}' has the same name twice; every class needs its own")
    return tuple(names)
