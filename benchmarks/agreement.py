"""How often core.robust decides as the slow reference of the tests does, row for row and k for k.

    PYTHONPATH=. python benchmarks/agreement.py                          5 minutes on one core
    PYTHONPATH=. python benchmarks/agreement.py --minutes 2 --seed 7     other data

Every case is random data of one kind, n of 40 to 1,200 rows, d of 8 to 300 features, 1 % to 20 % assumed poisons, and
one k or the choice among all. Compared are the rows that the filter trusts, the rows that are removed, and the chosen k.
A difference is a tie where the reference's own values of the exchanged rows agree to 1e-9; "undefined" is what the
reference cannot compute, because the rows that are left span fewer directions than they are whitened in. Half of the kinds are made to
break the quick eigensolver. Whatever differs is printed with the call that makes it again.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import numpy as np
import torch
from scipy.sparse.linalg import ArpackError, eigsh

from core.robust import Candidate, SpectreFit, fit_spectre
from tests import reference
from tests.helpers import contaminated, rotation

TIE = 1e-9
MOST = 200_000_000
SINGULAR = 1e12  # condition of a covariance beyond which whitening by it means nothing
OUTCOMES = ("identical", "ties", "different", "undefined")


# ---- the data -----------------------------------------------------------------------------------------------------


def plain(rng: np.random.Generator, n: int, d: int, m: int) -> np.ndarray:
    """A tight cluster or spread poison in an isotropic Gaussian."""
    return _poisoned(rng, n, d, m, spread=bool(rng.integers(2)))


def decaying(rng: np.random.Generator, n: int, d: int, m: int) -> np.ndarray:
    """The same where the deviations of the clean rows fall by a factor of 10 to 10,000."""
    return _poisoned(rng, n, d, m, spread=bool(rng.integers(2))) * np.geomspace(1, 10.0 ** -rng.uniform(1, 4), d)


def heavy(rng: np.random.Generator, n: int, d: int, m: int) -> np.ndarray:
    """Student's t of 2 to 5 degrees of freedom, with a cluster in it."""
    rows = _poisoned(rng, n, d, m, spread=False)
    return rows / np.sqrt(rng.chisquare(rng.uniform(2, 5), (n, 1)) / 3)


def clean(rng: np.random.Generator, n: int, d: int, m: int) -> np.ndarray:
    """No poison at all: the spectrum of the excess moment has no gap at its top."""
    return rng.standard_normal((n, d))


def twins(rng: np.random.Generator, n: int, d: int, m: int) -> np.ndarray:
    """Near-degenerate: the first plane looks the same after a third of a turn, but for noise of 1e-1 to 1e-9.

    A form there and the same form turned belong to one eigenvalue, were it not for the noise.
    """
    third = (n + 2) // 3
    part = rng.standard_normal((third, d))
    outer = rng.choice(third, max(m // 3, 1), replace=False)
    part[outer, 0] += rng.uniform(5, 9)
    copies = np.vstack([part @ _turn(d, 2 * math.pi * i / 3).T for i in range(3)])[:n]
    copies += 10.0 ** -rng.uniform(1, 9) * rng.standard_normal(copies.shape)
    return copies[rng.permutation(n)] @ rotation(d, int(rng.integers(1 << 30)))


def duplicates(rng: np.random.Generator, n: int, d: int, m: int) -> np.ndarray:
    """Rows drawn again and again from half as many; the poison is one row, m times."""
    rows = _poisoned(rng, n, d, m, spread=True)
    rows = rows[rng.integers(max(n // 2, 4), size=n)]
    rows[:m] = rows[0] + 5 * rng.standard_normal(d)
    return rows


def far(rng: np.random.Generator, n: int, d: int, m: int) -> np.ndarray:
    """Some rows 10 to 100,000 times as far out as the rest."""
    rows = _poisoned(rng, n, d, m, spread=False)
    rows[rng.choice(n, max(1, m // 2), replace=False)] *= 10.0 ** rng.uniform(1, 5, (max(1, m // 2), 1))
    return rows


def columns(rng: np.random.Generator, n: int, d: int, m: int) -> np.ndarray:
    """Features in units from a thousandth to a thousand."""
    return _poisoned(rng, n, d, m, spread=bool(rng.integers(2))) * 10.0 ** rng.uniform(-3, 3, d)


def swarms(rng: np.random.Generator, n: int, d: int, m: int) -> np.ndarray:
    """The poison in clusters of two to four rows, each in a direction of its own."""
    rows = rng.standard_normal((n, d))
    size = int(rng.integers(2, 5))
    for first in range(0, m, size):
        members = slice(first, min(first + size, m))
        direction = rng.standard_normal(d)
        rows[members] = 0.1 * rows[members] + rng.uniform(4, 12) * direction / np.linalg.norm(direction)
    return rows


def _poisoned(rng: np.random.Generator, n: int, d: int, m: int, *, spread: bool) -> np.ndarray:
    strength = float(rng.choice([3.0, 5.0, 8.0, 15.0]))
    return contaminated(n, d, m, strength=strength, spread=spread, seed=int(rng.integers(1 << 30))).rows


def _turn(d: int, angle: float) -> np.ndarray:
    """A turn (d, d) of the first two axes."""
    turn = np.eye(d)
    turn[:2, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    return turn


MAKERS: dict[str, Callable[[np.random.Generator, int, int, int], np.ndarray]] = {
    make.__name__: make for make in (plain, decaying, heavy, clean, twins, duplicates, far, columns, swarms)
}


# ---- the cases ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One data set and one way to fit it. The repr makes it again."""

    data: str
    n: int
    d: int
    m: int
    k: int | None
    tail: str
    seed: int

    def rows(self) -> np.ndarray:
        return MAKERS[self.data](np.random.default_rng(self.seed), self.n, self.d, self.m)


def any_k(data: str) -> Callable[[np.random.Generator], Case]:
    """Cases of one kind of data at k of 1 to 49."""

    def draw(rng: np.random.Generator) -> Case:
        k = int(rng.choice([1, 2, 3, 4, 6, 9, 10, 11, 12, 16, 20, 25, 36, 49]))
        return _case(rng, data, k)

    return draw


def dense_limit(rng: np.random.Generator) -> Case:
    """k about 10, up to which all symmetric matrices are taken at once."""
    return _case(rng, str(rng.choice(list(MAKERS))), int(rng.choice([10, 11])))


def large_k(rng: np.random.Generator) -> Case:
    """k of 64 and 100 in about 1,000 rows; few poisons, for the reference takes a second for each round."""
    n, k = int(rng.choice([800, 1000, 1200])), int(rng.choice([64, 81, 100]))
    m = int(rng.integers(8, 25))
    return Case(str(rng.choice(list(MAKERS))), n, int(rng.choice([120, 300])), m, k, "published", _seed(rng))


def few_rows(rng: np.random.Generator) -> Case:
    """n barely above k."""
    k = int(rng.choice([5, 9, 11, 16, 36, 49]))
    n = k + int(rng.integers(2, 12))
    return Case(
        str(rng.choice(list(MAKERS))), n, k + 10, int(rng.integers(1, max(2, n // 6))), k, _tail(rng), _seed(rng)
    )


def chosen_k(rng: np.random.Generator) -> Case:
    """All candidates, and the choice among them."""
    while True:
        case = _case(rng, str(rng.choice(list(MAKERS))), 8)
        largest = min(100, case.d, case.n // 4)
        if case.m * case.n * largest**2 <= 10_000_000:
            return replace(case, k=None)


def _case(rng: np.random.Generator, data: str, k: int) -> Case:
    """One whose time in the reference, which grows as m n k^2, is bounded."""
    while True:
        n = int(rng.choice([40, 60, 100, 200, 400, 800, 1200]))
        d = int(rng.choice([8, 12, 20, 50, 120, 300]))
        m = max(1, round(n * float(rng.choice([0.01, 0.02, 0.05, 0.1, 0.15, 0.2]))))
        if k <= min(d, n // 4) and m * n * k**2 <= MOST:
            return Case(data, n, d, m, k, _tail(rng), _seed(rng))


def _tail(rng: np.random.Generator) -> str:
    return "upper" if rng.random() < 0.3 else "published"


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1 << 30))


# What is drawn, and its share of the time.
KINDS: dict[str, tuple[Callable[[np.random.Generator], Case], float]] = {
    **{data: (any_k(data), 1.0) for data in MAKERS},
    "k = 10, 11": (dense_limit, 1.0),
    "k = 64 to 100": (large_k, 8.0),
    "n just above k": (few_rows, 1.0),
    "chosen k": (chosen_k, 3.0),
}


# ---- the comparison -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    what: str  # trusted, removed, k
    outcome: str  # one of OUTCOMES
    why: str = ""


def compare(case: Case) -> Iterator[Verdict]:
    """Everything that both say about one case."""
    rows = case.rows()
    ours = _ours(case, rows)
    slow = _reference(case, rows)
    if case.k is not None:
        yield from _compare_candidate(case, rows, ours if isinstance(ours, str) else ours.best, slow, case.k)
        return
    if not isinstance(ours, SpectreFit) or slow is None:
        crashed = isinstance(ours, str) and ours.startswith("RuntimeError")
        yield Verdict("k", "different" if crashed or slow is not None else "undefined", f"{ours}"[:80])
        return
    found = {candidate.k: candidate for candidate in ours.candidates}
    g = reference.pca_scores(rows, slow["ks"][-1])
    judged = [_judged(g, theirs["removed"]) for theirs in slow["candidates"]]
    for k, theirs, sound in zip(slow["ks"], slow["candidates"], judged, strict=True):
        yield from _compare_candidate(case, rows, found.get(k, "left out"), theirs if sound else None, k)
    yield _compare_choice(ours, slow) if all(judged) else Verdict("k", "undefined")


def _ours(case: Case, rows: np.ndarray) -> SpectreFit | str:
    try:
        return fit_spectre(torch.from_numpy(rows.copy()), case.m, k=case.k, tail=case.tail)  # type: ignore[arg-type]
    except (ValueError, RuntimeError) as problem:
        return f"{type(problem).__name__}: {problem}"


def _reference(case: Case, rows: np.ndarray) -> dict[str, Any] | None:
    try:
        with np.errstate(all="ignore"):
            if case.k is None:
                return reference.spectre(rows, case.m, tail=case.tail)
            return reference.spectre_fixed_k(rows, case.m, case.k, tail=case.tail)
    except (np.linalg.LinAlgError, ArpackError, ValueError):
        return None


def _compare_choice(ours: SpectreFit, slow: dict[str, Any]) -> Verdict:
    if ours.k == slow["k"]:
        return Verdict("k", "identical")
    objective = dict(zip(slow["ks"], slow["objectives"], strict=True))
    near = ours.k in objective and math.isclose(objective[ours.k], objective[slow["k"]], rel_tol=TIE)
    return Verdict("k", "ties" if near else "different", f"{ours.k} for {slow['k']}; its objectives {objective}")


def _compare_candidate(
    case: Case, rows: np.ndarray, ours: Candidate | str, slow: dict[str, Any] | None, k: int
) -> Iterator[Verdict]:
    z = reference.pca_scores(rows, k)
    if isinstance(ours, str) and ours.startswith("RuntimeError"):
        yield Verdict("trusted", "different", f"k = {k}: {ours}")
        yield Verdict("removed", "different", f"k = {k}: {ours}")
    elif slow is None or not _defined(z, slow):
        yield Verdict("trusted", "undefined")
        yield Verdict("removed", "undefined")
    elif isinstance(ours, str):
        yield Verdict("trusted", "different", f"k = {k}: {ours}")
        yield Verdict("removed", "different", f"k = {k}: {ours}")
    else:
        same = np.array_equal(ours.trusted.numpy(), slow["trusted"])
        yield Verdict("trusted", "identical") if same else _why_trusted_differ(case, z, ours)
        yield _compare_removed(ours.removed.numpy(), slow, k)


def _defined(z: np.ndarray, slow: dict[str, Any]) -> bool:
    """Whether the rows that the reference trusts can be whitened, and so its scores mean something."""
    trusted = z[slow["trusted"]]
    if len(trusted) <= z.shape[1] or not np.isfinite(slow["scores"]).all():
        return False
    return z.shape[1] == 1 or bool(np.linalg.cond(reference.covariance(trusted, len(trusted))) < SINGULAR)


def _judged(g: np.ndarray, removed: np.ndarray) -> bool:
    """Whether the rows that are kept span all K dimensions, and so the objective means something."""
    return bool(np.linalg.cond(np.atleast_2d(reference.covariance(g[~removed], len(g)))) < SINGULAR)


def _compare_removed(ours: np.ndarray, slow: dict[str, Any], k: int) -> Verdict:
    exchanged = np.flatnonzero(ours != slow["removed"])
    if len(exchanged) == 0:
        return Verdict("removed", "identical")
    cut = slow["scores"][slow["removed"]].min()
    distance = np.abs(slow["scores"][exchanged] / cut - 1).max()
    return Verdict(
        "removed",
        "ties" if distance <= TIE else "different",
        f"k = {k}: {len(exchanged)} rows, {distance:.1e} from the cut",
    )


def _why_trusted_differ(case: Case, z: np.ndarray, ours: Candidate) -> Verdict:
    """Go to the first round that differs, and look at the reference's values there."""
    eps, rows = case.m / case.n, np.arange(case.n)
    history = reference.filter_history(z, eps, round(2 * case.m), case.tail)[1]
    rounds = [entry for entry in ours.rounds if len(entry.dropped)]
    for number, (mine, theirs) in enumerate(zip_longest(rounds, history), start=1):
        y = z[rows] @ reference.inverse_root(z[rows].T @ z[rows] / len(rows))
        if mine is None or theirs is None:
            who, entry = ("the reference", theirs) if mine is None else ("ours", mine)
            return Verdict("trusted", "different", f"k = {ours.k}: round {number} only by {who}: {entry}; {_gap(y)}")
        exchanged = np.setxor1d(mine.dropped, theirs["dropped"])
        if len(exchanged):
            break
        rows = np.setdiff1d(rows, mine.dropped)
    else:
        return Verdict("trusted", "different", f"k = {ours.k}: all rounds alike; ours stopped: {ours.stopped}")
    if theirs["reason"] == "norm":
        values, cut = (y**2).sum(axis=1), reference.C * z.shape[1] * math.log(len(rows) / reference.TAU)
    else:
        values, cut = reference.deviations(y, reference.top_eigenpair(y)[1]), theirs["cut"]
    involved = values[np.searchsorted(rows, exchanged)]
    both_sides = 0 < np.isin(exchanged, mine.dropped).sum() < len(exchanged)
    if not both_sides:  # nothing to be exchanged with but the cut
        involved = np.append(involved, cut)
    distance = involved.max() / involved.min() - 1
    why = f"k = {ours.k}: round {number} of {len(history)} ({theirs['reason']}), rows {exchanged.tolist()[:6]}, {distance:.1e} apart; {_gap(y)}"
    return Verdict("trusted", "ties" if distance <= TIE else "different", why)


def _gap(y: np.ndarray) -> str:
    """The two largest eigenvalues of the excess moment of whitened rows, which say how well its eigenvector is known."""
    d = y.shape[1]
    if d < 3:
        values = np.linalg.eigvalsh(reference.dense_operator(y))[::-1]
        return f"eigenvalues {values[:2]}"
    low, high = sorted(eigsh(reference.implicit_operator(y), k=2, which="LA", tol=1e-12)[0])
    return f"eigenvalue {high:.6g}, the next {1 - low / high:.1e} below"


# ---- the table ----------------------------------------------------------------------------------------------------


def run(minutes: float, seed: int) -> tuple[dict[str, Counter[str]], Counter[str]]:
    """Draw cases until the time is up, the kind next that is furthest behind its share of it."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    whats: Counter[str] = Counter()
    spent = dict.fromkeys(KINDS, 0.0)
    generators = {kind: np.random.default_rng([seed, i]) for i, kind in enumerate(KINDS)}
    start = time.perf_counter()
    while time.perf_counter() - start < 60 * minutes:
        kind = min(KINDS, key=lambda kind: spent[kind] / KINDS[kind][1])
        begun = time.perf_counter()
        case = KINDS[kind][0](generators[kind])
        counts[kind]["fits"] += 1
        for verdict in compare(case):
            counts[kind][verdict.outcome] += 1
            whats[f"{verdict.what} {verdict.outcome}"] += 1
            if verdict.outcome in ("ties", "different"):
                print(f"{verdict.outcome}, {verdict.what}: {case}\n    {verdict.why}", flush=True)
        spent[kind] += time.perf_counter() - begun
    return counts, whats


def print_table(counts: dict[str, Counter[str]], whats: Counter[str]) -> None:
    line = "{:<16}" + "{:>12}" * 6
    print("\n" + line.format("kind", "fits", "comparisons", *OUTCOMES))
    for kind, count in [*counts.items(), ("total", sum(counts.values(), Counter()))]:
        outcomes = [count[outcome] for outcome in OUTCOMES]
        print(line.format(kind, count["fits"], sum(outcomes), *outcomes))
    for what in ("trusted", "removed", "k"):
        outcomes = [whats[f"{what} {outcome}"] for outcome in OUTCOMES]
        print(line.format(f"of these: {what}"[:16], "", sum(outcomes), *outcomes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0, help="how long to draw cases (5)")
    parser.add_argument("--seed", type=int, default=0, help="of the data (0)")
    options = parser.parse_args()
    print_table(*run(options.minutes, options.seed))


if __name__ == "__main__":
    main()
