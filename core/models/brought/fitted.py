"""Images as they come, made to fit a brought network; and one vector a row of what it gives."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from core.foundation.errors import InputError
from core.models.brought.base import Statistics, position_axes
from core.models.classifier import Classifier


class Fitted(Classifier):
    """A network of one size behind a crop to the middle square, a resize, and grey made colour: uint8 (n, c, h, w) in."""

    def __init__(self, network: nn.Module, statistics: Statistics, size: int) -> None:
        super().__init__(network, *statistics)
        self.size, self.channels = size, len(statistics[0])

    def forward(self, images: Tensor) -> Tensor:
        x = _square(images).to(torch.float32)
        if x.shape[-1] != self.size:
            x = nn.functional.interpolate(x, (self.size, self.size), mode="bilinear", antialias=True)
        if x.shape[1] == 1:
            x = x.expand(-1, self.channels, -1, -1)
        return super().forward(x)


def check_channels(channels: int, network: int) -> None:
    """Raise InputError where images with so many channels cannot be shown to a network."""
    if channels not in (1, network):
        raise InputError(
            f"the images have {channels} channels and the network takes {network}; give images with {network}"
        )


def _square(images: Tensor) -> Tensor:
    """The middle of each, as image folders are cropped."""
    height, width = images.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return images[..., top : top + side, left : left + side]


def pooled(output: Tensor) -> Tensor:
    """(n, d): the mean over the positions of maps, or over tokens; what has neither is laid out in a line."""
    axes, _ = position_axes(tuple(output.shape[1:]))
    return output.mean([axis + 1 for axis in axes]) if axes else output.flatten(1)
