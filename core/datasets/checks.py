"""What is looked at in every set that comes from outside, once it is read: classes, their sizes, what is missing.

A class without training images is refused: a model cannot learn it, no attack can start from it or aim at it, and the
accuracy on it means nothing. A class without test images does no harm to the rest, so it is only noted.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.foundation.errors import InputError
from core.foundation.images import ImageData, Split

IMBALANCE = 10  # largest class : smallest class above which a note says so
FEW = 20  # training images in all below which a note says that nothing can be learnt from them
_NAMED = 5  # how many classes a message lists before it only counts


def checked(split: Split) -> Split:
    """The same split with notes on what the user should know of its classes.

    Raises InputError for fewer than two classes, a class without training images, and training and test images of
    different shape.
    """
    names = split.train.class_names
    if len(names) < 2:
        raise InputError(f"there is only one class ({', '.join(names) or 'none'}); at least 2 are needed")
    counts = class_counts(split.train)
    if empty := [names[i] for i in np.flatnonzero(counts == 0)]:
        raise InputError(f"no training images of {listed('class', empty)}; add some, or leave the class out")
    if split.train.images.shape[1:] != split.test.images.shape[1:]:
        train, test = (shape_in_words(part.images) for part in (split.train, split.test))
        raise InputError(f"training images are {train}, test images {test}; make them alike")
    untested = [names[i] for i in np.flatnonzero(class_counts(split.test) == 0)]
    notes = [*split.notes, imbalance_note(split.train), few_note(split.train)]
    if untested:
        notes.append(
            f"No test images of {listed('class', untested)}: accuracy says nothing of {'it' if len(untested) == 1 else 'them'}."
        )
    return replace(split, notes=tuple(note for note in notes if note))


def class_counts(data: ImageData) -> np.ndarray:
    """Images of each class: (classes,) int64."""
    return np.bincount(data.labels, minlength=len(data.class_names))


def imbalance_note(train: ImageData) -> str:
    """One sentence where the largest class has more than IMBALANCE times the smallest, else nothing."""
    counts = class_counts(train)
    most, least = int(counts.argmax()), int(counts.argmin())
    if counts[most] <= IMBALANCE * counts[least]:
        return ""
    return (
        f"Classes differ in size: '{train.class_names[most]}' has {counts[most]:,} training images, "
        f"'{train.class_names[least]}' {counts[least]:,} ({counts[most] / counts[least]:.0f} to 1)."
    )


def few_note(train: ImageData) -> str:
    """One sentence where there are too few images for a network to learn from, else nothing."""
    return f"Only {len(train)} training images in all: too few to learn from." if len(train) < FEW else ""


def listed(what: str, names: list[str]) -> str:
    """`class 'a'`, `classes 'a', 'b'`, or the first few and a count of the rest."""
    shown = ", ".join(f"'{name}'" for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    plural = f"{what}es" if what.endswith("s") else f"{what}s"
    return f"{what if len(names) == 1 else plural} {shown}{more}"


def shape_in_words(images: np.ndarray) -> str:
    """`32x32 with 3 channels`; width first, as image programs say it."""
    _, height, width, channels = images.shape
    return f"{width}x{height} with {channels} channel{'s' if channels > 1 else ''}"


def readable(
    images: np.ndarray, labels: np.ndarray, kept: np.ndarray, names: tuple[str, ...], sources: np.ndarray | None = None
) -> ImageData:
    """The images that could be read with their labels and sources.

    images: (kept, h, w, c). labels, kept, sources: (n,) of all. Raises InputError where nothing is left of a class.
    """
    there, left = (np.bincount(part, minlength=len(names)) for part in (labels, labels[kept]))
    if gone := [names[i] for i in np.flatnonzero((there > 0) & (left == 0))]:
        raise InputError(
            f"nothing is left of {listed('class', gone)} without the broken images; mend some, or leave the class out"
        )
    return ImageData(images, labels[kept], names, None if sources is None else sources[kept])
