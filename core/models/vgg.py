"""VGG-11 with batch norm (Simonyan and Zisserman 2015): torchvision's layers, a light head."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from core.models.base import Architecture

WIDTHS = (64, 128, 256, 512, 512)  # maps before each pooling


class Vgg(nn.Module):
    """Five stages of convolutions, each closed by a pooling `pool1` ... `pool5`; then `pooled` and one linear layer.

    layers: torchvision's. The original's three dense layers would hold 95 % of the weights and are for 224 x 224.
    """

    def __init__(self, layers: nn.Sequential, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        channels, height, width = shape
        named: OrderedDict[str, nn.Module] = OrderedDict()
        pools = 0
        for i, layer in enumerate(layers):
            if isinstance(layer, nn.MaxPool2d):
                pools += 1
                fits = min(height, width) >= 2**pools  # smaller images have no pixels left for this pooling
                named[f"pool{pools}"] = layer if fits else nn.Identity()
            else:
                named[str(i)] = layer  # torchvision's name, so that weights trained elsewhere fit
        named["0"] = nn.Conv2d(channels, WIDTHS[0], 3, padding=1)
        self.features = nn.Sequential(named)
        self.pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(WIDTHS[-1], classes)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.pooled(self.features(x)))


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


@dataclass(frozen=True)
class Vgg11(Architecture):
    """Eight convolutions without shortcuts, up to 512 maps."""

    key: ClassVar[str] = "vgg"
    title: ClassVar[str] = "VGG-11"
    summary: ClassVar[str] = "Eight convolutions without shortcuts, with batch norm; faster than ResNet-18."
    citation: ClassVar[str] = "Simonyan and Zisserman. Very Deep Convolutional Networks. ICLR 2015."
    default_layer: ClassVar[str] = "features.pool4"  # like the paper's taps: one stage before the last

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        from torchvision.models.vgg import cfgs, make_layers  # two seconds, so only when one is built

        return Vgg(make_layers(cfgs["A"], batch_norm=True), shape, classes)

    def layers(self) -> dict[str, str]:
        named = {
            f"features.pool{i}": f"pooling {i} of 5, {maps} maps at 1/{2**i} size" for i, maps in enumerate(WIDTHS, 1)
        }
        return {**named, "pooled": f"pooled, {WIDTHS[-1]} numbers, just before the classifier"}
