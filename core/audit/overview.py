"""The first look at all rows together: what is broken, what is a copy, and which class each row lies nearest to.

Broken rows and copies are set aside before anything else is estimated, and nothing that follows sees them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.audit.table import Table, checked_values, pieces, take
from core.defenses import as_tensor, check_features
from core.robust import Discriminant, aside, principal_components, robust_discriminant

RANK = 128  # principal components of all classes together in which rows are compared
SAMPLE = 2048  # rows, as many of each class, that those components are taken of
OUTSIDE = 2.5  # robust deviations of the distance from the centre: beyond, rows close together are a group, not copies
GROUP = 5  # of them
SATURATED = (65504.0, float(np.finfo(np.float32).max))  # the largest numbers of half and single precision


@dataclass(frozen=True)
class SetAside:
    """Rows that nothing is estimated from. Row numbers are those of the whole table."""

    broken: np.ndarray  # (b,) int64, ascending
    reasons: tuple[str, ...]  # for each of them
    copies: np.ndarray  # (m,) int64, ascending
    originals: np.ndarray  # (m,) int64, the row that is kept, of which each is a copy

    @property
    def rows(self) -> np.ndarray:
        """All of them, ascending."""
        return np.sort(np.concatenate([self.broken, self.copies]))

    def as_json(self) -> dict[str, Any]:
        """Every row with the reason, as plain values."""
        broken = zip(self.broken.tolist(), self.reasons, strict=True)
        copies = zip(self.copies.tolist(), self.originals.tolist(), strict=True)
        return {
            "broken": [{"row": row, "reason": reason} for row, reason in broken],
            "copies": [{"row": row, "copy_of": original} for row, original in copies],
        }


@dataclass(frozen=True)
class Overview:
    """What is known of all rows before any class is looked at by itself."""

    labels: np.ndarray  # (c,) those of rows that are not set aside, ascending
    kept: np.ndarray  # (n',) int64, rows that are not set aside, ascending
    index: np.ndarray  # (n',) position of their label in labels
    aside: SetAside
    against: Discriminant | None  # of the kept rows; None where there is no spread to measure by

    def whitened(self, rows: np.ndarray) -> np.ndarray:
        """Kept rows (m,) in deviations of the rows within a class: (m, r), r = 0 where that is not known."""
        if self.against is None:
            return np.zeros((len(rows), 0), np.float32)
        return self.against.rows[np.searchsorted(self.kept, rows)].cpu().numpy().astype(np.float32)


def obviously_odd(table: Table, device: torch.device) -> SetAside:
    """The broken rows of one class, and the equal ones. Raises InputError for values that cannot be worked with.

    Near copies are left in: without other classes they cannot be told from a tight cluster of poison.
    """
    return _set_aside(*_broken_and_equal(table, np.zeros(table.shape[0], np.int64), device))


def first_look(table: Table, labels: np.ndarray, device: torch.device) -> Overview:
    """Look at all rows of a table (n, d) with labels (n,). Raises InputError for values that cannot be worked with."""
    reasons, original = _broken_and_equal(table, labels, device)
    kept = _originals(reasons, original)
    names, index, against = _compare(table, labels, kept, device)
    for _ in range(2):  # near copies are told by the spread, which is then measured once more without them
        close = _first_of_close(against, index)
        if (close == np.arange(len(kept))).all():
            break
        original[kept] = kept[close]
        original = original[original]  # a copy of a near copy
        kept = _originals(reasons, original)
        names, index, against = _compare(table, labels, kept, device)
    return Overview(names, kept, index, _set_aside(reasons, original), against)


def _broken_and_equal(table: Table, labels: np.ndarray, device: torch.device) -> tuple[dict[int, str], np.ndarray]:
    """Why a row is broken, by its number, and for each row the first of its label that equals it, itself where there is
    none: (n,)."""
    sizes, constant, keys = _read(table, labels, device)
    reasons = _broken(sizes, constant)
    original = np.arange(len(labels))
    whole = _originals(reasons, original)
    original[whole] = whole[_first_of_equal(keys[whole], labels[whole])]
    return reasons, original


def _originals(reasons: dict[int, str], original: np.ndarray) -> np.ndarray:
    """Rows that are neither broken nor copies, ascending."""
    rows = np.flatnonzero(original == np.arange(len(original)))
    return np.setdiff1d(rows, np.fromiter(reasons, np.int64, len(reasons)))


def _set_aside(reasons: dict[int, str], original: np.ndarray) -> SetAside:
    broken = np.array(sorted(reasons), np.int64)
    copies = np.flatnonzero(original != np.arange(len(original)))
    return SetAside(broken, tuple(reasons[int(row)] for row in broken), copies, original[copies])


def _read(table: Table, labels: np.ndarray, device: torch.device) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Of each row: its largest absolute value, whether all values are the same, and two sums by which equal rows are equal."""
    n, d = table.shape
    weights = np.random.default_rng(0).standard_normal((2, d))
    sizes, constant, keys = torch.empty(n, dtype=torch.float64), np.empty(n, bool), np.empty((n, 2))
    for rows, x in pieces(table):
        x = checked_values(x, rows, labels)
        largest, same = aside.row_sizes(as_tensor(x, device))
        sizes[rows], constant[rows] = largest.cpu(), same.cpu().numpy()
        keys[rows] = np.stack([(x * weight).sum(1) for weight in weights], 1)
    return sizes, constant, keys


def _broken(sizes: Tensor, constant: np.ndarray) -> dict[int, str]:
    reasons = {
        int(row): "all zeros" if float(sizes[row]) == 0 else "the same value in every column"
        for row in np.flatnonzero(constant)
    }
    others = np.flatnonzero(~constant)
    if len(others) == 0:
        return reasons
    middle = float(sizes[others].median())
    for row in others[aside.out_of_scale(sizes[others]).numpy()]:
        size = float(sizes[row])
        if size in SATURATED:
            reasons[int(row)] = f"saturated at {size:g}"
        elif size > middle:
            reasons[int(row)] = f"{size / middle:.3g} times the size of an ordinary row"
        else:
            reasons[int(row)] = f"{size / middle:.2g} of the size of an ordinary row"
    return reasons


def _first_of_equal(keys: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """For each row the first of its label with the same keys: positions (n,). Itself in classes of coarse values."""
    _, first, inverse = np.unique(np.column_stack([labels, keys]), axis=0, return_index=True, return_inverse=True)
    found: np.ndarray = first[inverse.reshape(-1)]
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        if aside.too_coarse(torch.from_numpy(found[own])):
            found[own] = own
    return found


def _compare(
    table: Table, labels: np.ndarray, kept: np.ndarray, device: torch.device
) -> tuple[np.ndarray, np.ndarray, Discriminant | None]:
    """The labels of the kept rows, the position of each row's among them, and the rows against the centres of all classes.

    None for the last where no class has rows that differ.
    """
    names, index = np.unique(labels[kept], return_inverse=True)
    if len(kept) < 2:
        return names, index, None
    sample = _tensor(take(table, kept[_sample(index, len(names))]), device)
    components = principal_components(sample, min(RANK, *sample.shape))
    if components.rank == 0:
        return names, index, None
    components = components.first(components.rank)
    reduced = [components.project(_tensor(x, device)).to(torch.float32) for _, x in pieces(table, kept)]
    try:
        return names, index, robust_discriminant(torch.cat(reduced), torch.from_numpy(index).to(device), len(names))
    except ValueError:
        return names, index, None


def _tensor(x: np.ndarray, device: torch.device) -> Tensor:
    return as_tensor(check_features(x, 0, at_least=1), device)


def _sample(index: np.ndarray, classes: int) -> np.ndarray:
    """Positions of as many rows of each class, drawn by their place among the kept rows: what is set aside changes nothing."""
    each = max(2, SAMPLE // classes)
    draw = np.random.default_rng(0).random(len(index))
    order = np.lexsort((draw, index))
    starts = np.searchsorted(index[order], np.arange(classes))
    rank = np.arange(len(index)) - starts[index[order]]
    return np.sort(order[rank < each])


def _first_of_close(against: Discriminant | None, index: np.ndarray) -> np.ndarray:
    """For each row the first near copy of its class, itself where there is none: positions (n,)."""
    found = np.arange(len(index))
    if against is None:
        return found
    for label in range(int(index.max()) + 1):
        own = np.flatnonzero(index == label)
        first = aside.first_of_close(against.rows[own]).cpu().numpy()
        first = _without_far(first, against.own[own].sqrt().cpu().numpy())
        if not aside.too_coarse(torch.from_numpy(first)):
            found[own] = own[first]
    return found


def _without_far(first: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """The chains of near rows (n,) without those that lie far outside of their class: a tight cluster of poison does.

    distances: (n,) from the centre of the class.
    """
    middle = np.median(distances)
    spread = 1.4826 * np.median(np.abs(distances - middle))
    sizes = np.bincount(first, minlength=len(first))
    far = (sizes >= GROUP) & (distances > middle + OUTSIDE * spread)
    return np.where(far[first], np.arange(len(first)), first)
