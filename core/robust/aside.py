"""A first look at rows, before anything is estimated: which are broken, and which are copies of others."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

FAR = 8.0  # times larger than the median size, and as many robust deviations of the logarithm
SMALL = 100.0  # times smaller than the median size
CONSTANT_FROM = 8  # columns: with fewer, rows of one value everywhere are nothing unusual
COARSE = 0.25  # of the rows, at least, must be distinct; else the values are so coarse that rows meet by chance
CLOSE = 0.25  # of the median distance to the nearest row
CHANCE = 0.01  # pairs as close as that which are expected by chance, at most
CHUNK = 2**24  # distances that are in memory at once


def row_sizes(x: Tensor) -> tuple[Tensor, Tensor]:
    """The largest absolute value of each row of x (n, d), and whether all of its values are the same: (n,) each.

    The largest value rather than the norm: it cannot overflow.
    """
    sizes = x.abs().amax(1).to(torch.float64)
    if x.shape[1] < CONSTANT_FROM:
        return sizes, torch.zeros(len(x), dtype=torch.bool, device=x.device)
    return sizes, (x == x[:, :1]).all(1)


def out_of_scale(sizes: Tensor) -> Tensor:
    """Which of the sizes (n,) are far from all the others, on the scale of their logarithms: (n,) bool.

    Both many times the median and many robust deviations from it, so that sizes that vary by nature are left alone. None is
    where most are zero: there is no size to compare with.
    """
    if not float(sizes.median()) > 0:
        return torch.zeros(len(sizes), dtype=torch.bool, device=sizes.device)
    logs = sizes.clamp(min=torch.finfo(sizes.dtype).tiny).log()
    middle = logs.median()
    off = logs - middle
    spread = off.abs().median() * 1.4826
    far = (off > np.log(FAR)) | (off < -np.log(SMALL))
    return far & (off.abs() > FAR * spread)


def first_of_close(w: Tensor) -> Tensor:
    """For each row of w (n, k) the first of the rows that it is a near copy of, itself where there is none: (n,) int64.

    w: rows of one class, whitened, no two of them equal. Near: closer than CLOSE of the median distance from a row to its
    nearest, and closer than chance would bring any two of them, which in few dimensions is closer still. A chain of near
    rows, as the frames of a film, has one first row.
    """
    n, k = w.shape
    found = torch.arange(n, device=w.device)
    if n < 3:
        return found
    nearest = torch.empty(n, dtype=w.dtype, device=w.device)
    parts = torch.arange(n, device=w.device).split(max(1, CHUNK // n))
    for part in parts:
        nearest[part] = _distances(w, part).amin(1)
    limit = min(CLOSE, (CHANCE / n) ** (1 / k)) * nearest.median()
    close = (nearest < limit).nonzero()[:, 0]
    if len(close) == 0:
        return found
    return _chains(w, close, float(limit), found)


def _distances(w: Tensor, part: Tensor) -> Tensor:
    distances = torch.cdist(w[part], w)
    distances[torch.arange(len(part), device=w.device), part] = torch.inf
    return distances


def _chains(w: Tensor, close: Tensor, limit: float, found: Tensor) -> Tensor:
    # of the chains; joined part by part, for all pairs together can be more than the memory holds
    names = np.arange(len(close))
    for part in close.split(max(1, CHUNK // len(close))):
        near = torch.cdist(w[part], w[close]) < limit
        left, right = near.nonzero().T
        left, right = torch.stack([torch.searchsorted(close, part[left]), right]).cpu().numpy()
        graph = coo_array((np.ones(len(left), bool), (names[left], names[right])), shape=(len(close), len(close)))
        names = connected_components(graph, directed=False)[1][names]
    _, first = np.unique(names, return_index=True)
    found[close] = close[torch.from_numpy(first[names]).to(close.device)]
    return found


def too_coarse(first: Tensor) -> bool:
    """Whether rows meet so often that meeting says nothing; first: (n,) for each row the first that it meets."""
    return len(first.unique()) < COARSE * len(first)
