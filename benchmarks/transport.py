"""What is left of a trigger after JPEG, WebP, or another size and back, on photographs?

    PYTHONPATH=. python benchmarks/transport.py --data cifar10/test.parquet [--target 4] [--images 500] [--seed 0]

Images of all classes but the target are drawn by the seed, so many as asked for. For each trigger and each way: the mean
over the images of `core.attacks.left_of_trigger`, in per cent, and the standard error of that mean. Half a minute on one
core. The table is Markdown: docs/formats.md has it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import __version__ as pillow
from PIL import features

from core.attacks import ATTACKS, Attack, Goal, Transport, left_of_trigger
from core.datasets import DATASETS
from core.foundation.errors import InputError

TRIGGERS: dict[str, tuple[str, dict[str, float]]] = {
    "one pixel": ("pixel", {}),
    "3x3 patch": ("patch", {"size": 3}),
    "wave, ±6": ("periodic", {"amplitude": 6}),
    "waves both ways, ±6": ("periodic", {"amplitude": 6, "ways": 2}),
    "blended, 20 %": ("blended", {"alpha": 0.2}),
}
WAYS = {
    "JPEG 95": Transport("jpeg", 95),
    "JPEG 75": Transport("jpeg", 75),
    "JPEG 50": Transport("jpeg", 50),
    "WebP 75": Transport("webp", 75),
    "224 and back": Transport(resize=224),
    "224 and back, JPEG 75": Transport("jpeg", 75, resize=224),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="an image parquet, for instance CIFAR-10's")
    parser.add_argument("--target", type=int, default=4, help="number of the target class, which is left out")
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if not arguments.data.exists():
        print(f"skipped: there is nothing at {arguments.data}; give an image parquet of photographs with --data")
        return 0
    try:
        photos = drawn(arguments.data, arguments.target, arguments.images, arguments.seed)
    except InputError as problem:
        print(problem, file=sys.stderr)
        return 2
    print(f"{len(photos)} images of {photos.shape[2]}x{photos.shape[1]}, seed {arguments.seed}; {versions()}\n")
    attacks = {name: ATTACKS.make(key, options) for name, (key, options) in TRIGGERS.items()}
    print(f"| way | {' | '.join(attacks)} |\n|---|{'---|' * len(attacks)}")
    for name, way in WAYS.items():
        print(f"| {name} | {' | '.join(cell(photos, attack, way) for attack in attacks.values())} |", flush=True)
    return 0


def drawn(path: Path, target: int, count: int, seed: int) -> np.ndarray:
    """So many images that may be poisoned, (count, h, w, c) uint8. Raises InputError for what cannot be read."""
    data = DATASETS.make("parquet", {"path": str(path)}).load(0).train
    candidates = np.flatnonzero(Goal((), target).is_candidate(data.labels))
    return data.images[np.sort(np.random.default_rng(seed).permutation(candidates)[:count])]


def versions() -> str:
    """What the figures depend on."""
    turbo = features.version("libjpeg_turbo")
    jpeg = f"libjpeg-turbo {turbo}" if turbo else f"libjpeg {features.version('jpg')}"
    return f"Pillow {pillow}, {jpeg}, libwebp {features.version('webp')}"


def cell(photos: np.ndarray, attack: Attack, way: Transport) -> str:
    """ "57.4 ± 1.6": per cent of the trigger that are left, and the standard error."""
    poisoned = attack.apply_all(photos)
    arrived = way.apply(photos), way.apply(poisoned)
    every = [
        left_of_trigger(*(images[i : i + 1] for images in (photos, poisoned, *arrived))) for i in range(len(photos))
    ]
    shares = 100 * np.array([share for share in every if share is not None])
    return f"{shares.mean():.1f} ± {shares.std(ddof=1) / np.sqrt(len(shares)):.1f}"


if __name__ == "__main__":
    sys.exit(main())
