"""Pre-activation residual networks for small images (He et al. 2016, "Identity Mappings")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from core.foundation.params import param
from core.models.base import Architecture

NARROW = 8  # maps; see PreActBlock


class PreActBlock(nn.Module):
    """Norm, activation, 3x3 convolution, twice; the shortcut is a 1x1 convolution where the shape changes.

    Where it is strided and has fewer than 8 input maps, the pixels that it skips are left out beforehand, which gives the
    same numbers: on CPUs with AVX2 and without AVX-512, PyTorch 2.15 writes past its memory in the gradient of the other.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, slope: float) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.act = nn.LeakyReLU(slope) if slope else nn.ReLU()
        changes = stride != 1 or inputs != outputs
        self.skipped = stride if inputs < NARROW else 1
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride // self.skipped, bias=False) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.norm1(x))
        skip = x if self.shortcut is None else self.shortcut(y[..., :: self.skipped, :: self.skipped])
        y = self.conv1(y)
        return skip + self.conv2(self.act(self.norm2(y)))


class PreActResNet(nn.Module):
    """Three stages of blocks at full, half and quarter size, then pooling and one linear layer.

    Submodules `block1`, `block2`, ... and `pooled` are the layers that can be tapped.
    """

    def __init__(self, channels: int, classes: int, blocks: int, width: int, slope: float) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        self.block_names: list[str] = []
        inputs = width
        for stage in range(3):
            for i in range(blocks):
                outputs = width * 2**stage
                name = f"block{len(self.block_names) + 1}"
                self.add_module(name, PreActBlock(inputs, outputs, 2 if stage and not i else 1, slope))
                self.block_names.append(name)
                inputs = outputs
        self.norm = nn.BatchNorm2d(inputs)
        self.act = nn.LeakyReLU(slope) if slope else nn.ReLU()
        self.pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(inputs, classes)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for name in self.block_names:
            x = getattr(self, name)(x)
        return self.head(self.pooled(self.act(self.norm(x))))


@torch.no_grad()
def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def _layers(blocks: int, width: int) -> dict[str, str]:
    named = {}
    for i in range(3 * blocks):
        stage = i // blocks
        place = "last block" if i == 3 * blocks - 1 else f"block {i + 1} of {3 * blocks}"
        named[f"block{i + 1}"] = f"{place}, {width * 2**stage} maps at 1/{2**stage} size"
    named["pooled"] = f"pooled, {width * 4} numbers, just before the classifier"
    return named


@dataclass(frozen=True)
class SmallResNet(Architecture):
    """One block a stage: trains in seconds on a CPU."""

    key: ClassVar[str] = "small"
    title: ClassVar[str] = "Small ResNet"
    summary: ClassVar[str] = "Three residual blocks; trains on a CPU while you watch."
    citation: ClassVar[str] = "He et al. Identity Mappings in Deep Residual Networks. ECCV 2016."
    default_layer: ClassVar[str] = "block3"

    width: int = param(16, "Maps in the first stage; later stages have two and four times as many", low=4, high=128)

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return PreActResNet(shape[0], classes, blocks=1, width=self.width, slope=0.1)

    @classmethod
    def options_of(cls, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        stem = shapes.get("stem.weight", ())
        return {"width": stem[0]} if stem else {}

    def layers(self) -> dict[str, str]:
        return _layers(1, self.width)


@dataclass(frozen=True)
class ResNet32(Architecture):
    """Five blocks a stage, widths 16, 32, 64: the network of the SPECTRE paper's CIFAR-10 experiments."""

    key: ClassVar[str] = "resnet32"
    title: ClassVar[str] = "ResNet-32"
    summary: ClassVar[str] = "Fifteen residual blocks, as in the SPECTRE paper."
    citation: ClassVar[str] = "He et al. Identity Mappings in Deep Residual Networks. ECCV 2016."
    default_layer: ClassVar[str] = "block14"  # the paper taps the block before the last: 64 x 8 x 8 = 4,096

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return PreActResNet(shape[0], classes, blocks=5, width=16, slope=0.0)

    def layers(self) -> dict[str, str]:
        return _layers(5, 16)
