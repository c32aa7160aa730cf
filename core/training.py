"""Train a classifier: one-cycle SGD, images and augmentation on the device, no Python per image.

Digits (1,438 images, 30 epochs, small ResNet): about 20 s on 2 CPU cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core import devices
from core.errors import InputError
from core.images import ImageData
from core.models import Architecture
from core.params import param
from core.tensors import (
    Classifier,
    batch_for,
    channel_statistics,
    exact_convolutions,
    memory_format,
    to_device,
)


@dataclass(frozen=True)
class Recipe:
    """How a model is trained. One-cycle SGD (Smith 2018) reaches in 12 to 30 epochs what the paper's 200 reach."""

    epochs: int = param(30, "Passes over the training set", low=1, high=1000)
    batch_size: int = param(64, "Images a step", low=2, high=4096)
    learning_rate: float = param(0.1, "Peak of the one-cycle schedule", low=1e-5, high=10.0)
    weight_decay: float = param(5e-4, "L2 penalty", low=0.0, high=1.0)
    crop: int = param(
        2, "Images are shifted at random by up to this much, after the trigger", unit="pixels", low=0, high=16
    )
    flip: str = param(
        "auto", "Mirror half the images; auto: where mirrored images keep their meaning", choices=("auto", "on", "off")
    )


@dataclass(frozen=True)
class Epoch:
    """What is known after an epoch."""

    epoch: int  # from 1
    epochs: int
    loss: float  # mean cross-entropy over the epoch
    accuracy: float  # on the augmented training images, as they were seen
    seconds: float  # since training began


OnEpoch = Callable[[Epoch, Classifier], None]
OnStep = Callable[[float], None]  # share of training done, 0..1; may raise Cancelled


def train(
    data: ImageData,
    architecture: Architecture,
    recipe: Recipe,
    *,
    flip: bool,
    seed: int,
    device: torch.device,
    on_epoch: OnEpoch | None = None,
    on_step: OnStep | None = None,
) -> Classifier:
    """Train from scratch. The same seed on the same machine gives the same weights.

    flip: whether mirrored images keep their meaning (the recipe may overrule). on_step is called after every step and
    may raise Cancelled. Raises InputError where the data cannot be trained on or the loss diverges.
    """
    if len(data) < 2:
        raise InputError(f"{len(data)} training image(s) are too few to train on")
    model = _fresh_model(data, architecture, seed).to(device).to(memory_format=memory_format(device))
    images, labels = to_device(data.images, device), torch.from_numpy(data.labels).to(device)
    batches = _Batches(images, labels, recipe, flip if recipe.flip == "auto" else recipe.flip == "on", seed)
    steps = recipe.epochs * len(batches)
    optimizer, schedule = _optimizer(model, recipe, steps)
    dtype = devices.training_dtype(device)
    started, done = time.perf_counter(), 0
    model.train()
    with exact_convolutions():
        for epoch in range(1, recipe.epochs + 1):
            loss_sum, right = torch.zeros((), device=device), torch.zeros((), device=device)
            for x, y in batches:
                with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                    logits = model(x)
                loss = nn.functional.cross_entropy(logits.float(), y)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                schedule.step()
                loss_sum += loss.detach() * len(y)  # no .item() here: it would wait for the device at every step
                right += (logits.detach().argmax(1) == y).sum()
                done += 1
                if on_step:
                    on_step(done / steps)
            seen = len(batches) * batches.size
            mean_loss = float(loss_sum) / seen
            if mean_loss != mean_loss:
                raise InputError("training diverged (the loss is not a number); lower learning_rate")
            if on_epoch:
                on_epoch(
                    Epoch(epoch, recipe.epochs, mean_loss, float(right) / seen, time.perf_counter() - started), model
                )
                model.train()
    return model.eval()


def _fresh_model(data: ImageData, architecture: Architecture, seed: int) -> Classifier:
    with torch.random.fork_rng(devices=[]):  # the network is built on the CPU
        torch.manual_seed(seed)
        network = architecture.build(data.images.shape[3], len(data.class_names))
    return Classifier(network, *channel_statistics(data.images))


def empty_classifier(architecture: Architecture, channels: int, classes: int) -> Classifier:
    """A classifier of the right shape, for saved weights to be loaded into."""
    return Classifier(architecture.build(channels, classes), [0.0] * channels, [1.0] * channels)


def _optimizer(model: nn.Module, recipe: Recipe, steps: int) -> tuple[torch.optim.Optimizer, Any]:
    optimizer = torch.optim.SGD(
        model.parameters(), recipe.learning_rate, momentum=0.9, nesterov=True, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=steps + 1)
    return optimizer, schedule


class _Batches:
    """Shuffled, shifted and mirrored batches, made on the device."""

    def __init__(self, images: Tensor, labels: Tensor, recipe: Recipe, flip: bool, seed: int) -> None:
        self.labels, self.flip, self.crop = labels, flip, recipe.crop
        self.size = min(recipe.batch_size, len(labels))
        self.height, self.width = images.shape[2:]
        self.generator = torch.Generator().manual_seed(seed)  # on the CPU: the same order on every device
        padded = nn.functional.pad(images, [recipe.crop] * 4)
        # A view (n, c, shifts, shifts, h, w) of every possible shift; no copy is made.
        self.shifts = padded.unfold(2, self.height, 1).unfold(3, self.width, 1)

    def __len__(self) -> int:
        return len(self.labels) // self.size  # an incomplete batch would have its own, noisier statistics

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        device = self.labels.device
        n, span = len(self.labels), 2 * self.crop + 1
        order = torch.randperm(n, generator=self.generator).to(device)
        down, right = torch.randint(span, (2, n), generator=self.generator).to(device)
        mirrored = (torch.rand(n, generator=self.generator) < 0.5).to(device)
        for start in range(0, len(self) * self.size, self.size):
            rows = order[start : start + self.size]
            x = self.shifts[rows, :, down[rows], right[rows]]
            if self.flip:
                x = torch.where(mirrored[rows, None, None, None], x.flip(3), x)
            yield x, self.labels[rows]


@torch.inference_mode()
def predict(model: Classifier, images: Tensor, batch_size: int | None = None) -> Tensor:
    """Predicted classes (n,) int64 for uint8 images (n, c, h, w), without augmentation."""
    model.eval()
    if not len(images):
        return torch.zeros(0, dtype=torch.long, device=images.device)
    with exact_convolutions():
        batches = images.split(batch_size or batch_for(images, at_32=1024))
        return torch.cat([model(batch).argmax(1) for batch in batches])
