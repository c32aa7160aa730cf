"""A network with what it needs to take images as they come."""

from __future__ import annotations

import torch
from torch import Tensor

from core.foundation.tensors import memory_format


class Normalise(torch.nn.Module):
    """uint8 images (n, c, h, w) -> float with mean 0 and deviation 1 per channel. Part of the saved model."""

    def __init__(self, means: list[float], deviations: list[float]) -> None:
        super().__init__()
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.tensor(means).view(1, -1, 1, 1))
        self.register_buffer("deviation", torch.tensor(deviations).view(1, -1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return (images.to(self.mean.dtype) / 255 - self.mean) / self.deviation


class Classifier(torch.nn.Module):
    """A network together with the normalisation of its training set: uint8 images in, logits out."""

    def __init__(self, network: torch.nn.Module, means: list[float], deviations: list[float]) -> None:
        super().__init__()
        self.normalise = Normalise(means, deviations)
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        x = self.normalise(images)
        return self.network(x.contiguous(memory_format=memory_format(x.device)))
