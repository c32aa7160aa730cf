"""Compile a network for training where that pays for itself, and go on without where it cannot be done.

Measured on two cores with bfloat16 and batches of 128 (benchmarks/training.py --compile): compiling takes 45 s and then
saves 5 % of a step of ResNet-32 and nothing of ResNet-18, where the time is in convolutions that are the same library
calls either way. So `auto` compiles on CUDA alone, where norm and activation become one pass over memory, and only
in runs long enough to win back the minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

LONG = 20_000  # steps; about 50 epochs of 50,000 images in batches of 128

Forward = Callable[[Tensor], Tensor]
Note = Callable[[str], None]


def wanted(choice: str, device: torch.device, steps: int) -> bool:
    """Whether to compile; choice is `auto`, `on` or `off`."""
    return choice == "on" or (choice == "auto" and device.type == "cuda" and steps >= LONG)


def compiled(model: nn.Module, attempt: Callable[[Forward], Tensor], note: Note) -> Forward:
    """The compiled forward pass of the model, or the model itself, with a note, where compiling fails.

    attempt: computes the loss of one batch with the forward pass it is given. Compilers (a C++ compiler on the CPU,
    Triton on CUDA) are often missing, and say so only when forward and backward first run; so both are tried here, and
    the model and its gradients are left as they were.
    """
    with untouched(model):
        try:
            forward: Forward = torch.compile(model)
            attempt(forward).backward()
        except Exception as problem:  # noqa: BLE001 - whatever a compiler raises, the network runs without it
            reason = (str(problem).splitlines() or [""])[0]
            note(f"training goes on uncompiled, since compiling failed: {type(problem).__name__}: {reason}"[:300])
            forward = model
    return forward


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Passes forward and backward in here leave no gradient, and no buffer changed, behind."""
    before = {name: value.clone() for name, value in model.named_buffers()}
    try:
        yield
    finally:
        model.zero_grad(set_to_none=True)
        with torch.no_grad():
            for name, value in model.named_buffers():
                value.copy_(before[name])
