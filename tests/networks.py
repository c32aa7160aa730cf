"""Networks of the catalogue as several tests need them: built from a seed, and looked into at a layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from core.models import Architecture

Shape = tuple[int, int, int]
RGB32 = (3, 32, 32)


def built(architecture: Architecture, shape: Shape = RGB32, classes: int = 10) -> nn.Module:
    """The network for images of that shape, in evaluation mode; the same one at every call."""
    torch.manual_seed(0)
    return architecture.build(shape, classes).eval()


def some_images(shape: Shape = RGB32, n: int = 2) -> Tensor:
    """Random images (n, *shape), float, always the same."""
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(0))


def outputs(network: nn.Module, layers: list[str], images: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """At each layer: its output as it was computed, and the same tensor after the whole forward pass."""
    modules, seen = dict(network.named_modules()), {}
    hooks = [
        modules[layer].register_forward_hook(lambda _m, _i, out, layer=layer: seen.update({layer: (out.clone(), out)}))
        for layer in layers
    ]
    with torch.inference_mode():
        network(images)
    for hook in hooks:
        hook.remove()
    return seen


def tapped(architecture: Architecture, layer: str, shape: Shape = RGB32) -> Tensor:
    """One image's output at a layer."""
    return outputs(built(architecture, shape), [layer], some_images(shape))[layer][0][0]
