"""What checkpoints cost a training, and whether one that was ended comes to the weights of one that was not.

    PYTHONPATH=. OMP_NUM_THREADS=1 python benchmarks/checkpoints.py [--models small,resnet18] [--epochs 6] [--images 1000] [--rounds 3]

Trainings with and without checkpoints take turns; besides, the seconds within `Checkpoint.save` are counted, which says more on a busy
machine. Then one is ended in its middle and gone on with.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median
from unittest import mock

import numpy as np
import torch

from core.foundation import devices
from core.foundation.errors import Cancelled
from core.foundation.images import ImageData
from core.models import MODELS, Classifier
from core.training import Epoch, Recipe, train
from core.training.checkpoints import Checkpoint


def noise(n: int) -> ImageData:
    """Images (n, 32, 32, 3) of ten classes with nothing to learn."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    return ImageData(images, np.arange(n) % 10, tuple("0123456789"))


def same(left: Classifier, right: Classifier) -> bool:
    a, b = left.state_dict(), right.state_dict()
    return all(torch.equal(a[name], b[name]) for name in a)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="small,resnet18")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--images", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="auto", choices=devices.CHOICES)
    arguments = parser.parse_args()
    devices.use_threads(None)
    device, data = devices.resolve(arguments.device), noise(arguments.images)
    print(f"{devices.describe(device)}; {len(data):,} images, {arguments.epochs} epochs, median of {arguments.rounds}")
    for name in arguments.models.split(","):
        recipe = Recipe(epochs=arguments.epochs, batch_size=64)
        fit = partial(train, data, MODELS.make(name, {}), recipe, flip=True, seed=0, device=device)
        with tempfile.TemporaryDirectory() as folder:
            path, times, saving = Path(folder) / "x", {"without": [], "with": []}, []
            for _ in range(arguments.rounds):
                for kind in times:
                    spent, saves = [0.0], [0]

                    def save(self: Checkpoint, *args: object, spent=spent, saves=saves, real=Checkpoint.save) -> None:
                        began = time.perf_counter()
                        real(self, *args)  # type: ignore[arg-type]
                        spent[0] += time.perf_counter() - began
                        saves[0] += 1

                    path.unlink(missing_ok=True)
                    with mock.patch.object(Checkpoint, "save", save):
                        began = time.perf_counter()
                        whole = fit(checkpoint=path if kind == "with" else None)
                        times[kind].append(time.perf_counter() - began)
                saving.append(spent[0] / times["with"][-1])
            size = path.stat().st_size / 2**20
            path.unlink()

            def stop(epoch: Epoch, _: Classifier) -> None:
                if epoch.epoch > arguments.epochs // 2:
                    raise Cancelled

            try:
                fit(checkpoint=path, on_epoch=stop)
            except Cancelled:
                done: list[int] = []
                equal = same(whole, fit(checkpoint=path, on_resume=done.append))
            ratio = median(times["with"]) / median(times["without"])
            print(
                f"{name}: {median(times['without']):.1f} s without, {median(times['with']):.1f} s with, ratio {ratio:.3f}; "
                f"{100 * median(saving):.2f} % of the time in saving {size:.1f} MiB; gone on with after epoch {done[0]} of {arguments.epochs}: "
                f"{'the same weights' if equal else 'OTHER WEIGHTS'}",
                flush=True,
            )


if __name__ == "__main__":
    main()
