"""Networks of our own catalogue, for weights that a run or its owner has trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from core.foundation.errors import InputError
from core.models import MODELS, Architecture
from core.models.brought.base import IMAGENET, Statistics, Taps
from core.models.brought.named import Named, Shapes, classes_of, head_of

SIDE = 32  # pixels, of images whose size the weights do not tell
WHY = "the layer that runs of this network look at"


class Catalogued(Named):
    """A network by its key. Its options, classes and channels are told from the weights; see `Architecture.options_of`."""

    def __init__(self, key: str, file: Path | None, size: int | None) -> None:
        self.title, self._layers, self._default = key, dict[str, str](), ""
        self._make(self._built, key, file, size)

    def taps(self) -> Taps:
        """All that can be tapped; those that the catalogue names are the main ones, and its own choice is suggested."""
        found = super().taps().layers
        return Taps(tuple(replace(layer, main=layer.name in self._layers) for layer in found), self._default, WHY)

    def _built(self, key: str, stored: Shapes, size: int | None) -> tuple[nn.Module, int, Statistics]:
        entry = MODELS.make(key, MODELS[key].options_of(stored))
        self._layers, self._default = entry.layers(), entry.default_layer
        side = size or entry.side_of(stored) or SIDE
        names = _skeleton(entry, side)
        first, classes = stored.get(f"{_first(names)}.weight", ()), 10
        if stored:
            classes = classes_of(stored, head_of(names), key)
        return entry.build((first[1] if len(first) == 4 else 3, side, side), classes), side, IMAGENET


def _skeleton(entry: Architecture, side: int) -> nn.Module:
    """The network without memory for its weights, to see what they are called."""
    with torch.device("meta"):
        return entry.build((3, side, side), 2)


def _first(network: nn.Module) -> str:
    """Name of the first convolution, which takes the channels of the images. Raises InputError."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            return name
    raise InputError("the network has no convolution that takes images; give a torchvision, timm or ONNX model")
