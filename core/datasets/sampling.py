"""Fewer training images, and classes of unequal size, out of a set that has more.

The long tail is that of Cui, Jia, Lin, Song, Belongie, "Class-Balanced Loss Based on Effective Number of Samples"
(CVPR 2019): class i of C keeps n * imbalance ** (-i / (C - 1)) images, from n in the first class down to n / imbalance in
the last. The test images stay as they are, since accuracy is to be comparable.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.datasets.checks import class_counts
from core.foundation.errors import InputError
from core.foundation.images import Split
from core.foundation.params import param

_LISTED = 12  # classes up to which a note gives each count


@dataclass(frozen=True)
class Sampling:
    """How many training images of each class are kept."""

    per_class: int | None = param(
        None, "At most so many training images of each class; empty keeps all", unit="images", low=1, high=10_000_000
    )
    imbalance: float = param(
        1.0,
        "Largest class : smallest class, falling exponentially from the first class to the last; 1 leaves the classes as they are",
        low=1.0,
        high=1000.0,
    )

    def apply(self, split: Split, seed: int) -> Split:
        """The split with that many training images, drawn from each class by itself and left in their order.

        The same seed draws the same images; a smaller count draws some of those that a larger one draws. Raises
        InputError where the smallest class would come out empty.
        """
        counts = class_counts(split.train)
        wanted = self._wanted(counts, split.train.class_names)
        if (wanted == counts).all():
            return split
        rng = np.random.default_rng(seed)
        drawn = [
            rng.permutation(np.flatnonzero(split.train.labels == label))[:count] for label, count in enumerate(wanted)
        ]
        note = _note(split.train.class_names, wanted, len(split.train))
        return replace(split, train=split.train.take(np.sort(np.concatenate(drawn))), notes=(*split.notes, note))

    def _wanted(self, counts: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
        """Images to keep of each class: (classes,) int64. A curve is as large as the classes allow everywhere."""
        available = np.minimum(counts, self.per_class or counts.max())
        if self.imbalance == 1 or len(counts) < 2:
            return available
        curve = self.imbalance ** (-np.arange(len(counts)) / (len(counts) - 1))
        scarce = int((available / curve).argmin())
        largest = np.floor(available[scarce] / curve[scarce] + 1e-6)  # 1e-6: floats make 99.999... of 100
        if largest < self.imbalance:
            raise InputError(
                f"imbalance {self.imbalance:g} needs {np.ceil(self.imbalance):.0f} images in the largest class, but "
                f"the {available[scarce]:,} of class '{names[scarce]}' allow only {int(largest):,}; "
                f"lower sampling.imbalance to {int(largest)} or less{' or raise sampling.per_class' * bool(self.per_class)}"
            )
        return (largest * curve + 1e-6).astype(np.int64)


def _note(names: tuple[str, ...], counts: np.ndarray, before: int) -> str:
    if len(names) <= _LISTED:
        kept = ", ".join(f"{name} {count:,}" for name, count in zip(names, counts, strict=True))
    else:
        most, least = counts.argmax(), counts.argmin()
        kept = f"from {counts[most]:,} ({names[most]}) down to {counts[least]:,} ({names[least]}) a class"
    return f"{counts.sum():,} of {before:,} training images are used: {kept}."
