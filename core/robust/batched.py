"""The covariance filter on many tables at once: all candidates k, and many classes, as one batch, for a GPU.

The same rounds as `filter.trusted_rows`, in step: each of them decides by itself what goes, and when it has ended. Tables are
padded to the largest: rows that are not there, or are dropped, are zeros, and so are columns beyond a table's k. All of it is in
double precision; searches run over vectors of forms, on which the excess moment acts through the rows (`moments`). The host waits
for the device once a round, and once for every few steps of a search.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.robust.checks import check_filter
from core.robust.filter import TAU, C, FilterFit, Round, Tail
from core.robust.linalg import RANK_TOLERANCE, ConvergenceError
from core.robust.moments import TOLERANCE
from core.robust.subspace import INDEPENDENT, SPENT, THINNED

CAPACITY = 64  # vectors of a search, before it is thinned out
RECYCLED = 12  # with which the next round's search begins; a product more for each
TOGETHER = 4  # vectors that are added before it is asked whether all searches have ended
MOST = 400  # times that is asked
REASONS = ("", "converged", "no threshold", "too few rows", "allowance used up", "no allowance")


@dataclass
class _Tables:
    """Whitened tables (b, n, k) and where each stands."""

    y: Tensor  # (b, n, k); zeros where no row is, or no column
    sizes: Tensor  # (b,) columns of each
    alive: Tensor  # (b, n) bool
    left: Tensor  # (b,) rows that each may still drop
    stopped: Tensor  # (b,) position in REASONS; 0 for those that go on
    found: Tensor | None = None  # (b, p, n) forms of the round before

    @property
    def count(self) -> Tensor:
        """(b,) rows that are left."""
        return self.alive.sum(1)

    def centred(self, forms: Tensor) -> Tensor:
        """Forms (b, ..., n) less their mean over the rows that are left; 0 for the others."""
        shape = (len(forms), *[1] * (forms.ndim - 2))
        mean = forms.sum(-1) / self.count.view(shape)
        alive = self.alive.view(*shape, -1)
        return torch.where(alive, forms - mean[..., None], 0.0)

    def image(self, forms: Tensor) -> Tensor:
        """The excess moment on forms (b, n), by the rows."""
        weights = self.centred(torch.where(self.alive, forms, 0.0))
        matrix = torch.bmm((self.y * weights[..., None]).mT, self.y)
        return self.centred((torch.bmm(self.y, matrix) * self.y).sum(2) / self.count[:, None])

    def whiten(self) -> None:
        """Divide out the second moment. A table whose rows span too few directions has ended."""
        count = self.count.to(self.y.dtype)
        for _ in range(2):  # once more: the first could be far from the identity
            moment = torch.bmm(self.y.mT, self.y) / count[:, None, None]
            absent = torch.arange(moment.shape[1], device=moment.device) >= self.sizes[:, None]
            moment.diagonal(dim1=1, dim2=2)[absent] = 1.0
            factor, failed = torch.linalg.cholesky_ex(moment)
            scale = moment.diagonal(dim1=1, dim2=2).masked_fill(absent, 0.0).amax(1)
            pivots = factor.diagonal(dim1=1, dim2=2).square().masked_fill(absent, math.inf).amin(1)
            self._end((failed > 0) | (pivots <= RANK_TOLERANCE * scale), "too few rows")
            eye = torch.eye(moment.shape[1], dtype=moment.dtype, device=moment.device)
            factor = torch.where((self.stopped > 0)[:, None, None], eye, factor)
            self.y = torch.linalg.solve_triangular(factor, self.y.mT, upper=False).mT.contiguous()

    def _end(self, which: Tensor, reason: str) -> None:
        self.stopped[(self.stopped == 0) & which] = REASONS.index(reason)


@dataclass(frozen=True)
class _Entry:
    """One round of all tables, still on the device: (b,) each, and the rows that went (b, n)."""

    took_part: Tensor
    norm: Tensor
    count: Tensor
    value: Tensor
    threshold: Tensor
    cut: Tensor
    residual: Tensor
    dropped: Tensor


def trusted_rows_of_many(
    tables: Sequence[Tensor], eps: Sequence[float], allowances: Sequence[int], *, tail: Tail = "published"
) -> list[FilterFit]:
    """`trusted_rows` of every table (n, k), float64, centred, all on one device; with an eps and an allowance of its own each.

    Raises ValueError for anything else, ConvergenceError if an eigenpair does not converge.
    """
    if not tables:
        return []
    for table, share, allowance in zip(tables, eps, allowances, strict=True):
        check_filter(table, share, allowance, tail)
    batch = _stacked(tables, allowances)
    shares = torch.tensor(eps, dtype=torch.float64, device=batch.y.device)
    entries: list[_Entry] = []
    batch.whiten()
    while bool((batch.stopped == 0).any()):
        entries.append(_one_round(batch, shares, tail))
        batch.whiten()
    return _told(batch, entries, [len(table) for table in tables])


def _stacked(tables: Sequence[Tensor], allowances: Sequence[int]) -> _Tables:
    n, k = (max(table.shape[side] for table in tables) for side in (0, 1))
    first = tables[0]
    y = first.new_zeros(len(tables), n, k)
    alive = torch.zeros(len(tables), n, dtype=torch.bool, device=first.device)
    for i, table in enumerate(tables):
        y[i, : table.shape[0], : table.shape[1]] = table
        alive[i, : len(table)] = True
    left = torch.tensor(list(allowances), device=first.device)
    stopped = torch.where(left > 0, 0, REASONS.index("no allowance"))
    return _Tables(y, torch.tensor([table.shape[1] for table in tables], device=first.device), alive, left, stopped)


def _one_round(batch: _Tables, eps: Tensor, tail: Tail) -> _Entry:
    """Drop what goes of every table that has not ended, and end those that have."""
    active, count, sizes = batch.stopped == 0, batch.count, batch.sizes
    norms = batch.y.square().sum(2)
    limit = C * sizes * (count.to(norms.dtype) / TAU).log()
    norm = ((norms >= limit[:, None]) & batch.alive).any(1)
    value, forms, residual = _top(batch, active & ~norm)
    threshold = 1 + C * eps * (1 / eps).log().square()
    deviation = _deviations(forms, batch.alive, count)
    cut = _tail_cuts(deviation, count, eps, tail)
    measure = torch.where(norm[:, None], norms, deviation)
    inside = torch.where(norm[:, None], norms < limit[:, None], deviation <= cut[:, None])
    keep = (inside | _smallest(measure, batch.alive, count - batch.left)) & batch.alive
    batch._end(~norm & (value <= threshold), "converged")
    batch._end(~norm & cut.isnan(), "no threshold")
    batch._end(keep.sum(1) <= sizes, "too few rows")
    dropped = batch.alive & ~keep & (batch.stopped == 0)[:, None]
    batch.alive &= ~dropped
    batch.left -= dropped.sum(1)
    batch.y[dropped] = 0.0
    batch._end(batch.left <= 0, "allowance used up")
    return _Entry(active, norm, count, value, torch.where(norm, limit, threshold), cut, residual, dropped)


def _deviations(forms: Tensor, alive: Tensor, count: Tensor) -> Tensor:
    """How far each row's form lies from the median one, in units of a Gaussian's spread: (b, n); infinite for rows that are gone."""
    forms = forms / math.sqrt(2)
    ordered = forms.masked_fill(~alive, math.inf).sort(1).values
    middle = [ordered.gather(1, at[:, None]) for at in ((count - 1) // 2, count // 2)]
    return (forms - (middle[0] + middle[1]) / 2).abs().masked_fill(~alive, math.inf)


def _tail_cuts(deviation: Tensor, count: Tensor, eps: Tensor, tail: Tail) -> Tensor:
    """(b,) the t at which the tail is first heavier than a Gaussian's may be; NaN where it is nowhere."""
    t = deviation.sort(1).values - 3
    log_t = t.clamp(min=1.0 + 1e-9).log()
    bound = 3 * eps[:, None] / (t * log_t).square()
    bound = torch.where(t <= 10 * (1 / eps).log()[:, None], 1.0, bound)
    place = torch.arange(1, t.shape[1] + 1, device=t.device)
    share = place / count[:, None].to(t.dtype)
    if tail == "upper":
        share = 1 - share
    fires = (t > 0) & (share >= bound) & (place <= count[:, None])
    first = t.gather(1, fires.to(torch.int8).argmax(1, keepdim=True))[:, 0]
    return torch.where(fires.any(1), first, math.nan)


def _smallest(values: Tensor, alive: Tensor, counts: Tensor) -> Tensor:
    """(b, n) bool, exactly so many smallest values of each; ties go to the earlier row."""
    order = values.masked_fill(~alive, math.inf).argsort(dim=1, stable=True)
    rank = torch.empty_like(order).scatter_(
        1, order, torch.arange(order.shape[1], device=order.device).expand_as(order)
    )
    return rank < counts[:, None]


class _Searches:
    """Rayleigh-Ritz on spaces of forms, one for each table, all of one size. A direction that is spent is a vector of zeros."""

    def __init__(self, batch: _Tables, start: Tensor) -> None:
        self._batch = batch
        vectors = _orthonormal(batch.centred(start))
        shape = (len(vectors), CAPACITY, vectors.shape[2])
        self._vectors, self._images = vectors.new_zeros(shape), vectors.new_zeros(shape)
        self._projected = vectors.new_zeros(len(vectors), CAPACITY, CAPACITY)
        self.size = 0
        for vector in vectors.unbind(1):
            self._append(vector)

    def top(self) -> tuple[Tensor, Tensor, Tensor]:
        """The Ritz pairs of largest value: (b,), vectors (b, n) and their images (b, n)."""
        values, mixing = torch.linalg.eigh(self._projected[:, : self.size, : self.size])
        last = mixing[:, :, -1:].mT
        vectors, images = (torch.bmm(last, part[:, : self.size])[:, 0] for part in (self._vectors, self._images))
        return values[:, -1], vectors, images

    def best(self, count: int) -> Tensor:
        """(b, count, n) the Ritz vectors of largest value."""
        mixing = torch.linalg.eigh(self._projected[:, : self.size, : self.size])[1][:, :, -count:]
        return torch.bmm(mixing.mT, self._vectors[:, : self.size])

    def grow(self, direction: Tensor) -> None:
        """Add the new part of directions (b, n), what the operator makes of that, and so on."""
        for _ in range(TOGETHER):
            if self.size == CAPACITY:
                self._thin()
            length = torch.linalg.vector_norm(direction, dim=1)
            fresh = direction
            for _ in range(2):  # twice is enough (Kahan, Parlett)
                along = torch.bmm(self._vectors[:, : self.size], fresh[..., None])
                fresh = fresh - torch.bmm(along.mT, self._vectors[:, : self.size])[:, 0]
            rest = torch.linalg.vector_norm(fresh, dim=1)
            real = (rest > SPENT * length) & (rest > 0)
            fresh = torch.where(real[:, None], fresh / rest.clamp(min=torch.finfo(rest.dtype).tiny)[:, None], 0.0)
            direction = self._append(fresh)

    def _append(self, vectors: Tensor) -> Tensor:
        images = self._batch.image(vectors)
        self._vectors[:, self.size], self._images[:, self.size] = vectors, images
        self.size += 1
        column = torch.bmm(self._vectors[:, : self.size], images[..., None])[..., 0]
        self._projected[:, : self.size, self.size - 1] = column
        self._projected[:, self.size - 1, : self.size] = column
        return images

    def _thin(self) -> None:
        values, mixing = torch.linalg.eigh(self._projected)
        mixing = mixing[:, :, -THINNED:].mT
        for part in (self._vectors, self._images):
            part[:, :THINNED] = torch.bmm(mixing, part)
        self._projected.zero_()
        self._projected[:, :THINNED, :THINNED] = values[:, -THINNED:].diag_embed()
        self.size = THINNED


def _top(batch: _Tables, wanted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The top of the excess moment of the tables that are wanted: values (b,), forms (b, n), residuals (b,)."""
    start = _noise(batch.y) if batch.found is None else batch.found
    searches = _Searches(batch, start)
    for _ in range(MOST):
        value, vector, image = searches.top()
        rest = image - value[:, None] * vector
        residual = torch.linalg.vector_norm(rest, dim=1) / value.clamp(min=torch.finfo(value.dtype).tiny)
        if bool(((residual <= TOLERANCE) | ~wanted).all()):
            batch.found = searches.best(min(RECYCLED, searches.size))
            scale = (batch.count / value.clamp(min=torch.finfo(value.dtype).tiny)).sqrt()
            return value, image * scale[:, None], residual
        searches.grow(rest)
    worst = float(residual[wanted].max())
    raise ConvergenceError(f"the top eigenvector did not converge: relative residual {worst:.1e}")


def _noise(y: Tensor) -> Tensor:
    """(b, 1, n) fixed random forms: the same rows give the same digits."""
    noise = torch.randn(y.shape[1], generator=torch.Generator().manual_seed(y.shape[1]), dtype=y.dtype)
    return noise.to(y.device).expand(len(y), 1, -1)


def _orthonormal(vectors: Tensor) -> Tensor:
    """Vectors (b, p, n) that span the same, of norm 1 and orthogonal; zeros for those that depend on the others."""
    lengths = torch.linalg.vector_norm(vectors, dim=2, keepdim=True)
    unit = vectors / lengths.clamp(min=torch.finfo(vectors.dtype).tiny)
    values, mixing = torch.linalg.eigh(torch.bmm(unit, unit.mT))
    scale = torch.where(values > INDEPENDENT, values.clamp(min=INDEPENDENT).rsqrt(), 0.0)
    return torch.bmm((mixing * scale[:, None]).mT, unit)


def _told(batch: _Tables, entries: list[_Entry], rows: Sequence[int]) -> list[FilterFit]:
    """The story of each table, as `trusted_rows` tells it; everything comes from the device at once."""
    stopped = [REASONS[i] for i in batch.stopped.tolist()]
    stories: list[list[Round]] = [[] for _ in rows]
    for entry in entries:
        dropped = entry.dropped.cpu().numpy()
        figures = [part.tolist() for part in vars(entry).values() if part.ndim == 1]
        for i, (took_part, norm, count, value, threshold, cut, residual) in enumerate(zip(*figures, strict=True)):
            if not took_part:
                continue
            out = np.flatnonzero(dropped[i])
            if norm:
                stories[i].append(Round("norm", count, out, None, threshold, None))
            else:
                passed = value <= threshold or math.isnan(cut)
                stories[i].append(Round("moment", count, out, value, threshold, None if passed else cut, residual))
    return [FilterFit(batch.alive[i, :n].clone(), tuple(stories[i]), stopped[i]) for i, n in enumerate(rows)]
