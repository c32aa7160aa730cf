"""The layers of a PyTorch network, found by a forward pass on black images."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor, nn

from core.foundation.errors import InputError
from core.models.brought.base import Layer, Taps
from core.models.brought.blocks import POOLS, blocks_of, suggest

IMAGES = 2  # by which a side of images is told from one of windows, of which there are several in each


@torch.inference_mode()
def taps_of(network: nn.Module, shape: tuple[int, int, int], title: str) -> Taps:
    """The modules that are called once and give one tensor with a row for each image. shape: (channels, height, width).

    Raises InputError where the network does not take such images.
    """
    names = {module: name for name, module in network.named_modules() if name}
    calls, found = Counter[str](), dict[str, tuple[int, ...]]()

    def note(module: nn.Module, _inputs: object, output: object) -> None:
        name = names[module]
        calls[name] += 1
        if isinstance(output, Tensor) and output.ndim > 1 and len(output) == IMAGES and output.is_floating_point():
            found[name] = tuple(output.shape[1:])

    hooks = [module.register_forward_hook(note) for module in names]
    try:
        network(torch.zeros(IMAGES, *shape))
    except Exception as problem:  # noqa: BLE001 - libraries assert, and raise whatever they like
        said = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
        raise InputError(
            f"{title} does not take images of {shape[2]}x{shape[1]} ({said}); give the --size that it was trained on"
        ) from None
    finally:
        for hook in hooks:
            hook.remove()
    order = [name for name in found if calls[name] == 1]
    if not order:
        raise InputError(f"{title} has no layer that can be tapped")
    blocks, kinds = set(blocks_of(network)), {name: type(module).__name__ for module, name in names.items()}
    layers = [Layer(name, kinds[name], found[name], name in blocks or "." not in name) for name in order]
    return Taps(tuple(layers), *suggest(order, sorted(blocks), [name for name in order if kinds[name] in POOLS]))
