"""Which column of a table, or which columns, are its features."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.audit.readers.base import COUNTED, LABELLED, LISTS, NUMBERED, Column, Source, counts, listed
from core.foundation.errors import InputError

SERIES = 8  # columns that are numbered through
ENDS_IN_NUMBER = re.compile(r"(.*?)([0-9]{1,9})")


@dataclass(frozen=True)
class Choice:
    """Columns that are features, and why others are not."""

    names: tuple[str, ...]  # one column of vectors, or single numbers side by side
    dtype: np.dtype
    shape: tuple[int | None, ...]  # of a row
    left_out: Mapping[str, str]


def choose(source: Source, asked: str | None, labels: str | None) -> Choice:
    """The features of a file. asked: a column by name; labels: the column of labels, which is none of them.

    Raises InputError where there is nothing to choose or too much.
    """
    if asked is not None:
        return _one(source, _checked(source.column(asked), source), labels)
    columns = [column for column in source.columns if column.name != labels]
    tables = [column for column in columns if column.is_numbers and column.wide and column.n != 0]
    tables = _of_two_sides(tables, source)
    if len(tables) > 1:
        raise InputError(
            f"{source.path.name} holds several tables of numbers: {listed([column.in_words() for column in tables])}; "
            f"choose one with --column {tables[0].name}"
        )
    if tables:
        return _one(source, tables[0], labels)
    if source.tabular:
        return _side_by_side(source, columns, labels)
    narrow = [column for column in columns if column.is_numbers and len(column.shape) == 1 and column.n != 0]
    if len(narrow) == 1:
        return _one(source, narrow[0], labels)
    raise InputError(_nothing(source))


def _of_two_sides(tables: list[Column], source: Source) -> list[Column]:
    """Of arrays those with one row of numbers each. In a column of a table, the numbers of a row are laid out in a line."""
    return tables if source.tabular else [column for column in tables if len(column.shape) == 1]


def _checked(column: Column, source: Source) -> Column:
    if not column.is_numbers:
        raise InputError(f"column '{column.name}' of {source.path.name} holds {column.about}, and features are numbers")
    if source.tabular and not column.shape:
        raise InputError(
            f"column '{column.name}' of {source.path.name} holds one number a row; --column names a column of vectors. Leave it "
            "out to take all columns of numbers"
        )
    if not source.tabular and len(column.shape) != 1:
        raise InputError(f"{_table_of(column)}: average or lay out what is beyond two sides")
    return column


def _table_of(column: Column) -> str:
    return f"features must be a table of shape (rows, features), not {column.in_words()}"


def _one(source: Source, column: Column, labels: str | None) -> Choice:
    assert column.dtype is not None
    others = {other.name: _reason(other, labels) for other in source.columns if other.name != column.name}
    return Choice((column.name,), column.dtype, column.shape, others)


def _reason(column: Column, labels: str | None) -> str:
    return "the labels" if column.name == labels else column.apart or column.about


def _side_by_side(source: Source, columns: Sequence[Column], labels: str | None) -> Choice:
    """Every column of single numbers that is no label, number or index of the row, and belongs to the others where these are
    numbered through."""
    apart = {column.name: why for column in source.columns if (why := _no_feature(column, labels))}
    apart |= dict.fromkeys(_counting(source, [column for column in columns if column.name not in apart]), COUNTED)
    series = _series([column.name for column in columns if column.name not in apart])
    if series:
        beside = f"a number beside {next(iter(series))} to {list(series)[-1]}"
        apart |= {column.name: beside for column in columns if column.name not in apart and column.name not in series}
    taken = [column for column in columns if column.name not in apart]
    written = [column.name for column in columns if column.about == LISTS]
    if written and len(taken) < 2:
        raise InputError(
            f"column '{written[0]}' of {source.path.name} holds lists written out as words; write the table as parquet, which keeps "
            "them lists"
        )
    if not taken:
        raise InputError(_nothing(source))
    kinds = [column.dtype for column in taken if column.dtype is not None]
    return Choice(tuple(column.name for column in taken), np.result_type(*kinds), (len(taken),), apart)


def _series(names: Sequence[str]) -> dict[str, None]:
    """Of columns those that are numbered through, as f0, f1, ... or 0, 1, ...: the values of a vector, in their order. What
    stands beside them in a table, as the width of an image, is none of them. Empty where most columns are no such."""
    numbered: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        if match := ENDS_IN_NUMBER.fullmatch(name):
            numbered.setdefault(match[1], []).append((int(match[2]), name))
    found = [
        name
        for members in numbered.values()
        if len(members) >= SERIES and len({n for n, _ in members}) == max(members)[0] - min(members)[0] + 1
        for _, name in members
    ]
    return dict.fromkeys(found if len(found) > len(names) / 2 else [])


def _counting(source: Source, columns: Sequence[Column]) -> list[str]:
    """Columns of whole numbers that count the rows, as far as the first ones tell."""
    whole = [
        column.name
        for column in columns
        if column.dtype is not None and column.dtype.kind in "iu" and column.dtype.itemsize > 2
    ]
    first = next(source.batches(whole), None) if whole else None
    return [] if first is None else [name for i, name in enumerate(whole) if counts(first[:, i])]


def _no_feature(column: Column, labels: str | None) -> str:
    name = column.name.lower()
    if column.name == labels:
        return "the labels"
    if column.apart:
        return column.apart
    if not column.is_numbers or column.shape:
        return column.about
    if name in NUMBERED:
        return "numbers of rows, by its name"
    return "labels, by its name" if name in LABELLED else ""


def _nothing(source: Source) -> str:
    if all(column.n == 0 for column in source.columns):
        return f"{source.path.name} has no rows"
    several = [column for column in source.columns if column.is_numbers and len(column.shape) != 1]
    if several and not source.tabular:
        mend = ": average or lay out what is beyond two sides" if len(several[0].shape) > 1 else ""
        return f"{_table_of(several[0])}, in {source.path.name}{mend}"
    return (
        f"{source.path.name} holds no column of features; it has "
        f"{listed([column.in_words() for column in source.columns])}. Features are lists of numbers of one length, or columns of numbers"
    )
