"""`scan` on a Ray cluster of one and of two workers on this machine, beside as many processes without Ray, in turns.

    PYTHONPATH=. python benchmarks/cluster.py [--classes 8] [--rounds 3]

Classes of 1,300 x 2,048, drawn (`benchmarks/filter.py`). The clock runs from the first look to the verdict: clusters and the
processes of the first round are up before it starts. All must give the same rows. Needs Ray.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.filter import draw
from core.audit.scanning import scan
from core.foundation import devices

ROWS, COLUMNS, POISONS = 1300, 2048, 20


def once(kind: str, workers: int, x: np.ndarray, labels: np.ndarray) -> tuple[float, Any]:
    """Seconds of a scan, and its verdict."""
    if kind == "local":
        began = time.perf_counter()
        found = scan(x, labels, POISONS, workers=workers)
        return time.perf_counter() - began, found
    from core.foundation.cluster import Cluster

    ray = [sys.executable, "-m", "ray.scripts.scripts"]
    start = [*ray, "start", "--head", f"--num-cpus={workers}", "--include-dashboard=false"]
    subprocess.run(start, check=True, capture_output=True)
    try:
        with Cluster("auto") as cluster:
            list(cluster.results(abs, [(1,)] * workers))  # workers are up, and have the package
            began = time.perf_counter()
            found = scan(x, labels, POISONS, cluster=cluster)
            return time.perf_counter() - began, found
    finally:
        subprocess.run([*ray, "stop", "--force"], check=False, capture_output=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classes", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if importlib.util.find_spec("ray") is None:
        print("Ray is not installed")
        return
    devices.use_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder  # Ray leaves a token in the home folder
        path, labels = Path(folder) / "x.npy", np.repeat(np.arange(arguments.classes), ROWS)
        np.save(path, np.concatenate([draw(ROWS, COLUMNS, POISONS, seed) for seed in range(arguments.classes)]))
        x = np.load(path, mmap_mode="r")
        took: dict[tuple[str, int], list[float]] = {}
        removed: list[np.ndarray] = []
        for turn in range(1, arguments.rounds + 1):
            for kind, workers in (("local", 1), ("local", 2), ("ray", 1), ("ray", 2)):
                seconds, found = once(kind, workers, x, labels)
                took.setdefault((kind, workers), []).append(seconds)
                print(f"round {turn}: {kind} {workers}: {seconds:.1f} s", flush=True)  # some two minutes a round
                removed.append(
                    np.concatenate([result.removed for result in sorted(found.results, key=lambda r: r.label)])
                )
    base = median(took["local", 1])
    print(f"{arguments.classes} classes of {ROWS:,} x {COLUMNS:,}, {arguments.rounds} rounds")
    for (kind, workers), seconds in took.items():
        print(
            f"{kind:6} {workers} worker(s): {median(seconds):6.1f} s ({min(seconds):.1f} to {max(seconds):.1f}), ratio {median(seconds) / base:.2f}"
        )
    print("the same rows in all" if all(np.array_equal(removed[0], other) for other in removed) else "DIFFERENT ROWS")


if __name__ == "__main__":
    main()
