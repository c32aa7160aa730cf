"""A training with one thread, with all cores, and with as many as it finds best; on an idle machine and beside a busy program.

    PYTHONPATH=. python benchmarks/threads.py [--epochs 6] [--rounds 3]

ResNet-32 on noise of 32 x 32, 1,280 images an epoch. The three take turns. The busy program is one process for each core that
counts for as long as it lives, begun before the training. The measured one begins with what the app sets (cores - 1), and its
measurement is in its time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from statistics import median

ONE = """
import json, sys, time
import numpy as np, torch
from core.foundation import devices
from core.foundation.images import ImageData
from core.models import MODELS
from core.training import Recipe, threads, train
threads.LONG = 0.0
devices.use_threads(int(sys.argv[1]) or None)
rng = np.random.default_rng(0)
data = ImageData(rng.integers(0, 256, (1280, 32, 32, 3), dtype=np.uint8), rng.integers(0, 10, 1280), tuple("abcdefghij"))
seen, notes = [], []
began = time.perf_counter()
train(data, MODELS.make("resnet32"), Recipe(epochs=int(sys.argv[2])), flip=True, seed=0, device=torch.device("cpu"),
      on_epoch=lambda epoch, _: seen.append(epoch.threads), on_note=notes.append)
print(json.dumps({"seconds": time.perf_counter() - began, "threads": seen, "notes": notes}))
"""


def once(threads: int, epochs: int) -> dict:
    """Seconds of one training in a process of its own; threads: 0 for what it finds best."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    command = [sys.executable, "-c", ONE, str(threads), str(epochs)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    contestants = {"1 thread": 1, f"{cores} threads": cores, "measured": 0}
    for busy in (False, True):
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores if busy else 0)]
        try:
            took: dict[str, list[float]] = {name: [] for name in contestants}
            for _ in range(arguments.rounds):
                for name, threads in contestants.items():
                    found = once(threads, arguments.epochs)
                    took[name].append(found["seconds"])
        finally:
            for other in others:
                other.kill()
        print(f"{'beside a busy program' if busy else 'idle'}, {cores} cores, {arguments.rounds} rounds")
        for name, seconds in took.items():
            print(f"  {name:10} {median(seconds):6.1f} s ({min(seconds):.1f} to {max(seconds):.1f})")
        print(f"  the last measured one: threads by epoch {found['threads']}; {found['notes']}")


if __name__ == "__main__":
    main()
