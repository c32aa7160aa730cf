"""`scan` of this build beside `scan` of another one, on the same tables, side by side in one run.

    PYTHONPATH=. python benchmarks/scan.py OTHER TABLE ... [--poisons 20] [--threads 1] [--rounds 3]

OTHER is a checkout of another commit (`git worktree add OTHER COMMIT`); a TABLE is a folder with labels.npy and a table of
features, as FOLDER:features_block3 for FOLDER/features_block3.npy. Builds take turns, each in a process of its own that has
imported everything and scanned a small table before the clock starts; the ratio is that of the medians.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
ONE = """
import json, sys, time
import numpy as np
try:
    from core.audit.scanning import scan
    from core.foundation import devices
except ModuleNotFoundError:  # builds up to d2c42b1 and some after it
    from core.scanning import scan
    from core import devices
features, labels, poisons, threads = sys.argv[1:]
devices.use_threads(int(threads))
rng = np.random.default_rng(0)
scan(rng.standard_normal((400, 16)), np.arange(400) % 4, 5, workers=1)
x, y = np.load(features, mmap_mode="r"), np.load(labels)
began = time.perf_counter()
found = scan(x, y, int(poisons), workers=1)
print(json.dumps({"seconds": time.perf_counter() - began, "suspect": found.suspect, "shape": x.shape}))
"""


def once(build: Path, features: Path, labels: Path, poisons: int, threads: int) -> dict:
    """Seconds and verdict of one scan."""
    environment = {**os.environ, "PYTHONPATH": str(build), "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-c", ONE, str(features), str(labels), str(poisons), str(threads)]
    done = subprocess.run(command, env=environment, cwd=build, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", nargs="?", type=Path)
    parser.add_argument("tables", nargs="*")
    parser.add_argument("--poisons", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if not arguments.tables:
        print("give a checkout of another commit (git worktree add OTHER COMMIT) and tables to scan")
        return
    for table in arguments.tables:
        folder, _, name = table.partition(":")
        files = (Path(folder).resolve() / f"{name or 'features'}.npy", Path(folder).resolve() / "labels.npy")
        took: dict[str, list[float]] = {"other": [], "this": []}
        for _ in range(arguments.rounds):
            for build, where in (("other", arguments.other.resolve()), ("this", ROOT)):
                result = once(where, *files, arguments.poisons, arguments.threads)
                took[build].append(result["seconds"])
        other, this = median(took["other"]), median(took["this"])
        size = " x ".join(f"{s:,}" for s in result["shape"])
        print(
            f"{Path(folder).name}, {size}: other {other:.1f} s ({min(took['other']):.1f} to {max(took['other']):.1f}), "
            f"this {this:.1f} s ({min(took['this']):.1f} to {max(took['this']):.1f}), ratio {this / other:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
