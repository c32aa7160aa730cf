"""How long training and features take on this machine, from a few steps of each before the work starts."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from core.foundation.images import ImageData
from core.foundation.tensors import forward_batch, to_device
from core.models import Architecture
from core.training.loop import empty_classifier, predict, train
from core.training.recipes import Recipe

PATIENCE = 1.5  # seconds after which a measurement is cut short
STEPS = 20  # training steps that are done at most; the first few are slower than those that follow
SPREAD = 1.4  # runs took up to so many times what their fastest steps promised, on a machine with nothing else to do


@dataclass(frozen=True)
class Estimate:
    """Seconds by stage, and how long it took to find out.

    stages: where every step is as fast as the fastest one measured. spread: how many times that it may well take.
    busy: whether more wanted to be computed at the time than the machine has cores, which slows single steps greatly.
    """

    stages: dict[str, float]
    measuring: float
    spread: float = SPREAD
    busy: bool = False

    @property
    def total(self) -> float:
        return sum(self.stages.values())

    @property
    def at_most(self) -> float:
        """Seconds in all, where steps are as slow as the usual one measured."""
        return self.total * self.spread

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "total": self.total}


def is_busy() -> bool:
    """Whether more wants to be computed on this machine than it has cores; False where it does not say."""
    try:
        return os.getloadavg()[0] > (os.cpu_count() or 1)  # the mean of the last minute
    except (AttributeError, OSError):  # not on Windows
        return False


class EnoughError(Exception):
    """Raised inside a measurement to end it."""


class Stopwatch:
    """Times the steps of a training from within, and ends it when it knows enough: `train(..., on_step=watch.step)`."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.moments = device, [time.perf_counter()]

    def step(self, _: float) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)  # here only: a step that has been handed over is not a step done
        self.moments.append(time.perf_counter())
        passed = self.moments[-1] - self.moments[0]
        if len(self.moments) > STEPS or (len(self.moments) > 3 and passed > PATIENCE):
            raise EnoughError

    @property
    def seconds(self) -> float:
        """Of the fastest step."""
        return float(np.diff(self.moments).min())

    @property
    def usual(self) -> float:
        """Of a usual step: the median of the later half."""
        steps = np.diff(self.moments)
        return float(np.median(steps[len(steps) // 2 :]))


def seconds_of_a_step(
    data: ImageData, architecture: Architecture, recipe: Recipe, device: torch.device
) -> tuple[float, float]:
    """Of the fastest step of a training, and of a usual one."""
    few = data.take(np.arange(min(len(data), recipe.batch_size * STEPS)))
    watch = Stopwatch(device)
    with contextlib.suppress(EnoughError):
        train(few, architecture, replace(recipe, epochs=1), flip=True, seed=0, device=device, on_step=watch.step)
    return watch.seconds, watch.usual


def seconds_of_an_image(
    data: ImageData, architecture: Architecture, layer: str, device: torch.device
) -> tuple[float, int]:
    """Seconds of one image forward, and how many features it has at the layer."""
    model = empty_classifier(architecture, data.shape, len(data.class_names)).to(device).eval()
    some = to_device(data.images[: forward_batch(data.images, device)], device)
    sizes: list[int] = []
    hook = dict(model.network.named_modules())[layer].register_forward_hook(
        lambda _m, _i, out: sizes.append(out[0].numel())
    )
    predict(model, some[:1])
    hook.remove()
    return fastest(lambda: predict(model, some).cpu(), 3) / len(some), sizes[0]


def fastest(work: Callable[[], object], times: int) -> float:
    """Seconds of the fastest of several calls: where others use the machine, single ones take many times what they need."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)
