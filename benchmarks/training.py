"""One epoch of ours against a tutorial's loop and against the bare forward and backward pass, side by side in one run.

    PYTHONPATH=. taskset -c 1,2 env OMP_NUM_THREADS=2 python benchmarks/training.py       3 minutes on two cores
    PYTHONPATH=. python benchmarks/training.py --quick                                    smoke test, figures mean nothing
    ... [--data cifar/train.parquet] [--device auto] [--compile on] [--models resnet32] [--float32]

Contestants for each network, all on the same images in batches of 128, 10 classes, crop 4, mirrored:
  ours      core.training.train with the recipe's defaults: an epoch with shuffling, shifts, normalisation and optimizer
  float32   the same in float32, to tell what bfloat16 brings; only with --float32
  textbook  torchvision transforms on PIL images, a DataLoader with 2 workers, SGD, float32, loss.item() at every step
  floor     forward and backward of one fixed batch, in ours' precision and memory format: no data, no optimizer

They take turns, a few steps each, for several rounds, so that whatever else the machine does hits all of them; a table
holds the medians over the rounds. An epoch is extrapolated from the steps measured to 50,000 images. In the textbook's
favour: its workers are up and ahead when its clock starts. The second table compares the features of a layer and the
evaluation with the bare forward pass in the same precision (float32), the same batches and inference mode.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any
from unittest import mock

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from core.datasets import DATASETS
from core.foundation import devices
from core.foundation.images import ImageData
from core.foundation.tensors import exact_convolutions, memory_format, to_device
from core.models import MODELS, Architecture, Classifier
from core.training import Epoch, Recipe, empty_classifier, extract, predict, train

BATCH, EPOCH = 128, 50_000
ROUNDS = {"resnet32": (8, 5), "resnet18": (3, 3)}  # steps a turn, rounds
MEANS, DEVIATIONS = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # CIFAR-10's, as tutorials have them


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="an image parquet, for instance CIFAR-10's; default: noise of 32 x 32")
    parser.add_argument("--device", default="auto", choices=devices.CHOICES)
    parser.add_argument("--compile", default="auto", choices=("auto", "on", "off"))
    parser.add_argument("--models", default="resnet32,resnet18")
    parser.add_argument("--float32", action="store_true", help="ours in float32 too")
    parser.add_argument("--quick", action="store_true", help="one round of two steps with the small network")
    arguments = parser.parse_args()
    devices.use_threads()
    device = devices.resolve(arguments.device)
    data = images(arguments.data, 256 if arguments.quick else 2048)
    print(
        f"{devices.describe(device)}, torch {torch.__version__}, {devices.training_dtype(device)}; batches of {BATCH}"
    )
    models = ["small"] if arguments.quick else arguments.models.split(",")
    many = 50 if device.type == "cuda" else 1  # a step takes milliseconds there
    for key in models:
        steps, rounds = (2, 1) if arguments.quick else ROUNDS.get(key, (8, 3))
        race(MODELS.make(key), data, device, steps * many, rounds, arguments)
    for key in models:
        look(MODELS.make(key), data.take(np.arange(min(len(data), 256 * many))), device, 1 if arguments.quick else 3)


def images(path: str | None, n: int) -> ImageData:
    if path:
        whole = DATASETS.make("parquet", {"path": path}).load(0).train
        return whole.take(np.arange(min(n, len(whole))))
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    return ImageData(pixels, rng.integers(0, 10, n), tuple("abcdefghij"))


# ---- training -----------------------------------------------------------------------------------------------------


def race(
    architecture: Architecture,
    data: ImageData,
    device: torch.device,
    steps: int,
    rounds: int,
    options: argparse.Namespace,
) -> None:
    """Seconds a step of all contestants, in turns."""
    enough = np.resize(np.arange(len(data)), steps * BATCH)
    fresh = Textbook(architecture, data, device)
    bare = floor(architecture, data, device)

    def our_turn() -> float:
        return ours(architecture, data.take(enough), device, options.compile)

    contestants: dict[str, Callable[[], float]] = {
        "ours": our_turn,
        "float32": lambda: in_float32(our_turn),
        "textbook": lambda: fresh.turn(steps),
        "floor": lambda: bare(steps),
    }
    if not options.float32:
        del contestants["float32"]
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, turn in contestants.items():
            seconds[name].append(turn())
    print(f"\n{architecture.title}: {rounds} rounds of {steps} steps")
    print(f"{'':10}{'ms a step':>12}{'s an epoch':>12}{'x floor':>10}{'textbook / it':>15}")
    for name, times in seconds.items():
        step = median(times)
        to_floor = median(t / f for t, f in zip(times, seconds["floor"], strict=True))
        gain = median(b / t for t, b in zip(times, seconds["textbook"], strict=True))
        print(f"{name:10}{1000 * step:12.1f}{step * EPOCH / BATCH:12.1f}{to_floor:10.3f}{gain:15.2f}", flush=True)


def ours(architecture: Architecture, data: ImageData, device: torch.device, compiling: str) -> float:
    """Seconds a step over a whole second epoch, the first being the warm-up."""
    ends: list[float] = []

    def on_epoch(epoch: Epoch, _: Classifier) -> None:
        ends.append(epoch.seconds)

    recipe = Recipe(epochs=2, batch_size=BATCH, crop=4, compile=compiling)
    train(data, architecture, recipe, flip=True, seed=0, device=device, on_epoch=on_epoch)
    return (ends[1] - ends[0]) / (len(data) // BATCH)


def in_float32(run: Callable[[], float]) -> float:
    with mock.patch.object(devices, "training_dtype", return_value=torch.float32):
        return run()


def floor(architecture: Architecture, data: ImageData, device: torch.device) -> Callable[[int], float]:
    """Seconds a forward and backward of one fixed batch, over so many."""
    model = fresh_model(architecture, device).train()
    x, y = to_device(data.images[:BATCH], device), torch.from_numpy(data.labels[:BATCH]).to(device)
    dtype = devices.training_dtype(device)

    def passes(times: int) -> None:
        for _ in range(times):
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                logits = model(x)
            model.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(logits.float(), y).backward()

    def turn(steps: int) -> float:
        with exact_convolutions():
            passes(1)  # warms up
            return timed(lambda: passes(steps), device) / steps

    return turn


def fresh_model(architecture: Architecture, device: torch.device) -> Classifier:
    torch.manual_seed(0)
    return empty_classifier(architecture, (3, 32, 32), 10).to(device).to(memory_format=memory_format(device))


class Pictures(TorchDataset[Any]):
    """torchvision's CIFAR10: an array in memory, a PIL image at each access."""

    def __init__(self, data: ImageData) -> None:
        from torchvision import transforms

        self.data = data
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEANS, DEVIATIONS),
            ]
        )

    def __len__(self) -> int:
        return EPOCH

    def __getitem__(self, i: int) -> tuple[Any, int]:
        row = i % len(self.data)
        return self.transform(Image.fromarray(self.data.images[row])), int(self.data.labels[row])


class Textbook:
    """The loop that tutorials teach."""

    def __init__(self, architecture: Architecture, data: ImageData, device: torch.device) -> None:
        torch.manual_seed(0)
        self.device, self.model = device, architecture.build((3, 32, 32), 10).to(device).train()
        self.loader = DataLoader(Pictures(data), batch_size=BATCH, shuffle=True, num_workers=2)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)

    def turn(self, steps: int) -> float:
        """Seconds a step, after one that lets the workers start."""
        batches = iter(self.loader)
        self._step(*next(batches))
        started = time.perf_counter()
        for _ in range(steps):
            self._step(*next(batches))
        return (time.perf_counter() - started) / steps

    def _step(self, images: torch.Tensor, labels: torch.Tensor) -> float:
        images, labels = images.to(self.device), labels.to(self.device)
        self.optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(self.model(images), labels)
        loss.backward()
        self.optimizer.step()
        return loss.item()


def timed(work: Callable[[], object], device: torch.device) -> float:
    """Seconds that work takes, until the device has finished."""
    wait(device)
    started = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - started


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


# ---- features and evaluation --------------------------------------------------------------------------------------


def look(architecture: Architecture, data: ImageData, device: torch.device, rounds: int) -> None:
    """Seconds for all images: the forward pass alone, features of the default and of the last layer, evaluation."""
    model, size = fresh_model(architecture, device).eval(), 128 if device.type == "cpu" else 1024
    pixels = to_device(data.images, device)
    *_, last = architecture.layers()

    def forward() -> None:
        with torch.inference_mode(), exact_convolutions():
            for batch in pixels.split(size):
                model(batch)

    def features(layer: str) -> Callable[[], object]:
        return lambda: extract(model, data.images, layer, device=device, batch_size=size)

    contestants: dict[str, Callable[[], object]] = {
        "forward": forward,
        f"features, {architecture.default_layer}": features(architecture.default_layer),
        f"features, {last}": features(last),
        "evaluation": lambda: predict(model, pixels),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, work in contestants.items():
            once = timed(work, device)
            if turn:  # the first warms up
                seconds[name].append(once)
    print(f"\n{architecture.title}: {len(data)} images, float32, {rounds} rounds")
    print(f"{'':28}{'images / s':>12}{'x forward':>12}")
    for name, times in seconds.items():
        ratio = median(t / f for t, f in zip(times, seconds["forward"], strict=True))
        print(f"{name:28}{len(data) / median(times):12.0f}{ratio:12.3f}", flush=True)


if __name__ == "__main__":
    main()
