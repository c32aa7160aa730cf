"""Does a group of rows stand apart from the rest of its class? Held-out projections, and a test on their tails.

SPECTRE's idea is that poison adds variance in a direction in which clean rows, robustly whitened, have none. Here the
directions of most variance are found on nine tenths of the rows and looked at on the last tenth, in turn, so that every
row has a position along directions that it had no part in choosing (cross-validation; Stone 1974). A direction that only a few
rows made up shows nothing there. What is left is a question about tails in one dimension:

    N rows lie beyond b robust deviations. If the tail falls at least like t^-a, each of them lies beyond r b with
    probability r^-a at most, so the number of those that do is at most Binomial(N, r^-a).

Nothing is assumed about the shape of the bulk, nor about other classes, and no number of poisons is needed. The tail's rate a
is the caller's: see `tail_rate`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import special  # scipy.stats takes half a second more to load
from torch import Tensor

from core.robust.linalg import eigh, smallest
from core.robust.mixture import TwoGroups, split_at

LEAST = 0.75  # of what the median deviation says, at least, is the scale
DIRECTIONS = 4  # of most variance that are looked at
FOLDS = 10
STEPS = 5
STARTS = (2.5, 4.0)  # b, in robust deviations
RATIOS = (1.5, 2.0, 3.0, 5.0)  # r
CORE = 0.4  # of the rows, those closest together, tell centre and scale along a direction
EQUAL = 1e-24  # variance over the square of the largest value, below which rows differ by rounding
FEWEST = 5  # rows that can be a group; three or four agree by chance on some direction of many
SMALLEST_SHARE = 1 / 500
SMALLEST = 1e-280  # p-value; the sum of reciprocals must not overflow
TESTS = 2 * len(STARTS) * len(RATIOS)  # of a direction: both tails, every start, every ratio
TRIED = 8  # tails of directions that are looked at for a group that is clearly apart
SURE = 1e-3  # p-value of the one test, times their number, up to which another one is tried
REFINED = 5  # times that the members of a group are looked for anew


@dataclass(frozen=True)
class Tails:
    """How many rows lie beyond the start and beyond the cut of every test that was made of a class."""

    beyond_start: np.ndarray  # (tests,) int64
    beyond_cut: np.ndarray
    ratios: np.ndarray

    def p_values(self, rate: float, fewest: int) -> np.ndarray:
        """(tests,) each by itself; 1 where fewer rows than could be a group lie beyond the cut."""
        fewer = self.beyond_start - self.beyond_cut
        p = special.betainc(self.beyond_cut, fewer + 1.0, self.ratios**-rate)  # upper tail of a binomial distribution
        return np.where(self.beyond_cut >= fewest, p, 1.0)

    def p_value(self, rate: float, fewest: int) -> float:
        """Of all tests together: their harmonic mean, for they are about the same rows and depend on each other.

        Wilson, "The Harmonic Mean p-value for Combining Dependent Tests", PNAS 2019.
        """
        p = np.maximum(self.p_values(rate, fewest), SMALLEST)
        return float(1 / np.mean(1 / p))


@dataclass(frozen=True)
class Apart:
    """The group that stands apart most, whether or not it does so by more than chance."""

    tails: Tails  # of all that was looked at
    members: np.ndarray  # (n,) bool
    positions: np.ndarray  # (n,) along the line from the rest to the group, in robust deviations of the rest
    tamed: float  # Ashman's D of the two on the scale of the inverse hyperbolic sine
    separation: float  # the same, or that on the plain scale where it is smaller


def fewest_rows(n: int) -> int:
    """How many of n rows can be called a group."""
    return max(FEWEST, math.ceil(SMALLEST_SHARE * n))


def whitened_by_inner(z: Tensor, share: float, start: Tensor | None = None, shrink: float = 0.0) -> Tensor:
    """Rows z (n, k) from their centre, whitened by the covariance of the innermost share of them: (n, k), float64.

    Concentration steps, as of the minimum covariance determinant (Rousseeuw and Van Driessen, Technometrics 1999). start:
    (n,) distances by which the first innermost rows are told; without them, those from the median on a scale of median
    deviations. shrink: the weight of the identity in each covariance, for rows that are nearly white to begin with.
    """
    z = z.to(torch.float64)
    n, k = z.shape
    count = max(min(n, k + 1), math.ceil(share * n))
    if start is None:
        centred = z - z.median(0).values
        spread = centred.abs().median(0).values
        start = (centred / torch.where(spread > 0, spread, 1.0)).square().sum(1)
    inner = smallest(start, count)
    for _ in range(STEPS):
        centre = z[inner].mean(0)
        residuals = z[inner] - centre
        covariance = residuals.T @ residuals / len(residuals)
        if shrink:
            covariance = (1 - shrink) * covariance + shrink * torch.eye(k, dtype=z.dtype, device=z.device)
        values, vectors = eigh(covariance)
        if not float(values[-1]) > EQUAL * float(z.abs().max()) ** 2:
            return z - centre  # the innermost are all equal: there is no scale to measure the others by
        whitened = (z - centre) @ (vectors * values.clamp(min=1e-9 * float(values[-1])).rsqrt())
        inner = smallest(whitened.square().sum(1), count)
    return whitened


def held_out(w: Tensor, directions: int = DIRECTIONS, folds: int = FOLDS) -> Tensor:
    """Positions of the rows w (n, k) along directions of most variance among the rows of other folds: (n, q).

    Scaled by their core. The q directions are those of all rows in order and sign; which of a fold's
    directions is which of them is told by their angle.
    """
    n, k = w.shape
    q = min(directions, k)
    fold = torch.randperm(n, generator=torch.Generator().manual_seed(0)).to(w.device) % min(folds, n)
    total, second = w.sum(0), w.T @ w
    reference = _leading(second, total, n, q)
    positions = w.new_zeros(n, q)
    for part in range(min(folds, n)):
        own = fold == part
        rows = w[own]
        others = _leading(second - rows.T @ rows, total - rows.sum(0), n - len(rows), min(q + 2, k))
        positions[own] = rows @ _matched(others, reference)
    return _scaled(positions)


def _scaled(values: Tensor) -> Tensor:
    """Columns (n, q) from the middle of their CORE, in deviations as a Gaussian's core tells them.

    The closest part of the rows rather than median and median deviation: a group may hold more than a third of the rows.
    """
    n = len(values)
    count = max(2, math.ceil(CORE * n))
    ordered = values.sort(0).values
    lengths = ordered[count - 1 :] - ordered[: n - count + 1]
    length, first = lengths.min(0)
    low = ordered.gather(0, first[None])[0]
    middle = low + length / 2
    spread = length / (2 * special.ndtri((1 + CORE) / 2))
    # few rows can lie close together by chance
    spread = torch.maximum(spread, LEAST * 1.4826 * (values - middle).abs().median(0).values)
    return (values - middle) / torch.where(spread > 0, spread, 1.0)


def _leading(second: Tensor, total: Tensor, n: int, q: int) -> Tensor:
    """(k, q) eigenvectors of the covariance that these sums give."""
    mean = total / n
    return eigh(second / n - torch.outer(mean, mean))[1].flip(1)[:, :q]


def _matched(vectors: Tensor, reference: Tensor) -> Tensor:
    """For each column of reference (k, q) that of vectors (k, q') with the smallest angle, none twice, turned its way."""
    cosines = (reference.T @ vectors).cpu().numpy()
    free = np.ones(vectors.shape[1], bool)
    chosen = []
    for row in np.abs(cosines):
        chosen.append(int(np.where(free, row, -1).argmax()))
        free[chosen[-1]] = False
    signs = np.where(cosines[np.arange(len(chosen)), chosen] < 0, -1.0, 1.0)
    return vectors[:, chosen] * torch.from_numpy(signs).to(vectors)


def tails_of(positions: Sequence[Tensor]) -> Tails:
    """The tests on both tails along every direction of every view: positions are (n, q) each.

    Order: views, directions, tails (above, below), starts, ratios.
    """
    both = torch.cat([torch.stack([p, -p], 2).flatten(1) for p in positions], 1)  # (n, directions and tails)
    start = torch.stack([(both > b).sum(0) for b in STARTS], 1)
    cut = torch.stack([torch.stack([(both > b * r).sum(0) for r in RATIOS], 1) for b in STARTS], 1)
    starts = start[:, :, None].expand_as(cut)
    ratios = np.tile(np.array(RATIOS), cut.numel() // len(RATIOS))
    return Tails(starts.flatten().cpu().numpy(), cut.flatten().cpu().numpy(), ratios)


def most_apart(views: Sequence[Tensor], rate: float = 1.0, clear: float = -math.inf) -> Apart:
    """The group of rows that stands apart most in any of the views; without members where no test has enough rows for one.

    views: the rows (n, k) of one class, robustly whitened in different ways. rate: of the tails, for the choice alone.
    clear: a separation. Where the group that the smallest p-value points at has less, another one that has as much goes before
    it: along a feature that is zero in most rows, the others lie farther out than any poison, and each where it will.
    """
    n = len(views[0])
    positions = [held_out(w) for w in views]
    tails = tails_of(positions)
    p = tails.p_values(rate, fewest_rows(n))
    first, tried = None, set[int]()
    for test in p.argsort(kind="stable"):
        line = int(test) // (len(STARTS) * len(RATIOS))  # a tail of a direction
        if p[test] >= 1 or (first and (p[test] * len(p) > SURE or len(tried) == TRIED)):
            break
        if line in tried:
            continue
        tried.add(line)
        found = _along(views, positions, tails, int(test))
        first = first or found
        if found.separation >= clear:
            return found
    return first or Apart(tails, np.zeros(n, bool), np.zeros(n), 0.0, 0.0)


def _along(views: Sequence[Tensor], positions: Sequence[Tensor], tails: Tails, test: int) -> Apart:
    """The group that one test points at."""
    n = len(views[0])
    view, direction = _place(test // TESTS, [q.shape[1] for q in positions])
    tail, start, ratio = np.unravel_index(test % TESTS, (2, len(STARTS), len(RATIOS)))
    along = positions[view][:, direction] * (1 if tail == 0 else -1)
    beyond = along > STARTS[start] * RATIOS[ratio]
    found = _members(views[view], beyond)
    if found is None:
        return Apart(tails, np.zeros(n, bool), np.zeros(n), 0.0, 0.0)
    members, line, model = found
    tamed = model.separation
    return Apart(tails, members, line, tamed, min(tamed, _plain_separation(line[members])))


def _plain_separation(positions: np.ndarray) -> float:
    """Ashman's D of a group at these positions (m,) from a rest of mean 0 and variance 1.

    Where hardly a row of the rest differs in a direction, as in a feature that is mostly zero, the tamed scale is a
    logarithm, on which any few values lie together, far from zero.
    """
    if len(positions) == 0:
        return 0.0
    return float(positions.mean() / np.sqrt((1 + positions.var()) / 2))


def _place(direction: int, sizes: Sequence[int]) -> tuple[int, int]:
    for view, size in enumerate(sizes):
        if direction < size:
            return view, direction
        direction -= size
    raise IndexError(direction)


def _members(w: Tensor, beyond: Tensor) -> tuple[np.ndarray, np.ndarray, TwoGroups] | None:
    """Who belongs to a group of which the rows `beyond` (n,) are the core: along the line that parts the two best.

    The rest is white, so Fisher's direction is that between the means. Returns members, positions, mixture; None where the two have
    the same mean, as rows of few values can.
    """
    group, found = beyond, None
    for _ in range(REFINED):
        shift = w[group].mean(0) - w[~group].mean(0)
        if not torch.linalg.vector_norm(shift) > EQUAL**0.5 * w.abs().max():
            break
        along = w @ (shift / torch.linalg.vector_norm(shift))
        line = _scaled(along[:, None])[:, 0].cpu().numpy()
        model = split_at(np.arcsinh(line), group.cpu().numpy())
        found = (line, model)
        again = torch.from_numpy(model.members).to(w.device)
        if bool((again == group).all()) or not bool(again.any()) or bool(again.all()):
            break
        group = again
    return None if found is None else (group.cpu().numpy(), *found)
