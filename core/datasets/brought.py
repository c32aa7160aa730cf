"""What the sets that people bring have in common: parts, levels, broken images, and the account of what was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.datasets.base import Dataset, stratified_split
from core.datasets.checks import checked, readable
from core.datasets.decode import Decoded, levelled, settle
from core.datasets.labels import Classes
from core.datasets.levels import CHOICES
from core.datasets.parts import MADE
from core.foundation.errors import InputError
from core.foundation.files import given_path
from core.foundation.images import ImageData, LeftOut, Reading, Split
from core.foundation.labels import UNLABELLED
from core.foundation.params import param


@dataclass(frozen=True)
class BroughtSet(Dataset):
    """Somebody's own images at a path."""

    path: str = param("", "Where the images are")
    mirror: bool = param(False, "A mirrored image keeps its meaning (photographs: yes; digits, signs: no)")
    test_share: float = param(0.2, "Share held out where there is no test part", low=0.05, high=0.5, step=0.05)
    split: str = param(
        "", f"Part to test on; empty takes test, else validation; {MADE} holds out a share of the training images"
    )
    levels: str = param("auto", "Numbers that are black and white; auto tells them from all images", choices=CHOICES)

    def root(self, what: str) -> Path:
        """The path. Raises InputError where it is not given, or nothing is there."""
        if not self.path:
            raise InputError(f"give {what}: --data PATH")
        return given_path(self.path)

    def column_names(self) -> tuple[str, ...]:
        """Of the table that holds the images, or lies beside them: what may be asked for by name; none without one.

        Raises InputError where it cannot be read at all.
        """
        return ()

    def cut(self, parts: Sequence[ImageData], seed: int, notes: Sequence[str], reading: Reading) -> Split:
        """Training and test images; of one part alone a share is held out."""
        told = tuple(notes)
        if len(parts) == 1:
            made = "made"
            split = stratified_split(parts[0], self.test_share, seed, flip=self.mirror, notes=told)
        else:
            made = "given"
            channels = max(part.images.shape[3] for part in parts)
            train, test = (part.with_channels(channels) for part in parts)
            split = Split(train, test, self.mirror, told)
        return checked(replace(split, reading=replace(reading, kind=self.key, split=made)))


@dataclass(frozen=True)
class EncodedPart:
    """Decoded images with what belongs to them."""

    name: str
    decoded: Decoded
    labels: np.ndarray  # (n,) int64, of all that were to be decoded
    sources: np.ndarray  # (n,) str


def decoded_parts(
    parts: Sequence[EncodedPart], names: tuple[str, ...], skip_broken: bool, levels: str
) -> tuple[list[ImageData], tuple[str, ...]]:
    """The images that could be read, on one scale, and notes on both. Raises InputError; see `settle` and `levelled`."""
    broken = settle([part.decoded for part in parts], skip_broken)
    done, notes = levelled({part.name: part.decoded for part in parts}, levels)
    data = [
        readable(images.images, part.labels, images.kept, names, part.sources)
        for part, images in zip(parts, done, strict=True)
    ]
    return data, (*broken, *notes)


def labelled_rows(numbers: np.ndarray, part: str) -> tuple[np.ndarray, tuple[LeftOut, ...]]:
    """The rows (m,) int64 that have a label, and an account of the others. part: what its rows are called."""
    rows = np.flatnonzero(numbers != UNLABELLED)
    missing = len(numbers) - len(rows)
    return rows, (LeftOut(part, missing, "they have no label"),) if missing else ()


def check_test_classes(classes: Classes, part: str) -> None:
    """Raise InputError where the test part, the second of two, has a class that the training part lacks."""
    if len(classes.numbers) < 2:
        return
    train, test = (set(np.unique(numbers)) - {UNLABELLED} for numbers in classes.numbers)
    if strange := sorted(test - train):
        raise InputError(
            f"{part} has the class '{classes.names[strange[0]]}', which the training part lacks; leave it out, or "
            f"hold out a share instead: --set dataset.split={MADE}"
        )
