"""The first look at all rows together: what is broken, what is a copy, and which class each row lies nearest to.

Broken rows and copies are set aside before anything else is estimated, and nothing that follows sees them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.audit.table import OnRows, Table, number, pieces, take, usable_values
from core.foundation.errors import InputError
from core.foundation.rows import as_tensor, check_features
from core.robust import Discriminant, aside, principal_components, robust_discriminant

RANK = 128  # principal components of all classes together in which rows are compared
SAMPLE = 2048  # rows, as many of each class, that those components are taken of
ENOUGH = 4  # rows for each of them
OUTSIDE = (
    3.5  # robust deviations of a distance: where no ordinary row would lie, rows close together are a group, not copies
)
GROUP = 5  # of them
OTHER_UNIT = 1000.0  # times the spread of the median column
AGREE = 0.25  # of the size of what rows have in common: as far as they may differ beside it
AT_ONCE = 4096  # rows that are compared with each other
ROUNDING = 1e-5  # of a squared length: less is no distance from a plane
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

    def among(self, numbers: np.ndarray) -> SetAside:
        """The same rows as a table numbers them of which these are a part. numbers: (n,) those of all of its rows."""
        return replace(
            self, broken=numbers[self.broken], copies=numbers[self.copies], originals=numbers[self.originals]
        )

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
        found = self.against.whitened(torch.from_numpy(np.searchsorted(self.kept, rows)))
        return found.cpu().numpy().astype(np.float32)


def obviously_odd(table: Table, device: torch.device) -> SetAside:
    """The broken rows of one class, and the equal ones. Raises InputError where hardly any row can be computed with.

    Near copies are left in: without other classes they cannot be told from a tight cluster of poison.
    """
    return _set_aside(*_broken_and_equal(table, np.zeros(table.shape[0], np.int64), device))


def first_look(table: Table, labels: np.ndarray, device: torch.device, on_rows: OnRows | None = None) -> Overview:
    """Look at all rows of a table (n, d) with labels (n,). Raises InputError where hardly any row can be computed with.

    on_rows: told how many rows are done, anew in each of the two to six times that all are read: more than two
    where some lie close together.
    """
    reasons, original = _broken_and_equal(table, labels, device, on_rows)
    whole = np.setdiff1d(np.arange(len(labels)), np.fromiter(reasons, np.int64, len(reasons)))
    kept, groups = _originals(reasons, original), np.empty(0, np.int64)  # groups: rows together that are no copies
    look = _compare(table, labels, kept, device, on_rows)
    for _ in range(2):  # near copies are told by the spread, which is then measured once more without them
        close = _first_of_close(look, np.isin(kept, groups))
        original[kept] = kept[close]
        original = original[original]  # a copy of a near copy
        if len(without := _originals(reasons, original)) < len(kept):
            kept, look = without, _compare(table, labels, without, device, on_rows)
        together = whole[np.isin(original[whole], _no_ordinary_place(look, kept, original[whole]))]
        if len(together):
            groups = np.union1d(groups, together)
            original[together] = together
            kept = _originals(reasons, original)
            look = _compare(table, labels, kept, device, on_rows)
        elif (close == np.arange(len(close))).all():
            break
    return Overview(look.names, kept, look.index, _set_aside(reasons, original), look.against)


@dataclass(frozen=True)
class _Look:
    """Some rows in the principal components of all classes."""

    names: np.ndarray  # (c,) their labels
    index: np.ndarray  # (n,) positions in names
    against: Discriminant | None  # None where no class has rows that differ
    beyond: np.ndarray  # (n,) the distance from the plane of the components


def _broken_and_equal(
    table: Table, labels: np.ndarray, device: torch.device, on_rows: OnRows | None = None
) -> tuple[dict[int, str], np.ndarray]:
    """Why a row is broken, by its number, and for each row the first of its label that equals it, itself where there is
    none: (n,)."""
    sizes, constant, keys, unusable = _read(table, device, on_rows)
    reasons = _broken(sizes, constant, np.setdiff1d(np.arange(len(labels)), list(unusable)))
    for row in _agreeing(table, labels, np.array(sorted(reasons), np.int64), sizes.numpy()):
        del reasons[row]
    reasons |= unusable
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


def _read(
    table: Table, device: torch.device, on_rows: OnRows | None
) -> tuple[Tensor, np.ndarray, np.ndarray, dict[int, str]]:
    """Of each row: its largest absolute value, whether all values are the same, and two sums that only equal rows share.

    And why a row cannot be computed with at all, by its number. Raises InputError where more than half of them cannot.
    """
    unusable: dict[int, str] = {}
    n, d = table.shape
    weights = np.random.default_rng(0).integers(0, 2**64, (2, d), np.uint64, endpoint=False) | np.uint64(1)
    sizes, constant, keys = torch.empty(n, dtype=torch.float64), np.empty(n, bool), np.empty((n, 2), np.uint64)
    for rows, x in pieces(table, on_rows=on_rows):
        x, reasons = usable_values(x)
        unusable |= {int(rows[position]): reason for position, reason in reasons.items()}
        largest, same = aside.row_sizes(as_tensor(x, device))
        sizes[rows], constant[rows] = largest.cpu(), same.cpu().numpy()
        bits = _bits(x)
        keys[rows] = np.stack([(bits * weight).sum(1, dtype=np.uint64) for weight in weights], 1)
    if len(unusable) > n / 2:
        first = min(unusable)
        raise InputError(
            f"{len(unusable):,} of {n:,} rows cannot be computed with, row {int(number(table, np.array([first]))[0])} first: "
            f"{unusable[first]}; extract them again"
        )
    return sizes, constant, keys, unusable


def _bits(x: np.ndarray) -> np.ndarray:
    """Rows (n, d) as whole numbers (n, d) uint64 that are equal where the values are.

    Sums of the values themselves would lose all columns beside one of 1e16, and rows would be equal that are not.
    """
    same = np.ascontiguousarray(x + x.dtype.type(0))  # -0.0 is 0.0
    bits = same.view(f"u{same.dtype.itemsize}").astype(np.uint64)
    # the low half of round numbers is zero, and of that a sum would hear alone
    return np.asarray(bits ^ (bits >> np.uint64(32)))


def _broken(sizes: Tensor, constant: np.ndarray, usable: np.ndarray) -> dict[int, str]:
    """usable: (m,) numbers of the rows that can be computed with."""
    reasons = {
        int(row): "all zeros" if float(sizes[row]) == 0 else "the same value in every column"
        for row in usable[constant[usable]]
    }
    others = usable[~constant[usable]]
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


def _agreeing(table: Table, labels: np.ndarray, broken: np.ndarray, sizes: np.ndarray) -> list[int]:
    """Of broken rows those that are larger than the others because GROUP or more of their class have one thing in common, as a
    strong trigger gives it: what they have beside it is small. Rows of another scale differ from each other as much as they are large."""
    found: list[int] = []
    size = sizes[broken]
    large = broken[(size > np.median(sizes)) & ~np.isin(size, SATURATED)]
    for label in np.unique(labels[large]):
        for rows in np.array_split(own := large[labels[large] == label], max(1, math.ceil(len(own) / AT_ONCE))):
            x = take(table, rows).astype(np.float64)
            centre = np.median(x, 0)
            agree = np.abs(x - centre).max(1) < AGREE * np.abs(centre).max()
            found += rows[agree].tolist() if agree.sum() >= GROUP else []
    return found


def _first_of_equal(keys: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """For each row the first of its label with the same keys: positions (n,). Itself in classes of coarse values."""
    _, first, inverse = np.unique(
        np.column_stack([labels.astype(np.uint64), keys]), axis=0, return_index=True, return_inverse=True
    )
    found: np.ndarray = first[inverse.reshape(-1)]
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        if aside.too_coarse(torch.from_numpy(found[own])):
            found[own] = own
    return found


def _compare(table: Table, labels: np.ndarray, kept: np.ndarray, device: torch.device, on_rows: OnRows | None) -> _Look:
    names, index = np.unique(labels[kept], return_inverse=True)
    nothing = _Look(names, index, None, np.zeros(len(kept)))
    if len(kept) < 2:
        return nothing
    sample = _tensor(take(table, kept[_sample(index, len(names))]), device)
    units = _units(sample)
    sample = sample / units
    rank = max(1, min(RANK, (len(kept) - len(names)) // ENOUGH, *sample.shape))
    components = principal_components(sample, rank)
    if components.rank == 0:
        return nothing
    components = components.first(components.rank)
    reduced = torch.empty((len(kept), components.rank), dtype=torch.float32, device=device)
    beyond, first = torch.empty(len(kept), dtype=sample.dtype, device=device), 0
    for _, x in pieces(table, kept, on_rows):
        rows, some = _tensor(x, device) / units, slice(first, first + len(x))
        reduced[some] = components.project(rows).to(torch.float32)
        whole = (rows - components.mean.to(rows.dtype)).square().sum(1)
        squares = whole - reduced[some].square().sum(1)
        beyond[some] = torch.where(squares > ROUNDING * whole, squares, 0.0).sqrt()
        first += len(x)
    try:
        against = robust_discriminant(reduced, torch.from_numpy(index).to(device), len(names))
    except ValueError:
        return nothing
    return _Look(names, index, against, beyond.cpu().numpy())


def _units(x: Tensor) -> Tensor:
    """What the columns of x (n, d) are measured in: (d,) powers of two, so that nothing is rounded.

    One for all, their median spread, so that single precision can hold them; a column that is OTHER_UNIT times as wide, as a
    number of customers beside features, has its own: beside it all others would be rounding.
    """
    middle = x.median(0).values
    spread = (x - middle).abs().median(0).values.to(torch.float64)
    spread = torch.where(spread > 0, spread, x.to(torch.float64).std(0))
    some = spread[spread > 0]
    typical = some.median() if len(some) else spread.new_tensor(1.0)
    own = torch.where(spread > OTHER_UNIT * typical, spread, typical)
    return torch.exp2(own.log2().round()).to(x.dtype)


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


def _first_of_close(look: _Look, groups: np.ndarray) -> np.ndarray:
    """For each row the first near copy of its class, itself where there is none: positions (n,). groups: (n,) bool, rows
    that are no copies."""
    found = np.arange(len(look.index))
    if look.against is None:
        return found
    for label in range(len(look.names)):
        own = np.flatnonzero((look.index == label) & ~groups)
        first = aside.first_of_close(look.against.whitened(torch.from_numpy(own))).cpu().numpy()
        if not aside.too_coarse(torch.from_numpy(first)):
            found[own] = own[first]
    return found


def _no_ordinary_place(look: _Look, rows: np.ndarray, firsts: np.ndarray) -> np.ndarray:
    """Which of the rows (n,) that stand for GROUP rows or more lie where hardly a row of their class does: ascending.

    A copy of an ordinary row lies at an ordinary distance from the centre of its class, and from the plane of the
    components; a tight cluster of poison need not. look: of the rows, one of each set of close ones, so that a set cannot
    bring the components its own way. firsts: for each of all close rows the one that stands for it.
    """
    if look.against is None:
        return np.empty(0, np.int64)
    names, counts = np.unique(firsts, return_counts=True)
    many = np.isin(rows, names[counts >= GROUP])
    odd = np.zeros(len(rows), bool)
    for label in np.unique(look.index[many]):
        own = look.index == label
        for distances in (look.against.without.sqrt().cpu().numpy(), look.beyond):
            middle = np.median(distances[own])
            spread = 1.4826 * np.median(np.abs(distances[own] - middle))
            odd |= own & many & (np.abs(distances - middle) > OUTSIDE * spread)
    found: np.ndarray = rows[odd]
    return found
