"""Networks of torchvision and timm by name, for weights of somebody's own: nothing is downloaded."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from core.foundation.errors import InputError
from core.models import weights
from core.models.brought.base import IMAGENET, Network, Statistics, Taps
from core.models.brought.fitted import Fitted
from core.models.brought.hooks import taps_of
from core.models.weights import STATISTICS

MAX_CLASSES = 100_000
SIZE = 224
AUXILIARY = {"googlenet": "aux1.", "inception_v3": "AuxLogits."}  # second heads, which not all weights have
Shapes = Mapping[str, tuple[int, ...]]
Maker = Callable[[str, Shapes, int | None], tuple[nn.Module, int, Statistics]]


class Named(Network):
    """A network by name, with weights, or as it was initialised where only its layers are asked for."""

    def __init__(self, maker: str, name: str, file: Path | None, size: int | None) -> None:
        self.title = f"{maker}:{name}"
        self._make({"torchvision": _of_torchvision, "timm": _of_timm}[maker], name, file, size)

    def _make(self, make: Maker, name: str, file: Path | None, size: int | None) -> None:
        stored = weights.shapes(file) if file else {}
        self.network, self.size, self.statistics = make(name, stored, size)
        self.network.eval()
        self.channels = _channels(self.network)
        if len(self.statistics[0]) != self.channels:
            self.statistics = ([0.5] * self.channels, [0.5] * self.channels)
        if file:
            model = Fitted(self.network, self.statistics, self.size)
            weights.load(model, file)
            if STATISTICS[0] in stored:
                self.statistics = model.normalise.mean.flatten().tolist(), model.normalise.deviation.flatten().tolist()

    def taps(self) -> Taps:
        return taps_of(self.network, (self.channels, self.size, self.size), self.title)

    def tapped(self, layer: str) -> tuple[nn.Module, str]:
        return self.network, layer


def _of_torchvision(name: str, stored: Shapes, size: int | None) -> tuple[nn.Module, int, Statistics]:
    from torchvision import models

    # of all that can be made by name only classifiers: detectors and the like fetch the weights of their backbone
    if name not in models.list_models(module=models):
        raise InputError(f"torchvision has no classifier '{name}'; torchvision.models.list_models() lists them")
    side = size or (299 if name == "inception_v3" else SIZE)
    options: dict[str, Any] = {"weights": None}
    if name.startswith("vit_"):
        options["image_size"] = side
    if name in AUXILIARY:
        heads = not stored or any(key.startswith(AUXILIARY[name]) for key in stored)
        options |= {"aux_logits": heads, "init_weights": False}  # theirs takes minutes
    if stored:
        options["num_classes"] = classes_of(stored, head_of(_made(models.get_model, name, side, options, "meta")), name)
    return _made(models.get_model, name, side, options), side, IMAGENET


def _of_timm(name: str, stored: Shapes, size: int | None) -> tuple[nn.Module, int, Statistics]:
    import timm

    # names of other forms, hf-hub:... and local-dir:..., would be fetched or read
    if not re.fullmatch(r"[\w.]+", name) or not timm.is_model(name):
        raise InputError(
            f"timm has no model '{name}'; timm.list_models('*resnet*') lists those with resnet in their name"
        )
    try:
        about = timm.get_pretrained_cfg(name) or timm.models.PretrainedCfg()
    except RuntimeError as problem:  # what stands after the dot
        raise InputError(f"timm has no model '{name}' ({_line(problem)})") from None
    side = size or about.input_size[-1]
    options: dict[str, Any] = {"pretrained": False}
    if about.fixed_input_size and side != about.input_size[-1]:
        options["img_size"] = side
    first, heads = _first(about.first_conv), _first(about.classifier)
    if len(stored.get(f"{first}.weight", ())) == 4:
        options["in_chans"] = stored[f"{first}.weight"][1]
    if stored:
        options["num_classes"] = classes_of(stored, heads, name) if f"{heads}.weight" in stored else 0
    return _made(timm.create_model, name, side, options), side, (list(about.mean), list(about.std))


def _first(names: Any) -> str:
    """timm gives one name, or several where there are several."""
    return names if isinstance(names, str) else names[0] if names else ""


def _made(make: Any, name: str, side: int, options: dict[str, Any], device: str = "cpu") -> nn.Module:
    """The network. device: "meta" for its names and shapes alone. Raises InputError where it cannot be made so."""
    try:
        with torch.device(device):
            network: nn.Module = make(name, **options)
    except Exception as problem:  # noqa: BLE001 - libraries assert, and raise whatever they like
        raise InputError(
            f"{name} cannot be made for images of {side}x{side} ({_line(problem)}); give another --size"
        ) from None
    return network


def head_of(network: nn.Module) -> str:
    """Name of the last layer that has weights: the classifier's."""
    layers = [name for name, module in network.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    return layers[-1]


def classes_of(stored: Shapes, head: str, name: str) -> int:
    """How many classes the weights were trained for. Raises InputError where they have no such head."""
    shape = stored.get(f"{head}.weight", ())
    if not shape:
        raise InputError(
            f"weights: there is no {head}.weight, which is the classifier of {name}; give the weights of {name}"
        )
    if not 1 <= shape[0] <= MAX_CLASSES:
        raise InputError(f"weights: {head}.weight has {shape[0]:,} classes; 1 to {MAX_CLASSES:,} are taken")
    return shape[0]


def _channels(network: nn.Module) -> int:
    first = next((module for module in network.modules() if isinstance(module, nn.Conv2d)), None)
    return first.in_channels if first else 3


def _line(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0].rstrip(".")
