"""The robust covariance filter: which rows can be trusted to estimate the covariance of the clean ones.

Diakonikolas, Kamath, Kane, Li, Moitra and Stewart, "Being Robust (in High Dimensions) Can Be Practical", ICML 2017,
as run by the authors of SPECTRE (Hayase et al., ICML 2021). Where their code and the paper's text differ, the code's
behaviour is the default here; `tail` names the one place where it matters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from core.robust.linalg import inverse_root
from core.robust.moments import quadratic_forms, top_excess_direction

C = 10.0  # both constants are the authors'
TAU = 0.1

Tail = Literal["published", "upper"]


@dataclass(frozen=True)
class Round:
    """What one round of the filter did, and why."""

    reason: Literal["norm", "moment"]
    rows_before: int
    dropped: np.ndarray  # (n_dropped,) int64, row numbers of the input
    eigenvalue: float | None  # of the excess fourth moment; None in a norm round
    threshold: float | None  # what the eigenvalue (or, in a norm round, the squared norm) was held against
    cut: float | None  # t: rows whose deviation exceeds it were candidates for removal


@dataclass(frozen=True)
class FilterFit:
    """The rows that survive, and the story of every round."""

    trusted: Tensor  # (n,) bool
    rounds: tuple[Round, ...]
    stopped: str  # one of: converged, no threshold, allowance used up, too few rows, no allowance


def trusted_rows(z: Tensor, eps: float, allowance: int, *, tail: Tail = "published") -> FilterFit:
    """Filter the rows of z until their fourth moments look like a Gaussian's.

    z: (n, k), float64, centred. eps: assumed share of outliers, 0 < eps <= 0.5. allowance: rows it may drop in all.
    tail: "published" compares the share of rows below the cut with the tail bound, as the authors' code does (this is
    what makes the method work in practice); "upper" compares the share above it, as the 2017 text says.
    """
    if tail not in ("published", "upper"):
        raise ValueError(f"tail '{tail}' is not one of published, upper")
    kept = torch.arange(len(z), device=z.device)
    rounds: list[Round] = []
    direction: Tensor | None = None
    left = allowance
    stopped = "no allowance" if left <= 0 else ""
    while not stopped:
        rows = z[kept]
        try:
            y = rows @ inverse_root(rows.T @ rows / len(rows))  # second moment, not recentred
        except ValueError:
            stopped = "too few rows"
            break
        keep, entry, direction = _one_round(y, eps, left, tail, direction)
        if keep is None or int(keep.sum()) <= z.shape[1]:
            stopped = "too few rows" if keep is not None else _why_stopped(entry)
            rounds.append(_entry(entry, kept[:0]))
            break
        rounds.append(_entry(entry, kept[~keep]))
        left -= int((~keep).sum())
        kept = kept[keep]
        if left <= 0:
            stopped = "allowance used up"
    trusted = torch.zeros(len(z), dtype=torch.bool, device=z.device)
    trusted[kept] = True
    return FilterFit(trusted, tuple(rounds), stopped)


def _one_round(
    y: Tensor, eps: float, left: int, tail: Tail, direction: Tensor | None
) -> tuple[Tensor | None, Round, Tensor | None]:
    """Decide which rows of y (n', k) stay: (mask or None to stop, what happened without its rows, top direction)."""
    n, k = y.shape
    norms = y.square().sum(1)
    limit = C * k * math.log(n / TAU)
    if bool((norms >= limit).any()):
        keep = (norms < limit) | _smallest(norms, n - left)
        return keep, Round("norm", n, np.empty(0, int), None, limit, None), direction
    eigenvalue, direction = top_excess_direction(y, direction)
    threshold = 1 + C * eps * math.log(1 / eps) ** 2
    if eigenvalue <= threshold:
        return None, Round("moment", n, np.empty(0, int), eigenvalue, threshold, None), direction
    deviation = _deviations(y, direction)
    cut = _tail_cut(deviation, eps, tail)
    entry = Round("moment", n, np.empty(0, int), eigenvalue, threshold, cut)
    if cut is None:
        return None, entry, direction
    return (deviation <= cut) | _smallest(deviation, n - left), entry, direction


def _deviations(y: Tensor, direction: Tensor) -> Tensor:
    """How far each row's quadratic form lies from the median one: (n,)."""
    forms = (quadratic_forms(y, direction) - direction.diagonal().sum()) / math.sqrt(2)
    ordered = forms.sort().values
    n = len(forms)
    return (forms - (ordered[(n - 1) // 2] + ordered[n // 2]) / 2).abs()


def _tail_cut(deviation: Tensor, eps: float, tail: Tail) -> float | None:
    """The t at which the tail is first heavier than a Gaussian's may be, or None."""
    n = len(deviation)
    t = deviation.sort().values - 3
    log_t = t.clamp(min=1.0 + 1e-9).log()
    bound = torch.where(t <= 10 * math.log(1 / eps), 1.0, 3 * eps / (t * log_t).square())
    share = torch.arange(1, n + 1, device=t.device, dtype=t.dtype) / n
    if tail == "upper":
        share = 1 - share
    fires = ((t > 0) & (share >= bound)).nonzero()
    return float(t[fires[0, 0]]) if len(fires) else None


def _smallest(values: Tensor, count: int) -> Tensor:
    """Mask of the `count` smallest values; ties go to the earlier row."""
    mask = torch.zeros(len(values), dtype=torch.bool, device=values.device)
    mask[values.argsort(stable=True)[: max(count, 0)]] = True
    return mask


def _entry(entry: Round, dropped: Tensor) -> Round:
    return Round(entry.reason, entry.rows_before, dropped.cpu().numpy(), entry.eigenvalue, entry.threshold, entry.cut)


def _why_stopped(entry: Round) -> str:
    converged = entry.eigenvalue is not None and entry.threshold is not None and entry.eigenvalue <= entry.threshold
    return "converged" if converged else "no threshold"
