"""Features: what a trained model makes of each image at one named layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from core.foundation.errors import InputError
from core.foundation.tensors import exact_convolutions, forward_batch, to_device
from core.models import Classifier

Reduce = Callable[[Tensor], Tensor]


def _in_memory(shape: tuple[int, int]) -> np.ndarray:
    return np.empty(shape, np.float32)


def extract(
    model: Classifier,
    images: np.ndarray,
    layer: str,
    *,
    device: torch.device,
    batch_size: int | None = None,
    on_step: Callable[[float], None] | None = None,
    make_array: Callable[[tuple[int, int]], np.ndarray] = _in_memory,
    reduce: Reduce | None = None,
) -> np.ndarray:
    """The output of `layer` for every image, flattened: (n, d) float32.

    images: (n, h, w, c) uint8, at least one. make_array: gives the array of that shape to fill, for instance one in a
    file; d is known only after the first batch. reduce: what is made of the output (b, ...) of a batch first. The model is in evaluation mode and the images are not augmented: a
    deliberate difference from the published script of the SPECTRE authors, which leaves random crops and flips on, so
    that its features change from run to run. In float32 throughout. Raises InputError for a layer the model does not
    have.
    """
    modules = dict(model.network.named_modules())
    if layer not in modules:
        raise InputError(f"the model has no layer '{layer}'")
    batch_size = batch_size or forward_batch(images, device)
    features: np.ndarray | None = None
    for start, batch in _in_turn(model, modules[layer], images, device, batch_size, reduce):
        if features is None:
            features = make_array((len(images), batch[0].numel()))
        rows = torch.from_numpy(features[start : start + len(batch)])
        rows.view(batch.shape).copy_(batch)  # one pass, from channels-last to rows and to float32
        if on_step:
            on_step(min(1.0, (start + batch_size) / len(images)))
    if features is None:
        raise InputError("there are no images to take features of")
    return features


def _in_turn(
    model: Classifier, module: nn.Module, images: np.ndarray, device: torch.device, size: int, reduce: Reduce | None
) -> Iterator[tuple[int, Tensor]]:
    """(first row, output of the module on the CPU) for each batch. A GPU is already at the next one meanwhile."""
    model.eval()
    waiting: tuple[int, Tensor, torch.cuda.Event | None] | None = None
    for start in range(0, len(images), size):
        output = _output(model, module, to_device(images[start : start + size], device), reduce)
        done = None
        if device.type == "cuda":
            output = output.to("cpu", non_blocking=True)  # into pinned memory; to be read after `done` alone
            done = torch.cuda.Event()
            done.record()
        if waiting:
            yield _arrived(*waiting)
        waiting = (start, output.cpu(), done)
    if waiting:
        yield _arrived(*waiting)


def _arrived(start: int, output: Tensor, done: torch.cuda.Event | None) -> tuple[int, Tensor]:
    if done:
        done.synchronize()
    return start, output


class _Tapped(Exception):
    """The layer has been computed; what lies above it need not be."""


@torch.inference_mode()
def _output(model: Classifier, module: nn.Module, batch: Tensor, reduce: Reduce | None) -> Tensor:
    """What the module gives for uint8 images (b, c, h, w), on their device."""
    caught: list[Tensor] = []

    def tap(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        caught.append(output)
        raise _Tapped

    hook = module.register_forward_hook(tap)
    try:
        with exact_convolutions():
            model(batch)
    except _Tapped:
        pass
    finally:
        hook.remove()
    return reduce(caught[0]) if reduce else caught[0]
