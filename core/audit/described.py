"""What a table of features is, where that bears on the verdict: probabilities, rows of length one, dead columns, clipping."""

from __future__ import annotations

import numpy as np

from core.audit.table import Table, pieces

LOOKED_AT = 2**28  # values of a table that are all looked at; of a larger one that many, in rows spread over it
ALMOST_ALL = 0.99  # of the rows
CLOSE = 1e-3  # of one, in single precision
CLOSE_HALF = 1e-2  # of one, in half precision
HALF_LIMIT = 65504.0  # the largest number of half precision


def describe(table: Table) -> list[str]:
    """What an analyst should know of a table (n, d) before the verdict, a sentence each; nothing of ordinary features."""
    n, d = table.shape
    count = min(n, max(1, LOOKED_AT // d))
    wanted = np.unique(np.linspace(0, n - 1, count).astype(np.int64)) if count < n else None
    looked = n if wanted is None else len(wanted)
    half = table.dtype.itemsize <= 2
    sums, lengths, clipped = 0, 0, 0
    smallest, used = np.inf, np.zeros(d, bool)
    for _, rows in pieces(table, wanted):
        x = rows.astype(np.float32) if half else rows
        with np.errstate(all="ignore"):  # what is not finite is told of elsewhere
            close = CLOSE_HALF if half else CLOSE
            sums += int((np.abs(x.sum(1, dtype=np.float64) - 1) < close).sum())
            lengths += int((np.abs(np.sqrt(np.einsum("ij,ij->i", x, x, dtype=np.float64)) - 1) < close).sum())
            smallest = min(smallest, float(x.min()))
            clipped += int((np.abs(x) == HALF_LIMIT).any(1).sum())
        used |= (x != 0).any(0)
    among = "" if wanted is None else f" in {looked:,} rows looked at, spread over the table"
    return [
        *_probabilities(d > 1 and smallest >= 0 and sums >= ALMOST_ALL * looked),
        *_lengths(d > 1 and lengths >= ALMOST_ALL * looked),
        *_zeros(int((~used).sum()), d, among),
        *_clipped(clipped, among),
    ]


def _probabilities(are: bool) -> list[str]:
    words = (
        "the rows are probabilities: none below 0, each sums to one. Softmax hides poison: on one network SPECTRE found 49 of "
        "50 poisons in the logits and 12 in their softmax. Give the logits, or better the layer before"
    )
    return [words] if are else []


def _lengths(are: bool) -> list[str]:
    words = (
        "the rows have length one (L2-normalised): SPECTRE finds as much in them, spectral signatures fell from 47 to 0 of 50 "
        "poisons; give the features before the normalisation where you can"
    )
    return [words] if are else []


def _zeros(count: int, d: int, among: str) -> list[str]:
    return (
        [f"{count:,} of {d:,} columns are all zero{among}: units that never answer; they say nothing"] if count else []
    )


def _clipped(count: int, among: str) -> list[str]:
    words = (
        f"{count:,} rows{among} hold {HALF_LIMIT:.0f}, the largest number of half precision: they were cut off there. Extract "
        "them again in single precision"
    )
    return [words] if count else []
