"""Labels that stand beside names of files, put in the order of the rows that carry these names."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.foundation.csv_cells import unguarded
from core.foundation.errors import InputError

KNOWN = 0.5  # share of the rows whose names a column has, from which on it is taken for names whatever it is called


@dataclass(frozen=True)
class Matched:
    """Which line of a list of names belongs to each row."""

    lines: np.ndarray  # (n,) int64
    spare: int  # lines that name no row
    by: str  # what was compared


def match(wanted: Sequence[str], given: Sequence[object], file: str) -> Matched:
    """The line that names each row: by whole paths, else by their ends, by the names of the files, by these without suffix.

    wanted: (n,) names of the rows, all different. given: (m,) the names in a list, None where one is empty. file: the list, for
    messages. The first way in which every row is named once is taken. Raises InputError where there is none.
    """
    names = _words(given, set(wanted))
    tries = _tries(wanted, names)
    whole = next((one for one in tries if not one.missing and not one.twice), None)
    if whole is None:
        best = min(tries, key=lambda one: (len(one.missing) + len(one.twice), len(one.missing)))
        raise InputError(best.problem(file, len(wanted)))
    lines = np.array([whole.places[key][0] for key in whole.keys], np.int64)
    return Matched(lines, sum(name is not None for name in names) - len(lines), whole.by)


def is_known(wanted: Sequence[str], given: Sequence[object]) -> bool:
    """Whether so many of the rows are named there that these must be names."""
    found = _tries(wanted, _words(given, set(wanted)))
    return any(len(one.missing) <= (1 - KNOWN) * len(wanted) for one in found)


@dataclass(frozen=True)
class _Try:
    by: str
    keys: list[str]  # (n,) of the rows
    places: dict[str, list[int]]  # the lines of each key
    missing: list[int]  # rows that no line names
    twice: list[int]  # rows that several lines name

    def problem(self, file: str, n: int) -> str:
        """In one line."""
        if self.missing:
            what = (
                f"{file} has no label for {len(self.missing):,} of {n:,} rows, such as '{self.keys[self.missing[0]]}'"
            )
            return f"{what}; name the file of every row in it, or give labels without names, in the order of the rows"
        key = self.keys[self.twice[0]]
        more = f", and {len(self.twice) - 1:,} others more than once" if len(self.twice) > 1 else ""
        return f"{file} names '{key}' {len(self.places[key])} times{more}; keep one line of each file"


def _tries(wanted: Sequence[str], names: Sequence[str | None]) -> list[_Try]:
    """Every way to compare the names, the strictest first."""
    there = [name for name in names if name is not None]
    depth = 1 + min((_path(name).count("/") for name in (*wanted, *there)), default=0)  # folders that all of them tell
    ways: list[tuple[str, Callable[[str], str]]] = [
        ("their paths", _path),
        ("the ends of their paths", lambda name: "/".join(_path(name).split("/")[-depth:])),
        ("the names of the files", _name),
        ("the names of the files without suffix", _stem),
    ]
    return [found for by, short in ways if (found := _tried(wanted, names, by, short))]


def _tried(wanted: Sequence[str], names: Sequence[str | None], by: str, short: Callable[[str], str]) -> _Try | None:
    """None where two rows would be called the same."""
    keys = [short(name) for name in wanted]
    if len(set(keys)) < len(keys) and short is not _path:
        return None
    places: dict[str, list[int]] = {key: [] for key in keys}
    for line, name in enumerate(names):
        if name is not None and (found := places.get(short(name))) is not None:
            found.append(line)
    count = Counter(keys)
    missing = [row for row, key in enumerate(keys) if not places[key]]
    twice = [row for row, key in enumerate(keys) if len(places[key]) > 1 or (places[key] and count[key] > 1)]
    return _Try(by, keys, places, missing, twice)


def _words(given: Sequence[object], wanted: set[str]) -> list[str | None]:
    """Names as words; one that was guarded against spreadsheets as it was before, unless a row is called so."""
    words = [name.strip() if isinstance(name, str) else None for name in given]
    return [(word if word in wanted else unguarded(word)) if word else None for word in words]


def _path(name: str) -> str:
    return posixpath.normpath(name.strip().replace("\\", "/"))


def _name(name: str) -> str:
    return _path(name).rpartition("/")[2]


def _stem(name: str) -> str:
    return posixpath.splitext(_name(name))[0]
