"""Outlier detectors of other libraries on the same rows, at the same budget, beside the two that are here.

    PYTHONPATH=. python benchmarks/neighbours.py [--tables FOLDER] [--layer block3] [--only TABLE;...] [--methods METHOD;...]
        [--seeds 3]

Every method scores the rows of one class; the round(1.5 x poisons) rows with the largest scores are flagged, equal scores
in an order drawn by lot. Counted is the poison among them. Three tables are drawn: poison along quiet directions, in two
sizes (benchmarks/filter.py), and a tight cluster (tests/helpers.py). With FOLDER, as benchmarks/faulty_networks.py writes it,
each poisoned class of each network there is one more: FOLDER/expected.json names the classes, FOLDER/CASE/kind.npy holds 1
where a row is poison. Rows with wrong labels count as not poison.

Everything is fitted with seeds 0, 1 and 2 on one thread, one fit after the other, imports and a first small fit not counted.
Drawn tables are drawn anew from each seed, features of networks are the same rows three times. The tables hold medians, and
the smallest and largest count where they differ. No method is told which rows are poison. SPECTRE asks how many there are
and is told. All parameters of the others are their libraries' own.

"On k components" is a PCA to k before the method, for a covariance of 4,096 columns cannot be had from 650 rows. The rival is
what a user of scikit-learn can write in six lines: a PCA, whitening by the minimum covariance determinant, and the squared
projection on the direction in which the whitened rows vary most. Told the number, its covariance rests on all rows but as
many as are flagged, in place of scikit-learn's half.

pyod, ART and cleanlab are no requirements of this project. Their rows are left out, with a line that says so, unless they are
installed in an environment made for this benchmark:

    pip install -r requirements.txt pyod==3.6.7 adversarial-robustness-toolbox==1.20.1 cleanlab==2.9.0
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.covariance import EllipticEnvelope, MinCovDet
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from benchmarks.filter import draw
from core.defenses import SpectralSignatures, Spectre, WhitenedDirection
from core.foundation import devices
from tests.helpers import tight_cluster

FLAGGED = 1.5  # rows for each poison, as the paper removes
COMPONENTS = 50
POISON = 1  # in kind.npy
PACKAGES = {  # what a module comes with
    "pyod": "pyod==3.6.7",
    "art": "adversarial-robustness-toolbox==1.20.1",
    "cleanlab": "cleanlab==2.9.0",
}

Rows = tuple[np.ndarray, np.ndarray]  # features (n, d) of one class; (n,) bool, True = poison
Scorer = Callable[
    [np.ndarray, int, int], np.ndarray
]  # features, number of poisons, seed to (n,), larger = more suspicious


@dataclass(frozen=True)
class Table:
    name: str
    rows: Callable[[int], Rows]  # of a seed


@dataclass(frozen=True)
class Method:
    title: str
    score: Scorer
    needs: str = ""  # a module that this project does not require

    @property
    def is_there(self) -> bool:
        return not self.needs or importlib.util.find_spec(self.needs) is not None


@dataclass(frozen=True)
class Cell:
    """One method on one table: a number for each seed."""

    found: list[int]
    seconds: list[float]
    failed: str = ""


# ---- the methods --------------------------------------------------------------------------------------------------


def spectre(x: np.ndarray, m: int, seed: int) -> np.ndarray:
    return Spectre(n_poisons=m, device="cpu").fit(x).scores_


def spectral(x: np.ndarray, m: int, seed: int) -> np.ndarray:
    return SpectralSignatures(n_poisons=m, device="cpu").fit(x).scores_


def rival(k: int, *, told: bool = False) -> Scorer:
    """PCA to k, whitening by MinCovDet, squared projection on the top direction of the whitened covariance.

    told: whether MinCovDet trusts all rows but as many as are flagged; else about half of them, which is its default.
    """

    def score(x: np.ndarray, m: int, seed: int) -> np.ndarray:
        return WhitenedDirection(n_poisons=m, n_components=k, told=told, seed=seed, device="cpu").fit(x).scores_

    return score


def mincovdet(x: np.ndarray, m: int, seed: int) -> np.ndarray:
    distances: np.ndarray = MinCovDet(random_state=seed).fit(x).mahalanobis(x)
    return distances


def envelope(x: np.ndarray, m: int, seed: int) -> np.ndarray:
    scores: np.ndarray = -EllipticEnvelope(random_state=seed).fit(x).score_samples(x)
    return scores


def pyod(module: str, name: str, *, seeded: bool = False) -> Scorer:
    def score(x: np.ndarray, m: int, seed: int) -> np.ndarray:
        detector = getattr(importlib.import_module(f"pyod.models.{module}"), name)
        scores: np.ndarray = detector(**({"random_state": seed} if seeded else {})).fit(x).decision_scores_
        return scores

    return score


def art(x: np.ndarray, m: int, seed: int) -> np.ndarray:
    detector = importlib.import_module("art.defences.detector.poison").SpectralSignatureDefense
    scores: np.ndarray = detector.spectral_signature_scores(x).ravel()
    return scores


def cleanlab(x: np.ndarray, m: int, seed: int) -> np.ndarray:
    detector = importlib.import_module("cleanlab.outlier").OutOfDistribution
    scores: np.ndarray = -detector().fit_score(features=x, verbose=False)
    return scores


def principal(x: np.ndarray, k: int, seed: int) -> np.ndarray:
    """The first k principal components (n, k), or as many as there are."""
    points: np.ndarray = PCA(min(k, *x.shape), random_state=seed).fit_transform(x)
    return points


def on_components(score: Scorer) -> Scorer:
    return lambda x, m, seed: score(principal(x, COMPONENTS, seed), m, seed)


def _both(title: str, score: Scorer, needs: str) -> tuple[Method, Method]:
    """On the rows as they are, and on their principal components."""
    return Method(title, score, needs), Method(f"{title} on {COMPONENTS} components", on_components(score), needs)


METHODS = (
    Method("SPECTRE, here", spectre),
    Method("spectral signatures, here", spectral),
    *(Method(f"the rival, k = {k}", rival(k)) for k in (10, COMPONENTS, 100)),
    *(Method(f"the rival, k = {k}, told the number", rival(k, told=True)) for k in (10, COMPONENTS, 100)),
    Method(f"MinCovDet on {COMPONENTS} components, scikit-learn", on_components(mincovdet)),
    Method(f"EllipticEnvelope on {COMPONENTS} components, scikit-learn", on_components(envelope)),
    Method(f"MCD on {COMPONENTS} components, pyod", on_components(pyod("mcd", "MCD", seeded=True)), "pyod"),
    *_both("ECOD, pyod", pyod("ecod", "ECOD"), "pyod"),
    *_both("COPOD, pyod", pyod("copod", "COPOD"), "pyod"),
    *_both("LOF, pyod", pyod("lof", "LOF"), "pyod"),
    *_both("IForest, pyod", pyod("iforest", "IForest", seeded=True), "pyod"),
    Method("spectral signatures, ART", art, "art"),
    *_both("out-of-distribution score, cleanlab", cleanlab, "cleanlab"),
)


# ---- the tables ---------------------------------------------------------------------------------------------------


def quiet(n: int, d: int, m: int) -> Callable[[int], Rows]:
    return lambda seed: (draw(n, d, m, seed), np.arange(n) < m)


def tight(seed: int) -> Rows:
    data = tight_cluster(seed)
    return data.rows, data.poison


DRAWN = (
    Table("quiet directions, 1,050", quiet(1050, 4096, 50)),
    Table("quiet directions, 5,500", quiet(5500, 4096, 500)),
    Table("tight cluster", tight),
)


def trained(folder: Path, layer: str) -> list[Table]:
    """Each poisoned class of each network, in the order of expected.json."""
    tables = []
    for case, answer in json.loads((folder / "expected.json").read_text(encoding="utf-8")).items():
        for label in answer["poisoned"]:
            name = case if len(answer["poisoned"]) == 1 else f"{case}, class {label}"
            tables.append(Table(name, _of_class(folder / case, layer, label)))
    return tables


def _of_class(folder: Path, layer: str, label: int) -> Callable[[int], Rows]:
    def rows(seed: int) -> Rows:
        chosen = np.load(folder / "labels.npy") == label
        features = np.load(folder / f"features_{layer}.npy", mmap_mode="r")
        return np.asarray(features[chosen]), np.load(folder / "kind.npy")[chosen] == POISON

    return rows


# ---- the comparison -----------------------------------------------------------------------------------------------


def budget(poisons: int) -> int:
    """How many rows are flagged."""
    return round(FLAGGED * poisons)


def flag(scores: np.ndarray, count: int, seed: int) -> np.ndarray:
    """The rows (n,) bool with the `count` largest scores; of equal ones those that the lot of the seed falls on.

    The first rows of a drawn table are its poison, so the order of the rows must not decide. Raises ValueError for scores
    that are no numbers.
    """
    if scores.ndim != 1 or np.isnan(scores).any():
        raise ValueError("the scores are not one number for each row")
    lot = np.random.default_rng(seed).permutation(len(scores))
    flagged = np.zeros(len(scores), dtype=bool)
    flagged[np.lexsort((lot, -scores))[:count]] = True
    return flagged


def measure(method: Method, table: Table, seeds: Iterable[int]) -> Cell:
    cell = Cell([], [])
    for seed in seeds:
        rows, poison = table.rows(seed)
        m = int(poison.sum())
        try:
            with threadpool_limits(1), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                began = time.perf_counter()
                scores = method.score(rows, m, seed)
                cell.seconds.append(time.perf_counter() - began)
            cell.found.append(int(poison[flag(scores, budget(m), seed)].sum()))
        except (ValueError, np.linalg.LinAlgError) as problem:
            return Cell([], [], f"{type(problem).__name__}: {problem}")
    return cell


def warm_up(methods: Iterable[Method]) -> None:
    """Imports, thread pools, what is compiled when first called."""
    data = Table("warm-up", quiet(400, 256, 20))
    for method in methods:
        measure(method, data, [0])


def available(methods: Iterable[Method]) -> tuple[list[Method], list[str]]:
    """The methods that can run, and a line for each library that is missing."""
    methods = list(methods)
    missing = dict.fromkeys(method.needs for method in methods if not method.is_there)
    lines = [
        f"{PACKAGES[module].partition('==')[0]} is not installed; its rows are left out: pip install {PACKAGES[module]}"
        for module in missing
    ]
    return [method for method in methods if method.is_there], lines


# ---- the report ---------------------------------------------------------------------------------------------------


def report(
    title: str, tables: list[Table], methods: list[Method], cells: dict[tuple[str, str], Cell], *, add_up: bool = False
) -> str:
    """What was found and how long it took, as two Markdown tables."""
    headings: list[str] = []
    poisons: list[int] = []
    by_lot: list[float] = []
    for table in tables:
        rows, poison = table.rows(0)
        m = int(poison.sum())
        headings.append(f"{table.name} ({rows.shape[0]:,} x {rows.shape[1]:,}, {budget(m)} flagged): of {m}")
        poisons.append(m)
        by_lot.append(m * budget(m) / len(rows))
    found = {}
    for method in methods:
        line = [cells[method.title, table.name] for table in tables]
        found[method.title] = [counted(cell) for cell in ([*line, together(line)] if add_up else line)]
    seconds = {method.title: [timed(cells[method.title, table.name]) for table in tables] for method in methods}
    found["drawn by lot (expected)"] = [f"{expected:.0f}" for expected in by_lot]
    if add_up:
        headings.append(f"all: of {sum(poisons)}")
        found["drawn by lot (expected)"].append(f"{sum(by_lot):.0f}")
    return "\n\n".join(
        (
            markdown(f"{title}: poison among the flagged rows", headings, found),
            markdown(f"{title}: seconds on one thread", [table.name for table in tables], seconds),
        )
    )


def together(line: list[Cell]) -> Cell:
    """The counts of several tables, added up seed by seed."""
    failed = next((cell.failed for cell in line if cell.failed), "")
    return Cell([sum(found) for found in zip(*(cell.found for cell in line), strict=not failed)], [], failed)


def counted(cell: Cell) -> str:
    if cell.failed:
        return "did not run"
    low, high = min(cell.found), max(cell.found)
    middle = f"{statistics.median_low(cell.found):,}"
    return middle if low == high else f"{middle} ({low:,} to {high:,})"


def timed(cell: Cell) -> str:
    return "did not run" if cell.failed else f"{statistics.median(cell.seconds):.2f}"


def markdown(corner: str, headings: list[str], lines: dict[str, list[str]]) -> str:
    table = [[corner, *headings], ["---"] * (len(headings) + 1), *([title, *cells] for title, cells in lines.items())]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in table)


def versions(methods: Iterable[Method]) -> str:
    others = dict.fromkeys(PACKAGES[method.needs].partition("==")[0] for method in methods if method.needs)
    return ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("numpy", "scikit-learn", "torch", *others)
    )


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, help="a folder that benchmarks/faulty_networks.py wrote")
    parser.add_argument("--layer", default="block3", help="block3, block2 or pooled (block3)")
    parser.add_argument("--only", default="", help="names of tables, or their beginnings, with semicolons between them")
    parser.add_argument("--methods", default="", help="the same for methods")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args(words)
    devices.use_threads(1)
    networks = trained(arguments.tables, arguments.layer) if arguments.tables else []
    # Of nothing, split makes one empty beginning, which every name has.
    wanted, asked = tuple(arguments.only.split(";")), tuple(arguments.methods.split(";"))
    methods, missing = available(method for method in METHODS if method.title.startswith(asked))
    warm_up(methods)
    print(f"{versions(methods)}; {arguments.seeds} seeds, one thread")
    for line in missing:
        print(line)
    for title, group in (("drawn", DRAWN), (f"networks, {arguments.layer}", networks)):
        tables = [table for table in group if table.name.startswith(wanted)]
        cells = {}
        for table in tables:
            for method in methods:
                cell = cells[method.title, table.name] = measure(method, table, range(arguments.seeds))
                print(f"{table.name}, {method.title}: {cell}", file=sys.stderr, flush=True)
        if tables:
            print(f"\n{report(title, tables, methods, cells, add_up=group is networks)}", flush=True)


if __name__ == "__main__":
    main()
