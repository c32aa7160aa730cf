"""What a source of labelled images is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.foundation.errors import InputError
from core.foundation.images import ImageData, Split

# Called now and then while something takes long: what is being done, and the share that is done, 0..1, where known.
# May raise (Cancelled, say) to stop the loading.
Report = Callable[[str, float | None], None]

FIGURES = 18  # of a whole number that 64 bits hold
MAX_BYTES = 8 * 2**30  # of pixels held at once; more is refused before anything is allocated


@dataclass(frozen=True)
class Dataset:
    """A source of labelled images. Subclasses are catalogue entries: parameters are `param` fields."""

    key: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    # Plain suggestions, used where the user says nothing: options of the training recipe, and the attack to tell of.
    training: ClassVar[Mapping[str, int | float | str]] = {}
    source: ClassVar[int] = 0
    target: ClassVar[int] = 1
    poisons: ClassVar[int] = 50

    def load(self, seed: int, report: Report | None = None) -> Split:
        """The images, cut into training and test. `seed` fixes every random choice made on the way."""
        raise NotImplementedError


def tell(report: Report | None, message: str, share: float | None = None) -> None:
    """Report, if anybody listens."""
    if report is not None:
        report(message, share)


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key by which class 2 comes before class 10, so that classes named by number keep their number."""
    parts = [part for part in re.split(r"(\d+)", name) if part]
    return [(0, int(part), "") if is_whole(part) else (1, 0, part) for part in parts]


def is_whole(text: str) -> bool:
    """Whether the text is a whole number without a sign that 64 bits hold; longer ones are words."""
    return text.isdecimal() and len(text) <= FIGURES


def quoted(names: Sequence[str], most: int = 10) -> str:
    """The first names for a message: 'a', 'b' and 'c'."""
    shown = [f"'{name}'" for name in names[:most]]
    return " and ".join(part for part in (", ".join(shown[:-1]), *shown[-1:]) if part)


def stratified_split(
    data: ImageData, test_share: float, seed: int, *, flip: bool, notes: tuple[str, ...] = ()
) -> Split:
    """Hold out the same share of every class, at least one image of each class on both sides."""
    rng = np.random.default_rng(seed)
    test = np.zeros(len(data), bool)
    for label, name in enumerate(data.class_names):
        rows = rng.permutation(np.flatnonzero(data.labels == label))
        if len(rows) < 2:
            raise InputError(
                f"class '{name}' has {len(rows)} image(s); training and test need one each, so add images or leave the class out"
            )
        test[rows[: min(max(round(test_share * len(rows)), 1), len(rows) - 1)]] = True
    return Split(data.take(~test), data.take(test), flip, notes)
