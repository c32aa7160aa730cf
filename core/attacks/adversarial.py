"""Images made hard to recognise, without a trigger: what the label-consistent attack starts from."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from core.foundation.tensors import batch_for, exact_convolutions

BATCH = 256  # images of 32x32 at a time
Function = Callable[[Tensor], Tensor]


def pgd(model: Function, images: Tensor, labels: Tensor, *, norm: str, bound: float, steps: int, seed: int) -> Tensor:
    """Projected gradient descent (Madry et al. 2018): images that the model gets wrong, close to the given ones.

    model: images of 0..255 -> logits. images: (n, c, h, w) in grey levels 0..255, labels: (n,). norm "l2" or "linf" over
    all pixels and channels of an image; bound: its largest value, in grey levels. From a random start within the bound,
    `steps` steps of 2.5 * bound / steps up the loss. Returns float images of 0..255, same shape.
    """
    dice = torch.Generator().manual_seed(seed)
    done = []
    size = batch_for(images, at_32=BATCH)
    for x, y in zip(images.split(size), labels.split(size), strict=True):
        start = x.float()
        noise = torch.rand(x.shape, generator=dice).to(x.device) * 2 - 1
        adversarial = _inside(start + _project(noise * bound, norm, bound))
        for _ in range(steps):
            adversarial.requires_grad_(True)
            with exact_convolutions():
                loss = nn.functional.cross_entropy(model(adversarial).float(), y, reduction="sum")
                (gradient,) = torch.autograd.grad(loss, adversarial)
            stepped = adversarial.detach() + 2.5 * bound / steps * _direction(gradient, norm)
            adversarial = _inside(start + _project(stepped - start, norm, bound))
        done.append(adversarial.detach())
    return torch.cat(done)


def interpolate(encode: Function, decode: Function, images: Tensor, others: Tensor, share: float) -> Tensor:
    """`share` of the way from each image to another in the latent space of a generator (Turner et al. 2019).

    images, others: (n, c, h, w) in grey levels 0..255. Returns float images of 0..255, same shape.
    """
    height, width = images.shape[2:]
    size = batch_for(images, at_32=BATCH)
    with torch.inference_mode(), exact_convolutions():
        parts = [
            decode((1 - share) * encode(x) + share * encode(o))[:, :, :height, :width]
            for x, o in zip(images.split(size), others.split(size), strict=True)
        ]
    return torch.cat(parts)


def _direction(gradient: Tensor, norm: str) -> Tensor:
    """The steepest way up within the unit ball of the norm."""
    if norm == "linf":
        return gradient.sign()
    # by its largest first: where the model is sure, the squares of a gradient are too small for float32
    scaled = gradient / gradient.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-37)
    return scaled / _lengths(scaled)


def _project(change: Tensor, norm: str, bound: float) -> Tensor:
    if norm == "linf":
        return change.clamp(-bound, bound)
    return change * (bound / _lengths(change)).clamp(max=1)


def _lengths(x: Tensor) -> Tensor:
    return x.flatten(1).norm(dim=1).clamp(min=1e-12).view(-1, 1, 1, 1)


def _inside(x: Tensor) -> Tensor:
    return x.clamp(0, 255)
