"""The defenses of a run with principal components of their own, and with shared ones, taking turns in one process.

    PYTHONPATH=. python benchmarks/shared.py [--threads T] [--repeat R]

Rows as in benchmarks/filter.py, of the size of a class of the bundled signs and of CIFAR-10's. Best of the repeats.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from benchmarks.filter import draw
from core.defenses import DEFENSES, shared_components
from core.foundation import devices

SIZES = ((1050, 4096, 50), (5500, 4096, 500))  # rows, columns, poisons


def fit_all(features: np.ndarray, poisons: int, shared: bool) -> list[np.ndarray]:
    """What each defense removes."""
    defenses = [defense(n_poisons=poisons, device="cpu") for defense in DEFENSES.values()]
    components = shared_components(features, defenses) if shared else None
    return [defense.fit(features, components=components).removed_ for defense in defenses]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{devices.use_threads(arguments.threads)} threads, {len(DEFENSES)} defenses")
    for n, d, m in SIZES:
        features = draw(n, d, m, seed=0)
        took: dict[bool, list[float]] = {False: [], True: []}
        removed = {}
        for _ in range(arguments.repeat):
            for shared in took:
                began = time.perf_counter()
                removed[shared] = fit_all(features, m, shared)
                took[shared].append(time.perf_counter() - began)
        own, together = min(took[False]), min(took[True])
        same = all(np.array_equal(a, b) for a, b in zip(removed[False], removed[True], strict=True))
        print(
            f"{n:,} x {d:,}: {own:.2f} s with components of their own, {together:.2f} s with shared ones, {own / together:.2f} times as fast; "
            f"rows removed {'are the same' if same else 'DIFFER'}"
        )


if __name__ == "__main__":
    main()
