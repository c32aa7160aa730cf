"""Train a classifier: images and augmentation on the device, no Python per image, no waiting for the device in a step.

Digits (1,438 images, 30 epochs, small ResNet): about 20 s on 2 CPU cores. `benchmarks/training.py` measures the epoch
against the bare forward and backward pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.foundation import devices
from core.foundation.errors import InputError
from core.foundation.images import ImageData
from core.foundation.tensors import channel_statistics, exact_convolutions, forward_batch, memory_format, to_device
from core.models import Architecture, Classifier, weights
from core.training import compiling
from core.training.batches import Batches
from core.training.checkpoints import Checkpoint, Damaged, about
from core.training.recipes import PRESETS, Preset, Recipe, make_optimizer, make_schedule
from core.training.threads import Threads


@dataclass(frozen=True)
class Epoch:
    """What is known after an epoch."""

    epoch: int  # from 1
    epochs: int
    loss: float  # mean cross-entropy over the epoch
    accuracy: float  # on the augmented training images, as they were seen
    seconds: float  # since training began
    threads: int  # of the CPU, at its end


OnEpoch = Callable[[Epoch, Classifier], None]
OnStep = Callable[[float], None]  # share of training done, 0..1; may raise Cancelled
OnNote = Callable[[str], None]  # something worth a line in the log
OnResume = Callable[[int], None]  # epochs that an earlier call had done, 0 where training begins


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
    on_note: OnNote | None = None,
    checkpoint: Path | None = None,
    on_resume: OnResume | None = None,
) -> Classifier:
    """Train from scratch or from the recipe's weights. The same seed on the same machine, with as many threads, gives the same
    weights; how many threads a long training uses is measured where nobody has said it (`core.training.threads`).

    flip: whether mirrored images keep their meaning (the recipe may overrule). on_step is called after every step and
    may raise Cancelled. checkpoint: a file in which a training that was ended finds where it was, and goes on to the same weights;
    who has saved the model removes it. on_resume: told first how many epochs were done. Raises InputError where the data cannot be trained on, the weights do not fit or the loss
    diverges.
    """
    if len(data) < 2:
        raise InputError(f"{len(data)} training image(s) are too few to train on")

    def begin() -> _Steps:
        model = _first_model(data, architecture, recipe, seed).to(device).to(memory_format=memory_format(device))
        threads = Threads(device, on_note)
        return _Steps(model, recipe, _batches(data, recipe, flip, seed, device), device, threads, on_step, on_note)

    if recipe.epochs == 0:
        return _first_model(data, architecture, recipe, seed).to(device).to(memory_format=memory_format(device)).eval()
    steps, kept, done, before = begin(), None, 0, 0.0
    if checkpoint:
        kept = Checkpoint(checkpoint, about(architecture, recipe, data, flip=flip, seed=seed), on_note)
        try:
            done, before = kept.restore(steps.parts)
        except Damaged:
            steps = begin()
        steps.done = done * len(steps.batches)
    if on_resume:
        on_resume(done)
    started = time.perf_counter() - before
    with steps.threads.in_use():
        if not done:
            steps.threads.choose(steps.trial, steps.total)
        for number in range(done + 1, recipe.epochs + 1):
            loss, accuracy = steps.run()
            if loss != loss:
                raise InputError("training diverged (the loss is not a number); lower learning_rate")
            seconds = time.perf_counter() - started
            if on_epoch:
                on_epoch(Epoch(number, recipe.epochs, loss, accuracy, seconds, steps.threads.count), steps.model)
            if kept and number < recipe.epochs:
                kept.save(steps.parts, number, seconds)
    return steps.model.eval()


def _batches(data: ImageData, recipe: Recipe, flip: bool, seed: int, device: torch.device) -> Batches:
    return Batches(
        to_device(data.images, device),
        torch.from_numpy(data.labels).to(device),
        size=recipe.batch_size,
        crop=recipe.crop,
        flip=flip if recipe.flip == "auto" else recipe.flip == "on",
        seed=seed,
    )


def _first_model(data: ImageData, architecture: Architecture, recipe: Recipe, seed: int) -> Classifier:
    with torch.random.fork_rng(devices=[]):  # the network is built on the CPU
        torch.manual_seed(seed)
        network = architecture.build(data.shape, len(data.class_names))
    model = Classifier(network, *channel_statistics(data.images))
    if recipe.weights:
        weights.load(model, recipe.weights)
    return model


def empty_classifier(architecture: Architecture, shape: tuple[int, int, int], classes: int) -> Classifier:
    """A classifier for images (channels, height, width), for saved weights to be loaded into."""
    return Classifier(architecture.build(shape, classes), [0.0] * shape[0], [1.0] * shape[0])


class _Steps:
    """The optimizer's steps of one training, with whatever lasts from step to step."""

    def __init__(
        self,
        model: Classifier,
        recipe: Recipe,
        batches: Batches,
        device: torch.device,
        threads: Threads,
        on_step: OnStep | None,
        on_note: OnNote | None,
    ) -> None:
        self.model, self.batches, self.device, self.threads, self.on_step = model, batches, device, threads, on_step
        self.dtype = devices.training_dtype(device)
        self.done, self.total = 0, recipe.epochs * len(batches)
        self.forward: compiling.Forward = model
        if compiling.wanted(recipe.compile, device, self.total):
            x, y = batches.example()
            model.train()
            self.forward = compiling.compiled(
                model, lambda forward: self._loss(forward, x, y)[0], on_note or (lambda _: None)
            )
        self.optimizer = make_optimizer(model.parameters(), recipe, device)
        self.schedule = make_schedule(self.optimizer, recipe, self.total)

    @property
    def parts(self) -> dict[str, Any]:
        """All that changes from epoch to epoch."""
        return {
            "model": self.model, "optimizer": self.optimizer, "schedule": self.schedule,
            "order": self.batches.generator, "threads": self.threads,
        }  # fmt: skip

    def trial(self) -> None:
        """A step as they all are, of which nothing is left: for whoever wants to know how long one takes."""
        x, y = self.batches.example()
        self.model.train()
        with compiling.untouched(self.model), torch.random.fork_rng(devices=[]), exact_convolutions():
            self._loss(self.forward, x, y)[0].backward()

    def run(self) -> tuple[float, float]:
        """An epoch; returns the mean loss and the accuracy over all images seen."""
        losses, right = torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        seen = 0
        self.model.train()
        with exact_convolutions():
            for x, y in self.batches:
                loss, logits = self._loss(self.forward, x, y)
                self.optimizer.zero_grad(set_to_none=True)
                loss.backward()
                self.optimizer.step()
                self.schedule.step()
                losses += loss.detach() * len(y)  # no .item() here: it would wait for the device at every step
                right += (logits.detach().argmax(1) == y).sum()
                seen += len(y)
                self.done += 1
                self.threads.after_step(self.trial)
                if self.on_step:
                    self.on_step(self.done / self.total)
        return float(losses) / seen, float(right) / seen

    def _loss(self, forward: compiling.Forward, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy and logits of one batch; convolutions in bfloat16 where that is faster."""
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            logits = forward(x)
        return torch.nn.functional.cross_entropy(logits.float(), y), logits


@torch.inference_mode()
def predict(model: Classifier, images: Tensor, batch_size: int | None = None) -> Tensor:
    """Predicted classes (n,) int64 for uint8 images (n, c, h, w), without augmentation."""
    model.eval()
    if not len(images):
        return torch.zeros(0, dtype=torch.long, device=images.device)
    with exact_convolutions():
        batches = images.split(batch_size or forward_batch(images, images.device))
        return torch.cat([model(batch).argmax(1) for batch in batches])


__all__ = ["PRESETS", "Epoch", "Preset", "Recipe", "empty_classifier", "predict", "train"]
