"""How a model is trained: the recipe, its learning-rate schedules and optimizers, and presets that reproduce something."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from core.foundation.errors import InputError
from core.foundation.params import param

FLAT = 0.7  # share of flat-cosine at the full rate, as in the SPECTRE paper's Ranger runs
DROPS = (75 / 200, 150 / 200)  # shares of steps after which the rate falls to a tenth; the paper's 75 and 150 of 200


@dataclass(frozen=True)
class Recipe:
    """How a model is trained. One-cycle SGD (Smith 2018) reaches in 12 to 30 epochs what the paper's 200 reach."""

    epochs: int = param(30, "Passes over the training set; 0 takes the weights as they are", low=0, high=1000)
    batch_size: int = param(64, "Images a step", low=2, high=4096)
    learning_rate: float = param(0.1, "Peak of the schedule", low=1e-5, high=10.0)
    weight_decay: float = param(5e-4, "Pull of all weights to 0: L2 penalty; decoupled in Ranger", low=0.0, high=1.0)
    crop: int = param(
        2, "Images are shifted at random by up to this much, after the trigger", unit="pixels", low=0, high=16
    )
    flip: str = param(
        "auto", "Mirror half the images; auto: where mirrored images keep their meaning", choices=("auto", "on", "off")
    )
    optimizer: str = param("sgd", "SGD with Nesterov momentum, or Ranger (RAdam, Lookahead)", choices=("sgd", "ranger"))
    schedule: str = param(
        "one-cycle",
        "Learning rate: up and down once; a tenth after 3/8 and 3/4; flat, the last 30 % a cosine to 0; the same always",
        choices=("one-cycle", "steps", "flat-cosine", "constant"),
    )
    weights: str = param("", "Path of a .safetensors file to start from; empty: fresh weights")
    compile: str = param(
        "auto", "Compile the network first; auto: on CUDA in long runs, where it pays", choices=("auto", "on", "off")
    )

    def __post_init__(self) -> None:
        if self.epochs == 0 and not self.weights:
            raise InputError("training: epochs = 0 needs weights to take as they are; set weights or raise epochs")
        if self.optimizer == "ranger" and importlib.util.find_spec("pytorch_optimizer") is None:
            raise InputError("optimizer ranger needs the package pytorch-optimizer; install it or choose sgd")


@dataclass(frozen=True)
class Preset:
    """Training options under one name. They go over what a data set suggests and under what a user asks for."""

    title: str
    reproduces: str  # one sentence
    options: Mapping[str, Any] = field(default_factory=dict)


PRESETS: dict[str, Preset] = {
    "fast": Preset(
        "Fast",
        "No publication: one-cycle SGD for as many epochs as the data set suggests, to about the same accuracy.",
        {"optimizer": "sgd", "schedule": "one-cycle"},
    ),
    "spectre-sgd": Preset(
        "SPECTRE, SGD",
        "The SGD training of the SPECTRE paper's CIFAR-10 runs (Hayase et al. 2021): 200 epochs, a tenth of the rate "
        "after 75 and 150.",
        {
            "optimizer": "sgd",
            "schedule": "steps",
            "epochs": 200,
            "batch_size": 128,
            "learning_rate": 0.1,
            "weight_decay": 2e-4,
            "crop": 4,
            "flip": "auto",  # CIFAR-10 is mirrored, as in the paper; digits and signs are not
        },
    ),
    "spectre-ranger": Preset(
        "SPECTRE, Ranger",
        "The Ranger training of the SPECTRE paper's CIFAR-10 runs (Hayase et al. 2021): 60 epochs, the last 30 % "
        "a cosine to 0.",
        {
            "optimizer": "ranger",
            "schedule": "flat-cosine",
            "epochs": 60,
            "batch_size": 128,
            "learning_rate": 0.004,
            "weight_decay": 0.1,
            "crop": 4,
            "flip": "auto",
        },
    ),
}


def preset_options(name: str | None) -> dict[str, Any]:
    """The training options of a preset by its name; none for None. Raises InputError for an unknown name."""
    if name is not None and name not in PRESETS:
        raise InputError(f"unknown preset '{name}'; choose from: {', '.join(PRESETS)}")
    return dict(PRESETS[name].options) if name else {}


def make_optimizer(parameters: Iterable[nn.Parameter], recipe: Recipe, device: torch.device) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum 0.9, or Ranger as the SPECTRE paper sets it: betas (0.9, 0.999), eps 0.1."""
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "ranger":
        from pytorch_optimizer import Ranger  # a second, so only when asked for

        # degenerated_to_sgd: without it this library takes the first five steps uphill; Ranger's author took them down.
        return Ranger(parameters, rate, betas=(0.9, 0.999), eps=0.1, weight_decay=decay, degenerated_to_sgd=True)
    fused = device.type == "cuda" or None  # one kernel for all weights; on a CPU it saves 0.6 % of a step
    return torch.optim.SGD(parameters, rate, momentum=0.9, nesterov=True, weight_decay=decay, fused=fused)


def make_schedule(optimizer: torch.optim.Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    """The learning rate over `steps` optimizer steps; call `.step()` after each."""
    if recipe.schedule == "one-cycle":
        cycled = recipe.optimizer == "sgd"  # with the rate up, momentum goes from 0.95 to 0.85 (Smith 2018)
        return OneCycleLR(optimizer, recipe.learning_rate, total_steps=steps + 1, cycle_momentum=cycled)
    factor = SHAPES[recipe.schedule]
    return LambdaLR(optimizer, lambda step: factor(step / steps))


def _constant(_: float) -> float:
    return 1.0


def _tenths(done: float) -> float:
    return 0.1 ** sum(done >= drop for drop in DROPS)


def _flat_cosine(done: float) -> float:
    return 1.0 if done < FLAT else 0.5 + 0.5 * math.cos(math.pi * (done - FLAT) / (1 - FLAT))


# Share of steps done, 0..1 -> share of the full rate.
SHAPES: dict[str, Callable[[float], float]] = {
    "constant": _constant,
    "steps": _tenths,
    "flat-cosine": _flat_cosine,
}
