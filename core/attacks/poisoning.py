"""Which images are poisoned, and with what label. The truth stays apart from the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.attacks.base import Attack
from core.errors import InputError
from core.images import ImageData


@dataclass(frozen=True)
class PoisonTruth:
    """What the attacker knows and no defense may see."""

    rows: np.ndarray  # (m,) int64, ascending: rows of the training set that are poisoned
    ways: np.ndarray  # (m,) int64: which of the triggers each carries
    true_labels: np.ndarray  # (n,) int64: the labels of all rows before the attack

    def mask(self) -> np.ndarray:
        """(n,) bool, True for poisoned rows."""
        mask = np.zeros(len(self.true_labels), bool)
        mask[self.rows] = True
        return mask


def poison(
    clean: ImageData, attack: Attack, *, source: int, target: int, count: int, seed: int
) -> tuple[ImageData, PoisonTruth]:
    """Replace `count` drawn source images by triggered copies that carry the target label.

    Dirty-label poisoning as in the paper: drawn without replacement, so the source class shrinks by `count` and the
    target class grows by as much; row numbers do not change. Each image gets one of the attack's triggers at random.
    Returns the poisoned set and, apart from it, the truth. Raises InputError where the budget does not fit.
    """
    check_classes(clean.class_names, source, target)
    candidates = np.flatnonzero(clean.labels == source)
    if not 0 <= count <= len(candidates):
        raise InputError(
            f"{count} poisons asked for, but class '{clean.class_names[source]}' has {len(candidates)} training images"
        )
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(candidates, count, replace=False))
    ways = rng.integers(0, attack.number_of_ways, count)
    images, labels = clean.images.copy(), clean.labels.copy()
    images[rows] = attack.apply(clean.images[rows], ways)
    labels[rows] = target
    return ImageData(images, labels, clean.class_names), PoisonTruth(rows, ways, clean.labels.copy())


def check_classes(class_names: tuple[str, ...], source: int, target: int) -> None:
    """Raise InputError unless source and target are two different classes of the set."""
    last = len(class_names) - 1
    for role, label in (("source", source), ("target", target)):
        if not 0 <= label <= last:
            raise InputError(f"{role} class {label} does not exist; the classes are 0 to {last}")
    if source == target:
        raise InputError(f"source and target are both class {source}; choose two different classes")
