"""Which columns of a table are the images and the labels? What its metadata says, then what the columns hold, then names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.datasets.base import quoted
from core.foundation.errors import InputError

IMAGE, PATH, CLASS, MULTI, OTHER = "image", "path", "class", "multi-label", "other"
_IMAGE_NAMES = {"image", "images", "img", "imgs", "picture", "photo", "jpg", "jpeg", "png", "webp", "pixels", "x"}
_NO_IMAGE = {"mask", "masks", "annotation", "annotations", "segmentation", "seg", "label", "labels", "depth", "thumbnail", "thumb",
             "edge", "edges", "heatmap", "saliency", "overlay", "trimap", "gt", "conditioning", "normal", "normals", "preview"}  # fmt: skip
_LABEL_NAMES = {"label", "labels", "class", "classid", "class_id", "target", "targets", "y", "category", "category_id"}
_LABEL_WORDS = {"label", "labels", "class", "classes", "classid", "target", "targets", "category", "classname"}
_NO_LABEL = {"id", "ids", "index", "idx", "row", "width", "height", "size", "year", "month", "day", "date", "fold", "split", "path", "file",
             "filename", "md5", "sha256", "url", "bytes", "roi", "x1", "x2", "y1", "y2"}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    holds: str  # IMAGE: encoded images; PATH: names of image files; CLASS: what can be a label; MULTI: lists of labels; OTHER
    described: bool = False  # the metadata of the table says so
    values: np.ndarray | None = None  # (n,) or (n, c) of a CLASS column

    @cached_property
    def codes(self) -> np.ndarray:
        """(n,) int64, equal where the values are; -1 where one is missing."""
        from pandas import factorize  # half a second to load, and most tables of features need none

        assert self.values is not None
        flat = (
            self.values
            if self.values.ndim == 1
            else self.values.argmax(1)
            if self.values.shape[1] > 1
            else self.values[:, 0]
        )
        return np.asarray(factorize(flat)[0], np.int64)

    @property
    def words(self) -> set[str]:
        parts = re.sub(r"([a-z])([A-Z])", r"\1 \2", self.name)
        return {word for word in re.split(r"[^a-z0-9]+", parts.lower()) if word}

    @property
    def repeats(self) -> bool:
        """Whether its values could be classes: more than one, whole, and each of them more than once, on average."""
        if (
            self.values is not None
            and self.values.dtype.kind == "f"
            and (self.values[~np.isnan(self.values)] % 1).any()
        ):
            return False
        return 2 <= self.codes.max() + 1 <= max(2, len(self.codes) / 2)


@dataclass(frozen=True)
class Choice:
    """The column that is taken, and a note where others could have been meant."""

    column: Column
    note: str = ""


def image_column(columns: Sequence[Column], asked: str = "") -> Choice:
    """The column of images. asked: its name, where the user says it. Raises InputError where none or several could be meant."""
    fit = [column for column in columns if column.holds in (IMAGE, PATH)]
    if asked:
        return Choice(_asked(columns, fit, asked, "image_column", "images"))
    fit = [c for c in fit if c.described] or [c for c in fit if c.holds == IMAGE] or fit
    if not fit:
        raise InputError(f"no column of images among: {', '.join(column.name for column in columns)}")
    plain = [column for column in fit if not column.words & _NO_IMAGE]
    named = [column for column in plain if column.name.lower() in _IMAGE_NAMES]
    return _one("image_column", "the images", fit, plain, named)


def label_column(columns: Sequence[Column], asked: str = "") -> Choice:
    """The column of labels; where one of several columns is a finer division of all others, that one. Raises InputError."""
    fit = [column for column in columns if column.holds == CLASS]
    if asked:
        return Choice(_asked(columns, fit, asked, "label_column", "labels"))
    described = [column for column in fit if column.described]
    exact, similar = ([c for c in fit if _named(c, closely)] for closely in (True, False))
    several = [c.name for c in columns if c.holds == MULTI and (c.described or _named(c))]
    if several and not (described or exact):
        raise _multi_label(several[0])
    if described or exact or similar:
        pool = described or exact or similar
        return _one("label_column", "the labels", pool, [c for c in pool if _named(c, True)], _finest(pool))
    typed = [column for column in fit if column.repeats and not column.words & _NO_LABEL]
    if not typed:
        raise InputError(
            f"no column of labels among: {', '.join(column.name for column in columns)}; say which it is: "
            "--set dataset.label_column=NAME"
        )
    chosen = _one("label_column", "the labels", typed)
    return Choice(
        chosen.column, chosen.note or f"'{chosen.column.name}' was taken as the labels, for no other column could be."
    )


def names_beside(columns: Sequence[Column], labels: Column) -> dict[int, str]:
    """For label numbers the words that a further column gives to each: `label` 3 is always `label_name` "cat"."""
    if labels.values is None or labels.values.ndim != 1 or labels.values.dtype.kind not in "iu":
        return {}
    for column in columns:
        if column is labels or column.holds != CLASS or column.values is None or column.values.ndim != 1:
            continue
        beside = column.words & (_LABEL_WORDS | {"name"}) and not column.words & _NO_LABEL
        if beside and all(isinstance(value, str) for value in column.values) and _same_division(column, labels):
            return {int(number): str(word) for number, word in zip(labels.values, column.values, strict=True)}
    return {}


def told_by(columns: Sequence[Column], labels: Column) -> list[Column]:
    """Further columns that give each label of a row another name: `label_name` beside `label`, `coarse_label` beside `fine_label`."""
    fit = [column for column in columns if column.name != labels.name and column.holds == CLASS]
    called = [c for c in fit if c.described or (c.words & (_LABEL_WORDS | {"name"}) and not c.words & _NO_LABEL)]
    return [column for column in called if _tells(labels, column)]


def _asked(columns: Sequence[Column], fit: Sequence[Column], name: str, option: str, what: str) -> Column:
    for column in columns:
        if column.name == name:
            if column.holds == MULTI and what == "labels":
                raise _multi_label(name)
            if column in fit:
                return column
            raise InputError(f"column '{name}' holds no {what}; {_instead(option, fit)}")
    raise InputError(f"there is no column '{name}'; {_instead(option, fit)}")


def _instead(option: str, fit: Sequence[Column]) -> str:
    return f"dataset.{option} is one of: {_names(fit) or 'none could be'}"


def _multi_label(name: str) -> InputError:
    return InputError(
        f"column '{name}' gives several labels to a row: multi-label sets are not supported, for a backdoor has one target; "
        "keep one class a row"
    )


def _named(column: Column, closely: bool = False) -> bool:
    return column.name.lower() in _LABEL_NAMES if closely else bool(column.words & _LABEL_WORDS)


def _one(option: str, what: str, *pools: Sequence[Column]) -> Choice:
    """The only one of the first pool that has only one, with a note on the others. Raises InputError where there is none."""
    for pool in pools:
        if len(pool) == 1:
            others = [column for column in pools[0] if column is not pool[0]]
            note = f"'{pool[0].name}' was taken as {what}, and not {_names(others)}; if that is wrong, set dataset.{option}."
            return Choice(pool[0], note if others else "")
    raise InputError(f"{_names(pools[0])} could each be {what}; say which: --set dataset.{option}={pools[0][0].name}")


def _finest(columns: Sequence[Column]) -> list[Column]:
    """The one of which every other is a function: a row's fine label tells its coarse one."""
    finest = [column for column in columns if all(_tells(column, other) for other in columns if other is not column)]
    return finest[:1]


def _tells(fine: Column, coarse: Column) -> bool:
    pairs = np.unique(np.stack([fine.codes, coarse.codes]), axis=1)
    return len(np.unique(pairs[0])) == pairs.shape[1]


def _same_division(left: Column, right: Column) -> bool:
    return _tells(left, right) and _tells(right, left)


def _names(columns: Sequence[Column]) -> str:
    return quoted([column.name for column in columns])
