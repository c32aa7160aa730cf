"""A folder of a hundred thousand images, read by this build and by another one: seconds and peak memory, side by side.

    PYTHONPATH=. python benchmarks/image_folder.py OTHER [--images 100000] [--rounds 2]

OTHER is a checkout of another commit (`git worktree add OTHER COMMIT`). The folder has ten classes of 32x32 PNGs; five hundred
are drawn, the others are links to them. Builds take turns, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
DRAWN, CLASSES = 500, 10
ONE = """
import json, resource, sys, time
from core.datasets import DATASETS
told = []
began = time.perf_counter()
split = DATASETS.make("folder", {"path": sys.argv[1]}).load(0, lambda message, share: told.append(time.perf_counter() - began))
seconds = time.perf_counter() - began
waits = [later - sooner for sooner, later in zip([0.0, *told], [*told, seconds])]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps({"images": len(split.train) + len(split.test), "seconds": seconds, "peak": peak, "silent": max(waits)}))
"""


def write(folder: Path, images: int) -> None:
    rng = np.random.default_rng(0)
    for label in range(CLASSES):
        (folder / f"class {label}").mkdir()
    for i in range(images):
        file = folder / f"class {i % CLASSES}" / f"{i:06d}.png"
        if i < DRAWN:
            Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(file)
        else:
            os.link(folder / f"class {i % DRAWN % CLASSES}" / f"{i % DRAWN:06d}.png", file)


def once(build: Path, folder: Path) -> dict:
    """What one reading gives."""
    environment = {**os.environ, "PYTHONPATH": str(build)}
    command = [sys.executable, "-c", ONE, str(folder)]
    done = subprocess.run(command, env=environment, cwd=build, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", nargs="?", type=Path)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.other is None:
        print("give a checkout of another commit to compare with: git worktree add OTHER COMMIT")
        return
    builds = {"other": arguments.other.resolve(), "this": ROOT}
    found: dict[str, list[dict]] = {name: [] for name in builds}
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), arguments.images)
        for _ in range(arguments.rounds):
            for name, build in builds.items():
                found[name].append(once(build, Path(folder)))
    for name, rounds in found.items():
        seconds, peak, silent = (median(one[what] for one in rounds) for what in ("seconds", "peak", "silent"))
        print(
            f"{name}: {rounds[0]['images']:,} images in {seconds:.1f} s, peak {peak:.2f} GiB, at most {silent:.1f} s without "
            "a word of progress"
        )
    ratio = median(one["seconds"] for one in found["other"]) / median(one["seconds"] for one in found["this"])
    print(f"this build takes 1/{ratio:.2f} of the other's time")


if __name__ == "__main__":
    main()
