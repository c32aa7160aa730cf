"""The robust covariance filter: which rows can be trusted to estimate the covariance of the clean ones.

Diakonikolas, Kamath, Kane, Li, Moitra and Stewart, "Being Robust (in High Dimensions) Can Be Practical", ICML 2017,
as run by the authors of SPECTRE (Hayase et al., ICML 2021). Where their code and the paper's text differ, the code's
behaviour is the default here; `tail` names the one place where it matters. The limit on the rows dropped is theirs too.

Different from their code: a tie at the last protected row goes to the earlier row (theirs protects all that tie, so
that a round may drop none, and then repeats for ever); the filter stops where too few rows are left to be whitened; and
it does not run where nothing may be dropped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from core.robust.checks import check_filter
from core.robust.linalg import SingularError, smallest
from core.robust.moments import ExcessMoment
from core.robust.pairs import PairMoment, few_rows

C = 10.0  # both constants are the authors'
TAU = 0.1
NOBODY = np.empty(0, np.int64)

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
    residual: float | None = None  # of the eigenpair, relative to the eigenvalue


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
    Raises ValueError for anything else, ConvergenceError if an eigenpair does not converge.
    """
    check_filter(z, eps, allowance, tail)
    kept = torch.arange(len(z), device=z.device)
    rounds: list[Round] = []
    stopped = "no allowance" if allowance <= 0 else ""
    left = allowance
    try:
        moments = (PairMoment if few_rows(z) else ExcessMoment)(z) if not stopped else None
        while moments and not stopped:
            keep, entry = _one_round(moments, z.shape[1], eps, left, tail)
            if keep is None or int(keep.sum()) <= z.shape[1]:
                stopped = _why_stopped(entry) if keep is None else "too few rows"
                rounds.append(entry)
                break
            rounds.append(replace(entry, dropped=kept[~keep].cpu().numpy()))
            left -= int((~keep).sum())
            kept = kept[keep]
            if left <= 0:
                stopped = "allowance used up"
            else:
                moments.keep(keep)
    except SingularError:
        stopped = "too few rows"
    trusted = torch.zeros(len(z), dtype=torch.bool, device=z.device)
    trusted[kept] = True
    return FilterFit(trusted, tuple(rounds), stopped)


def _one_round(
    moments: ExcessMoment | PairMoment, k: int, eps: float, left: int, tail: Tail
) -> tuple[Tensor | None, Round]:
    """Decide which rows stay: (mask, or None to stop; what happened, still without the rows that go)."""
    n, norms = moments.count, moments.norms
    limit = C * k * math.log(n / TAU)
    if bool((norms >= limit).any()):
        return (norms < limit) | smallest(norms, n - left), Round("norm", n, NOBODY, None, limit, None)
    top = moments.top()
    threshold = 1 + C * eps * math.log(1 / eps) ** 2
    if top.value <= threshold:
        return None, Round("moment", n, NOBODY, top.value, threshold, None, top.residual)
    deviation = _deviations(top.forms)
    cut = _tail_cut(deviation, eps, tail)
    entry = Round("moment", n, NOBODY, top.value, threshold, cut, top.residual)
    return (None if cut is None else (deviation <= cut) | smallest(deviation, n - left)), entry


def _deviations(forms: Tensor) -> Tensor:
    """How far each row's quadratic form lies from the median one, in units of a Gaussian's spread: (n,)."""
    forms = forms / math.sqrt(2)
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


def _why_stopped(entry: Round) -> str:
    converged = entry.eigenvalue is not None and entry.threshold is not None and entry.eigenvalue <= entry.threshold
    return "converged" if converged else "no threshold"
