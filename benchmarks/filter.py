"""SPECTRE with the choice of k, against plainer and older ways, side by side in one run.

    python benchmarks/filter.py [--features FILE.npy --poisons N] [--threads T] [--skip reference,...] [--repeat R]

Without a file: 5,500 x 4,096 float32 rows drawn from a seed, of which 500 are poison; their spectrum falls and their
tails are heavy as in the last block of a ResNet-32 on photographs. Every method runs in a process of its own, one after
the other, on the same number of threads. Time is the best of the repeats (one for the slow ones); memory is the peak of
the process during the first call, beyond what it held with the features loaded.

The reference is `tests/reference.py`, which was written from the specification alone, in its favour without what is
merely slow about it: one SVD for all k, and the operator applied without the rows y kron y. ART's spectral signatures
need `pip install adversarial-robustness-toolbox` and are left out without it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SLOW = ("reference", "mincovdet", "art")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", type=Path, help="(n, d) float32 in .npy; default: drawn")
    parser.add_argument("--poisons", type=int, default=500)
    parser.add_argument("--threads", type=int, default=max(1, len(os.sched_getaffinity(0)) - 1))
    parser.add_argument("--skip", default="", help=f"methods to leave out: {', '.join(METHODS)}")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--method", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.method:
        measure(arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        if arguments.features is None:
            arguments.features = Path(folder) / "features.npy"
            np.save(arguments.features, draw(5500, 4096, arguments.poisons, seed=0))
        skipped = arguments.skip.split(",")
        report(arguments, [run(name, arguments, Path(folder)) for name in METHODS if name not in skipped])


def draw(n: int, d: int, m: int, seed: int) -> np.ndarray:
    """Rows (n, d) float32, the first m poisoned: variances fall as 1/j, each row has a size of its own."""
    rng = np.random.default_rng(seed)
    deviations = np.arange(1, d + 1) ** -0.55
    sizes = np.sqrt(8 / rng.chisquare(8, (n, 1)))
    rows = rng.standard_normal((n, d)) * deviations * sizes
    shift = np.zeros(d)
    shift[20:80] = rng.standard_normal(60)
    rows[:m] = 0.6 * rows[:m] + 6 * deviations * shift / np.linalg.norm(shift) * rng.uniform(0.5, 1.5, (m, 1))
    mixing = np.linalg.qr(rng.standard_normal((256, 256)))[0]  # no axis is special
    blocks: np.ndarray = (rows.reshape(n, -1, 256) @ mixing).reshape(n, d)
    return blocks.astype(np.float32)


def run(name: str, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One method in its own process."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    out = folder / f"{name}.npy"
    environment = dict(os.environ)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[variable] = str(arguments.threads)
    words = ["--features", arguments.features, "--poisons", arguments.poisons, "--threads", arguments.threads]
    words += ["--repeat", arguments.repeat, "--method", name, "--out", out]
    done = subprocess.run(
        [sys.executable, __file__, *map(str, words)], env=environment, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        return {"name": name, "failed": True}
    return {"name": name, **json.loads(done.stdout.splitlines()[-1]), "removed": np.load(out)}


def measure(arguments: argparse.Namespace) -> None:
    """Load, warm up, time; the last line printed is JSON."""
    features = np.load(arguments.features)
    prepare, best = METHODS[arguments.method], float("inf")
    call = prepare(arguments)
    call(features[:300, :200].copy(), 5)  # imports, thread pools
    before, peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0
    for _ in range(1 if arguments.method in SLOW else arguments.repeat):
        started = time.perf_counter()
        removed, notes = call(features, arguments.poisons)
        best = min(best, time.perf_counter() - started)
        peak = peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    np.save(arguments.out, removed)
    print(json.dumps({"seconds": best, "peak": peak * 1024 / features.nbytes, "notes": notes}))


Call = Callable[[np.ndarray, int], tuple[np.ndarray, dict[str, Any]]]


def ours(arguments: argparse.Namespace) -> Call:
    import torch

    from core.robust import fit_spectre, remove_top

    torch.set_num_threads(arguments.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"

    def call(x: np.ndarray, m: int) -> tuple[np.ndarray, dict[str, Any]]:
        started = time.perf_counter()
        fit = fit_spectre(torch.from_numpy(x).to(device), m)
        removed = fit.removed.cpu().numpy()
        notes: dict[str, Any] = {"k": fit.k, "device": device, "fit": time.perf_counter() - started}
        for name, change in {"alpha": {"alpha": 2.0}, "k": {"k": fit.candidates[-1].k}, "cut": {}}.items():
            started = time.perf_counter()
            remove_top(fit.rescore(**change), 2 * m).cpu()
            notes[f"{name}_ms"] = 1e3 * (time.perf_counter() - started)
        return removed, notes

    return call


def reference(arguments: argparse.Namespace) -> Call:
    from scipy.sparse.linalg import eigsh

    from tests import reference as plain

    def top_eigenpair(y: np.ndarray) -> tuple[float, np.ndarray]:
        d = y.shape[1]
        start = np.eye(d).ravel() + 1e-3 * np.arange(d * d) / d
        values, vectors = eigsh(plain.implicit_operator(y), k=1, which="LM", tol=1e-8, v0=start)
        return float(values[0]), vectors[:, 0].reshape(d, d)

    whole_svd = plain.pca_scores

    def call(x: np.ndarray, m: int) -> tuple[np.ndarray, dict[str, Any]]:
        started = time.perf_counter()
        most = min(100, *x.shape, len(x) // 4)
        scores = whole_svd(x.astype(np.float64), most)
        svd = time.perf_counter() - started
        plain.pca_scores = lambda _, k: scores[:, :k]
        plain.top_eigenpair = top_eigenpair
        found = plain.spectre(scores, m, K=most)
        return found["removed"], {"k": found["k"], "svd_s": svd}

    return call


def spectral(arguments: argparse.Namespace) -> Call:
    import torch

    from core.defenses import SpectralSignatures

    torch.set_num_threads(arguments.threads)
    return lambda x, m: (SpectralSignatures(n_poisons=m, device="cpu").fit(x).removed_, {})


def art(arguments: argparse.Namespace) -> Call:
    from art.defences.detector.poison import SpectralSignatureDefense

    def call(x: np.ndarray, m: int) -> tuple[np.ndarray, dict[str, Any]]:
        scores = SpectralSignatureDefense.spectral_signature_scores(x)
        removed = np.zeros(len(x), bool)
        removed[np.argsort(-scores.ravel())[: round(1.5 * m)]] = True
        return removed, {}

    return call


def mincovdet(arguments: argparse.Namespace) -> Call:
    from sklearn.covariance import MinCovDet
    from sklearn.decomposition import PCA

    def call(x: np.ndarray, m: int) -> tuple[np.ndarray, dict[str, Any]]:
        points = PCA(min(100, len(x) // 6), random_state=0).fit_transform(x)
        distances = MinCovDet(random_state=0).fit(points).mahalanobis(points)
        return distances >= np.sort(distances)[-round(1.5 * m)], {}

    return call


METHODS: dict[str, Callable[[argparse.Namespace], Call]] = {
    "ours": ours,
    "reference": reference,
    "spectral": spectral,
    "mincovdet": mincovdet,
    "art": art,
}
TITLES = {
    "ours": "SPECTRE, all ten k (this project)",
    "reference": "SPECTRE, all ten k (plain reference)",
    "spectral": "spectral signatures (this project)",
    "mincovdet": "MinCovDet on 100 components (scikit-learn)",
    "art": "spectral signatures (ART)",
}


def report(arguments: argparse.Namespace, lines: list[dict[str, Any]]) -> None:
    shape = np.load(arguments.features, mmap_mode="r").shape
    print(f"{shape[0]:,} x {shape[1]:,} float32, {arguments.poisons} poisons assumed, {arguments.threads} threads\n")
    print("| method | seconds | times ours | peak memory, times the features | of the first rows found | k |")
    print("|---|---|---|---|---|---|")
    by_name = {line["name"]: line for line in lines}
    base = by_name["ours"]
    for line in lines:
        if line.get("failed"):
            print(f"| {TITLES[line['name']]} | did not run | | | | |")
            continue
        found = int(line["removed"][: arguments.poisons].sum())
        print(
            f"| {TITLES[line['name']]} | {line['seconds']:.2f} | {line['seconds'] / base['seconds']:.1f} "
            f"| {line['peak']:.2f} | {found} | {line['notes'].get('k', '')} |"
        )
    if "reference" in by_name and not by_name["reference"].get("failed"):
        other = by_name["reference"]
        same = "identical" if np.array_equal(other["removed"], base["removed"]) else "DIFFERENT"
        print(
            f"\nrows removed by the reference and by ours: {same}; its SVD alone took {other['notes']['svd_s']:.1f} s"
        )
    notes = base["notes"]
    print(
        f"after a fit: another alpha {notes['alpha_ms']:.0f} ms, another k {notes['k_ms']:.0f} ms, "
        f"another cut {notes['cut_ms']:.1f} ms; device {notes['device']}"
    )


if __name__ == "__main__":
    main()
