"""SPECTRE on the features of one class: robust whitening, QUE scores, and the choice of k.

Hayase, Kong, Somani and Oh, "SPECTRE: Defending Against Backdoor Attacks Using Robust Statistics", ICML 2021,
Algorithms 1 and 2. The behaviour is that of the authors' published code, which made the paper's numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from core.robust.filter import FilterFit, Round, Tail, trusted_rows
from core.robust.linalg import SingularError, covariance, inverse_root
from core.robust.pca import Components, principal_components
from core.robust.que import Que, que_matrix, que_scores, remove_top

CANDIDATES = 10  # how many k the paper tries


@dataclass(frozen=True)
class Candidate:
    """Everything that one k gives."""

    k: int
    objective: float  # mean QUE in all K dimensions after whitening by the rows this k would keep; larger is better, NaN where it cannot be told
    scores: Tensor  # (n,)
    removed: Tensor  # (n,) bool
    trusted: Tensor  # (n,) bool, rows that the filter kept to estimate the covariance
    transform: Tensor  # (k, k): whitened rows are `components.scores[:, :k] @ transform`
    que: Que
    rounds: tuple[Round, ...]
    stopped: str

    @property
    def has_excess(self) -> bool:
        """False where no direction of this k has more variance than the trusted rows; k = 1 is not whitened at all."""
        return self.k == 1 or self.que.has_excess


@dataclass(frozen=True)
class SpectreFit:
    """The result for the chosen k, and all candidates it was chosen from."""

    candidates: tuple[Candidate, ...]
    chosen: int  # position in candidates
    components: Components  # all K principal components
    poisons: int
    warnings: tuple[str, ...]

    @property
    def best(self) -> Candidate:
        """The candidate of largest objective."""
        return self.candidates[self.chosen]

    @property
    def k(self) -> int:
        """The chosen number of principal components."""
        return self.best.k

    @property
    def scores(self) -> Tensor:
        """(n,) QUE scores at the chosen k."""
        return self.best.scores

    @property
    def removed(self) -> Tensor:
        """(n,) bool, rows to remove at the chosen k."""
        return self.best.removed


def candidate_ks(limit: int) -> list[int]:
    """The numbers of components to try, evenly spaced in the square root: 1, 4, 9, ..., 100 for a limit of 100."""
    steps = torch.linspace(1.0, limit**0.5, CANDIDATES, dtype=torch.float64)
    return sorted({round(float(s) ** 2) for s in steps})


def fit_spectre(
    x: Tensor,
    poisons: int,
    *,
    alpha: float = 4.0,
    k: int | None = None,
    max_k: int = 100,
    removal_factor: float = 1.5,
    allowance_factor: float = 2.0,
    tail: Tail = "published",
) -> SpectreFit:
    """Score every row of x and mark those to remove.

    x: (n, d), features of all training rows that carry one label, finite. poisons: assumed number of poisons, a
    count; 0 removes nothing. alpha: sharpness of the QUE score. k: number of components, None to choose by the
    objective. max_k: the paper's K. removal_factor, allowance_factor: rows removed, and rows the filter may distrust,
    per assumed poison. tail: see `trusted_rows`.
    Raises ValueError where n < 2, poisons is out of 0..n/2, k exceeds what the rows can carry, or all rows are equal.
    """
    n, d = x.shape
    if n < 2:
        raise ValueError(f"{n} row(s): at least 2 are needed")
    if not 0 <= poisons <= n / 2:
        raise ValueError(f"{poisons} assumed poisons must lie between 0 and half of the {n} rows")
    if k is not None and not 1 <= k <= min(d, n - 1):
        raise ValueError(f"k = {k} must lie between 1 and min(d, n - 1) = {min(d, n - 1)}; lower k")
    removals = round(removal_factor * poisons)
    full, warnings = _full_dimension(n, d, max_k, n - removals)
    components = principal_components(x, max(full, k or 1))
    if components.rank == 0:
        raise ValueError("all rows are equal, so there is nothing to tell them apart by")
    full = min(full, components.rank)
    if k is not None and k > components.rank:
        raise ValueError(f"k = {k} exceeds the {components.rank} directions in which the rows differ; lower k")
    sizes = candidate_ks(full) if k is None else [k]
    allowance = round(allowance_factor * poisons)

    def fit(size: int) -> Candidate | None:
        return _candidate(components, size, full, poisons, removals, allowance, alpha, tail)

    candidates = []
    for size, found in zip(sizes, _side_by_side(fit, sizes, x.device), strict=True):
        if found is None or (k is None and math.isnan(found.objective)):
            warnings.append(f"k = {size} left out: the trusted rows span fewer than {size} directions")
        else:
            candidates.append(found)
    if not candidates:
        raise ValueError("no k could be fitted: the trusted rows span too few directions; lower k or the poisons")
    chosen = max(range(len(candidates)), key=lambda i: candidates[i].objective)  # the first one wins a tie
    if not candidates[chosen].has_excess:
        warnings.append("no direction has more variance than the trusted rows: scores are plain norms (alpha = 0)")
    return SpectreFit(tuple(candidates), chosen, components, poisons, tuple(warnings))


def _side_by_side(
    fit: Callable[[int], Candidate | None], sizes: list[int], device: torch.device
) -> list[Candidate | None]:
    """All k at once on the threads of a CPU, one thread each: the products of one k are too small to share."""
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1 or len(sizes) == 1:
        return [fit(size) for size in sizes]
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(fit, sizes[::-1]))[::-1]  # the largest takes longest
    finally:
        torch.set_num_threads(threads)  # in part it counts for the whole process


def _full_dimension(n: int, d: int, max_k: int, kept: int) -> tuple[int, list[str]]:
    """K, in which the candidates are compared, and a warning where the class is too small for the paper's."""
    wanted = min(max_k, d, n - 1)
    safe = max(1, min(wanted, n // 4, kept // 2))  # a covariance of K dimensions needs several rows for each
    if safe == wanted:
        return wanted, []
    return safe, [f"K lowered from {wanted} to {safe}: {n} rows, {kept} of them kept, carry no more"]


def _candidate(
    components: Components, k: int, full: int, poisons: int, removals: int, allowance: int, alpha: float, tail: Tail
) -> Candidate | None:
    """Section "whiten and score" for one k; None where the trusted rows cannot be whitened."""
    z = components.scores[:, :k]
    n = len(z)
    if k == 1:  # no whitening: plain spectral signatures is always one of the candidates
        fit = FilterFit(torch.ones(n, dtype=torch.bool, device=z.device), (), "not needed for k = 1")
        transform = torch.ones(1, 1, dtype=z.dtype, device=z.device)
    else:
        eps = poisons / n
        fit = trusted_rows(z, eps, allowance, tail=tail) if poisons else trusted_rows(z, 0.5, 0)
        try:
            transform = inverse_root(covariance(z[fit.trusted], ddof=0))
        except SingularError:
            return None
    whitened = z @ transform  # all rows; not recentred by the trusted ones
    que = que_matrix(covariance(whitened, ddof=1), alpha if k > 1 else 0.0)
    scores = que_scores(whitened, que.matrix)
    removed = remove_top(scores, removals)
    objective = _objective(components.scores[:, :full], removed, alpha)
    return Candidate(k, objective, scores, removed, fit.trusted, transform, que, fit.rounds, fit.stopped)


def _objective(g: Tensor, removed: Tensor, alpha: float) -> float:
    """Mean QUE of all rows g (n, K) once the kept ones are white: large where the removed rows stood apart.

    Not a number where the kept rows span fewer than K directions.
    """
    try:
        root = inverse_root(covariance(g[~removed], ddof=1))
    except SingularError:
        return math.nan
    spread = root @ covariance(g, ddof=1) @ root
    return que_matrix((spread + spread.T) / 2, alpha).mean_score
