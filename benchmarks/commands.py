"""How long a command takes on next to nothing, in this build beside another one: what its start costs.

    PYTHONPATH=. python benchmarks/commands.py OTHER [--rounds 5]

OTHER is a checkout of another commit (`git worktree add OTHER COMMIT`). Builds take turns, after one turn that warms the file
cache and is not counted. Seconds are those of the processor, the children's included: they say the same on a busy machine.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).resolve().parents[1]


def commands(folder: Path) -> dict[str, list[str]]:
    """Arguments by name, on small tables that are written into the folder."""
    rng = np.random.default_rng(0)
    np.save(folder / "rows.npy", rng.standard_normal((200, 20)))
    np.save(folder / "labels.npy", np.arange(200) % 4)
    rows, labels = str(folder / "rows.npy"), str(folder / "labels.npy")
    (folder / "runs").mkdir()
    return {
        "--help": ["--help"],
        "runs": ["runs", "--runs-dir", str(folder / "runs")],
        "filter": ["filter", rows, "--poisons", "5", "--device", "cpu"],
        "scan": ["scan", rows, labels, "--poisons", "3", "--device", "cpu", "--workers", "1"],
    }


def seconds(build: Path, arguments: list[str]) -> float:
    """Of the processor, of one command."""
    environment = {**os.environ, "PYTHONPATH": str(build), "OMP_NUM_THREADS": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "core", *arguments], env=environment, cwd=build, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{build.name}: {' '.join(arguments)}: {done.stderr.strip()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.other is None:
        print("give a checkout of another commit (git worktree add OTHER COMMIT)")
        return
    builds = {"other": arguments.other.resolve(), "this": ROOT}
    with tempfile.TemporaryDirectory() as folder:
        for name, command in commands(Path(folder)).items():
            took: dict[str, list[float]] = {build: [] for build in builds}
            for turn in range(arguments.rounds + 1):
                for build, where in builds.items():
                    out = ["--out", f"{folder}/{name}-{build}-{turn}"] if name in ("filter", "scan") else []
                    took[build].append(seconds(where, command + out))
            other, this = (median(took[build][1:]) for build in builds)
            spread = ", ".join(f"{build} {min(took[build][1:]):.2f} to {max(took[build][1:]):.2f}" for build in builds)
            print(f"{name}: other {other:.2f} s, this {this:.2f} s, ratio {this / other:.2f} ({spread})", flush=True)


if __name__ == "__main__":
    main()
