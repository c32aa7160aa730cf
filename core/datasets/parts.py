"""Which part of a set is for training and which for testing, by the names that people give them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.datasets.base import quoted
from core.foundation.errors import InputError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
MADE = "made"  # asked for by name: part of the training images is held out, whatever else is there
_WORDS = {
    "train": TRAIN, "training": TRAIN, "trn": TRAIN, "tr": TRAIN,
    "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "dev": VALIDATION, "eval": VALIDATION,
    "test": TEST, "testing": TEST, "tst": TEST,
}  # fmt: skip
_FILLERS = {"set", "data", "dataset", "split", "images", "image", "imgs", "img", "final", "bd", "x"}
_START = re.compile(r"^(train|training|val|valid|validation|dev|eval|test|testing)(?=[-_.]|\d|$)", re.IGNORECASE)


def part_of_name(name: str) -> str | None:
    """TRAIN, VALIDATION or TEST where a folder or an array is named as such a part and as nothing else, else None."""
    words = [word for word in re.split(r"[^a-z]+", name.lower()) if word]
    words = [word.removesuffix("set") or word for word in words]
    told = {_WORDS.get(word) for word in words if word not in _FILLERS}
    return told.pop() if len(told) == 1 else None


def part_of_file(stem: str) -> str | None:
    """The same of a file, whose name goes on after the part: train-00000-of-00002."""
    found = _START.match(stem)
    return _WORDS[found.group(1).lower()] if found else None


@dataclass(frozen=True)
class Chosen:
    """The names of the parts that are read; test is None where a share of the training images is held out."""

    train: str
    test: str | None
    unused: tuple[str, ...]  # further parts

    @property
    def why_unused(self) -> str:
        return "another part is tested on" if self.test else "dataset.split=made leaves it out"


def choose(parts: Mapping[str, str | None], split: str = "") -> Chosen:
    """Training and test part among those that are there.

    parts: by name, TRAIN, VALIDATION, TEST, or None for a part that is named otherwise. split: the name of the part to test on,
    MADE to hold out a share of the training part, "" for the test part, else the validation part. Raises InputError where
    nothing is for training, two parts could be the test part, or none has the name that is asked for.
    """
    of = {kind: [name for name, what in parts.items() if what == kind] for kind in (TRAIN, VALIDATION, TEST, None)}
    train = _only(of[TRAIN] or of[None], "training", parts)
    if split not in ("", MADE) and split not in parts:
        raise InputError(f"there is no part '{split}'; dataset.split is {MADE} or one of {quoted(list(parts))}")
    if split == train:
        raise InputError(f"'{split}' is the part to learn from; give another as dataset.split, or {MADE}")
    if not split:
        test = _only(of[TEST] or of[VALIDATION], "test", parts) if of[TEST] or of[VALIDATION] else None
    else:
        test = None if split == MADE else split
    return Chosen(train, test, tuple(name for name in parts if name not in (train, test)))


def _only(names: Sequence[str], what: str, parts: Mapping[str, str | None]) -> str:
    if not names:
        raise InputError(f"none of {quoted(list(parts))} is for training; call one of them train")
    if len(names) > 1:
        settle = "say which: --set dataset.split=NAME" if what == "test" else "give the path of the one that is meant"
        raise InputError(f"{quoted(names)} could each be the {what} part; {settle}")
    return names[0]
