"""What another tool removed of the same rows, beside what was removed here."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.audit.readers import open_source
from core.foundation.errors import InputError


@dataclass(frozen=True)
class Agreement:
    """Counts of rows."""

    file: str
    there: int  # removed by the other
    both: int
    only_here: int

    def in_words(self) -> str:
        """One sentence."""
        return (
            f"{self.file} removes {self.there:,} rows: {self.both:,} of them are removed here too, {self.there - self.both:,} "
            f"are not; {self.only_here:,} are removed here alone"
        )

    def as_json(self) -> dict[str, str | int]:
        """For summary.json."""
        return {"file": self.file, "removed": self.there, "both": self.both, "only_here": self.only_here}


def read_mask(path: Path, n: int) -> np.ndarray:
    """(n,) bool, True = removed, as the scripts of SPECTRE's authors write `mask-rcov-target.npy` and its like.

    Truth values, or 0 and 1. Their README calls the masks the samples to train on; the scripts that write and read them take
    True for removed. Raises InputError.
    """
    if not path.is_file():
        raise InputError(f"there is no mask {path}; give a file with one truth value a row, True = removed")
    with closing(open_source(path)) as source:
        columns = source.columns
        if len(columns) != 1:
            raise InputError(f"{path.name} has {len(columns)} columns or arrays; a mask is one, of truth values")
        values = source.values(columns[0].name)
    if values.dtype.kind == "O":
        values = _of_text(values, n)
    if values.shape not in ((n,), (n, 1), (1, n)):
        raise InputError(f"{path.name} is {values.shape}, and there are {n:,} rows; a mask has one truth value a row")
    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        raise InputError(f"{path.name} must hold truth values, or 0 and 1, True = removed")
    return values.reshape(n).astype(bool)


def _of_text(values: np.ndarray, n: int) -> np.ndarray:
    """What a text file says: numbers, or truth values as words, above which a heading is a word like them."""
    said = {"true": 1, "false": 0}
    if values.shape == (n + 1,) and str(values[0]).lower() not in said:
        values = values[1:]
    return np.array([said.get(str(one).lower(), one) for one in values.ravel().tolist()]).reshape(values.shape)


def agreement(path: Path, mask: np.ndarray, removed: np.ndarray) -> Agreement:
    """Of two masks (n,), True = removed: the one of a file, and the one that was found here."""
    return Agreement(path.name, int(mask.sum()), int((mask & removed).sum()), int((removed & ~mask).sum()))
