"""SPECTRE on the features of one class: robust whitening, QUE scores, and the choice of k.

Hayase, Kong, Somani and Oh, "SPECTRE: Defending Against Backdoor Attacks Using Robust Statistics", ICML 2021,
Algorithms 1 and 2. The behaviour is that of the authors' published code, which made the paper's numbers, except: K is
lowered for small classes and low rank; without a direction of excess variance alpha counts as 0; a k whose rows cannot
be whitened is left out; without poisons the filter does not run. docs/spectre.md lists every difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from core.robust.batched import trusted_rows_of_many
from core.robust.checks import TAILS, check_choice, check_number, check_rows, check_whole
from core.robust.filter import FilterFit, Round, Tail, trusted_rows
from core.robust.linalg import SingularError, covariance, inverse_root, roots
from core.robust.pca import Components, principal_components
from core.robust.que import Que, que_matrix, que_scores, remove_top

CANDIDATES = 10  # how many k the paper tries
ILL_CONDITIONED = 1e10  # ratio of variances; single precision features carry about 1e14
T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """Everything that can be chosen; the defaults are the published code's.

    k: number of principal components, None to choose by the objective. max_k: the K in which candidates are compared,
    and the largest of them; lowered to the features, to a quarter of the rows, to half of those kept, and to the rank,
    where the published code demands 100. alpha: sharpness of the QUE score. removal_factor, allowance_factor: rows
    removed, and rows the filter may distrust, per assumed poison. tail: see `trusted_rows`. robust_mean: measure scores
    from the mean of the trusted rows rather than from that of all rows (the published code does not recentre).
    """

    k: int | None = None
    max_k: int = 100
    alpha: float = 4.0
    removal_factor: float = 1.5
    allowance_factor: float = 2.0
    tail: Tail = "published"
    robust_mean: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for values that are none."""
        if self.k is not None:
            check_whole("k", self.k, 1)
        check_whole("max_k", self.max_k, 1)
        for name in ("alpha", "removal_factor", "allowance_factor"):
            check_number(name, getattr(self, name), 0.0)
        check_choice("tail", self.tail, TAILS)


@dataclass(frozen=True)
class Candidate:
    """Everything that one k gives."""

    k: int
    objective: float  # mean QUE in all K dimensions after whitening by the rows this k would keep; larger is better, NaN where it cannot be told
    scores: Tensor  # (n,)
    removed: Tensor  # (n,) bool
    trusted: Tensor  # (n,) bool, rows that the filter kept to estimate the covariance
    centre: Tensor  # (k,) from which scores are measured, in principal components; 0 is the mean of all rows
    transform: Tensor  # (k, k)
    condition: float  # largest over smallest variance of the trusted rows; 1 for k = 1
    que: Que
    rounds: tuple[Round, ...]
    stopped: str

    @property
    def has_excess(self) -> bool:
        """False where no direction of this k has more variance than the trusted rows; k = 1 is not whitened at all."""
        return self.k == 1 or self.que.has_excess

    def whiten(self, points: Tensor) -> Tensor:
        """Principal component scores (n', K) as rows (n', k) in which the trusted ones have unit covariance."""
        return (points[:, : self.k] - self.centre) @ self.transform


@dataclass(frozen=True)
class SpectreFit:
    """The result for the chosen k, and all candidates it was chosen from."""

    candidates: tuple[Candidate, ...]
    chosen: int  # position in candidates
    components: Components  # all K principal components
    dimensions: int  # K, in which the candidates were compared
    poisons: int
    settings: Settings
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

    def rescore(self, alpha: float | None = None, k: int | None = None) -> Tensor:
        """QUE scores (n,) at another sharpness, or at another k of the candidates, without a new fit.

        Only `fit_spectre` chooses k anew. `remove_top` marks as many of these scores as are wanted.
        Raises ValueError where that k was not fitted.
        """
        by_k = {candidate.k: candidate for candidate in self.candidates}
        candidate = self.best if k is None else by_k.get(k)
        if candidate is None:
            raise ValueError(f"k = {k} was not fitted; there are: {', '.join(map(str, by_k))}")
        if alpha is None or alpha == self.settings.alpha or candidate.k == 1:
            return candidate.scores.clone()
        q = candidate.que.sharpened(alpha)
        return que_scores(candidate.whiten(self.components.scores), q.matrix)


def candidate_ks(limit: int) -> list[int]:
    """The numbers of components to try, evenly spaced in the square root: 1, 4, 9, ..., 100 for a limit of 100."""
    steps = torch.linspace(1.0, limit**0.5, CANDIDATES, dtype=torch.float64)
    return sorted({round(float(s) ** 2) for s in steps})


def fit_spectre(x: Tensor, poisons: int, *, components: Components | None = None, **options: Any) -> SpectreFit:
    """Score every row of x and mark those to remove.

    x: (n, d), features of all training rows that carry one label, finite. poisons: assumed number of poisons, a
    count; 0 removes nothing. components: those of x from an earlier fit, which then need not be computed again.
    options: see `Settings`. Raises ValueError where n < 2 or a value is not finite (the row is named), poisons is out of 0..n/2, k exceeds
    what the rows can carry, the components are those of other rows, or all rows are equal; RuntimeError where the filter's eigenpairs do not converge.
    """
    work = _prepared(x, poisons, Settings(**options), components)
    return work.finished(_filtered([work], x.device)[0])


def fit_spectre_of_many(xs: Sequence[Tensor], poisons: Sequence[int], **options: Any) -> list[SpectreFit | ValueError]:
    """`fit_spectre` of the rows of many classes, each with a number of its own; the error in place of a fit that cannot be made.

    On a GPU all of them are filtered as one batch; on a CPU one after the other. Raises ValueError for options that are none, RuntimeError as
    `fit_spectre` does.
    """
    works, settings = list[_Work | ValueError](), Settings(**options)
    for x, count in zip(xs, poisons, strict=True):
        try:
            works.append(_prepared(x, count, settings, None))
        except ValueError as problem:
            works.append(problem)
    ready = [work for work in works if isinstance(work, _Work)]
    found: list[SpectreFit | ValueError] = []
    fits = iter(_filtered(ready, ready[0].components.scores.device) if ready else ())
    for work in works:
        try:
            found.append(work.finished(next(fits)) if isinstance(work, _Work) else work)
        except ValueError as problem:
            found.append(problem)
    return found


@dataclass(frozen=True)
class _Work:
    """The rows of one class, ready to be filtered at every k."""

    components: Components
    dimensions: int
    sizes: tuple[int, ...]  # k, ascending
    poisons: int
    settings: Settings
    warnings: tuple[str, ...]

    @property
    def eps(self) -> float:
        """The assumed share of outliers; without poisons there is no allowance, and it does not matter."""
        return self.poisons / len(self.components.scores) or 0.5

    @property
    def allowance(self) -> int:
        """Rows that the filter may drop."""
        return round(self.settings.allowance_factor * self.poisons)

    def points(self, k: int) -> Tensor:
        """What is filtered: (n, k)."""
        return self.components.scores[:, :k]

    def filtered(self, k: int) -> FilterFit | None:
        """One k by itself; None for k = 1, which is not whitened: plain spectral signatures is always a candidate."""
        return None if k == 1 else trusted_rows(self.points(k), self.eps, self.allowance, tail=self.settings.tail)

    def finished(self, filtered: Sequence[FilterFit | None]) -> SpectreFit:
        """Score the rows at every k, by the rows that its filter trusts, and choose one. Raises ValueError where there is none."""
        fits = dict(zip(self.sizes, filtered, strict=True))

        def scored(k: int) -> Candidate | None:
            return _candidate(self.components, self.dimensions, self.poisons, self.settings, k, fits[k])

        candidates, warnings = [], list(self.warnings)
        found = _side_by_side(scored, list(self.sizes), self.components.scores.device)
        for k, candidate in zip(self.sizes, found, strict=True):
            if candidate is None or (self.settings.k is None and math.isnan(candidate.objective)):
                warnings.append(f"k = {k} left out: too few rows are trusted or kept to measure a covariance by")
            else:
                candidates.append(candidate)
        if not candidates:
            least = self.settings.k is None and self.poisons <= 1
            advice = "there are too few rows in all" if least else "lower k or the number of poisons"
            raise ValueError(f"no k could be fitted: too few rows are trusted or kept; {advice}")
        chosen = max(range(len(candidates)), key=lambda i: candidates[i].objective)  # the first one wins a tie
        warnings += _cautions(candidates[chosen])
        return SpectreFit(
            tuple(candidates), chosen, self.components, self.dimensions, self.poisons, self.settings, tuple(warnings)
        )


def _prepared(x: Tensor, poisons: int, settings: Settings, components: Components | None) -> _Work:
    check_rows(x, least=2)
    check_whole("poisons", poisons, 0)
    n, d = x.shape
    k = settings.k
    if components is not None and (len(components.scores), len(components.mean)) != (n, d):
        raise ValueError("the principal components are those of other rows")
    if not 0 <= poisons <= n / 2:
        raise ValueError(f"{poisons} assumed poisons must lie between 0 and half of the {n} rows")
    if k is not None and not 1 <= k <= min(d, n - 1):
        raise ValueError(f"k = {k} must lie between 1 and min(d, n - 1) = {min(d, n - 1)}; lower k")
    kept = n - round(settings.removal_factor * poisons)
    full, warnings = _full_dimension(n, d, settings.max_k, kept)
    count = max(full, k or 1)
    if components is None or len(components.variances) < count:
        components = principal_components(x, count)
    components = components.first(count).require_spread()
    if components.rank < full:
        warnings.append(
            f"K lowered from {full} to {components.rank}, the number of directions in which the rows differ"
        )
        full = components.rank
    if k is not None and k > components.rank:
        raise ValueError(f"k = {k} exceeds the {components.rank} directions in which the rows differ; lower k")
    sizes = candidate_ks(full) if k is None else [k]
    return _Work(components, full, tuple(sizes), poisons, settings, tuple(warnings))


def _filtered(works: Sequence[_Work], device: torch.device) -> list[list[FilterFit | None]]:
    """The filter of every class at every k."""
    if not _as_one_batch(device):
        return [_side_by_side(work.filtered, list(work.sizes), device) for work in works]
    jobs = [(i, j) for i, work in enumerate(works) for j, k in enumerate(work.sizes) if k > 1]
    found: list[list[FilterFit | None]] = [[None] * len(work.sizes) for work in works]
    tables = [works[i].points(works[i].sizes[j]) for i, j in jobs]
    eps, allowances = [works[i].eps for i, _ in jobs], [works[i].allowance for i, _ in jobs]
    tail = works[0].settings.tail if works else "published"
    for (i, j), fit in zip(jobs, trusted_rows_of_many(tables, eps, allowances, tail=tail), strict=True):
        found[i][j] = fit
    return found


def _as_one_batch(device: torch.device) -> bool:
    return device.type == "cuda"


def _cautions(best: Candidate) -> list[str]:
    cautions = []
    if not best.has_excess:
        cautions.append("no direction has more variance than the trusted rows: scores are plain norms (alpha = 0)")
    if best.condition > ILL_CONDITIONED:
        cautions.append(
            f"ill-conditioned: the variances of the trusted rows range over a factor of {best.condition:.0e} or more at "
            f"k = {best.k}: scores rest on directions in which they have next to none; look at a lower k too"
        )
    return cautions


def _side_by_side(fit: Callable[[int], T], sizes: list[int], device: torch.device) -> list[T]:
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
    return safe, [f"small class: K lowered from {wanted} to {safe}, as {n} rows, {kept} of them kept, carry no more"]


def _candidate(
    components: Components, full: int, poisons: int, settings: Settings, k: int, fit: FilterFit | None
) -> Candidate | None:
    """Section "whiten and score" for one k; None where the trusted rows cannot be whitened. fit: None is not to whiten."""
    points = components.scores
    z = points[:, :k]
    centre, condition, alpha = z.new_zeros(k), 1.0, settings.alpha
    if fit is None:
        fit = FilterFit(torch.ones(len(z), dtype=torch.bool, device=z.device), (), "not needed for k = 1")
        transform, alpha = z.new_ones(1, 1), 0.0
    else:
        try:
            # enough rows, but nothing in some direction: then what the others have there is all the more suspicious
            found = roots(covariance(z[fit.trusted], ddof=0), floored=int(fit.trusted.sum()) > k)
        except SingularError:
            return None
        transform, condition = found.inverse, found.condition
        if settings.robust_mean:
            centre = z[fit.trusted].mean(0)
    whitened = (z - centre) @ transform  # all rows
    que = que_matrix(covariance(whitened, ddof=1), alpha)
    scores = que_scores(whitened, que.matrix)
    removed = remove_top(scores, round(settings.removal_factor * poisons))
    objective = objective_of(points[:, :full], removed, settings.alpha)
    return Candidate(
        k, objective, scores, removed, fit.trusted, centre, transform, condition, que, fit.rounds, fit.stopped
    )


def objective_of(g: Tensor, removed: Tensor, alpha: float) -> float:
    """Mean QUE of all rows g (n, K) once the kept ones are white: large where the removed rows stood apart.

    Where the kept rows have no variance in some direction, and the removed ones have, it is very large; it is not a
    number where no more than K rows are kept.
    """
    kept = g[~removed]
    try:
        root = inverse_root(covariance(kept, ddof=1), floored=len(kept) > g.shape[1])
    except SingularError:
        return math.nan
    spread = root @ covariance(g, ddof=1) @ root
    return que_matrix((spread + spread.T) / 2, alpha).mean_score
