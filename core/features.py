"""Features: what a trained model makes of each image at one named layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from core.errors import InputError
from core.tensors import Classifier, batch_for, exact_convolutions, to_device


def _in_memory(shape: tuple[int, int]) -> np.ndarray:
    return np.empty(shape, np.float32)


@torch.inference_mode()
def extract(
    model: Classifier,
    images: np.ndarray,
    layer: str,
    *,
    device: torch.device,
    batch_size: int | None = None,
    on_step: Callable[[float], None] | None = None,
    make_array: Callable[[tuple[int, int]], np.ndarray] = _in_memory,
) -> np.ndarray:
    """The output of `layer` for every image, flattened: (n, d) float32.

    images: (n, h, w, c) uint8, at least one. make_array: gives the array of that shape to fill, for instance one in a
    file; d is known only after the first batch. The model is in evaluation mode and the images are not augmented: a
    deliberate difference from the published script of the SPECTRE authors, which leaves random crops and flips on, so
    that its features change from run to run. In float32 throughout. Raises InputError for a layer the model does not
    have.
    """
    modules = dict(model.network.named_modules())
    if layer not in modules:
        raise InputError(f"the model has no layer '{layer}'")
    model.eval()
    caught: list[Tensor] = []
    hook = modules[layer].register_forward_hook(lambda _m, _i, out: caught.append(out.flatten(1).float().cpu()))
    batch_size = batch_size or batch_for(images, at_32=512)
    features: np.ndarray | None = None
    try:
        for start in range(0, len(images), batch_size):
            with exact_convolutions():
                model(to_device(images[start : start + batch_size], device))
            batch = caught.pop().numpy()
            if features is None:
                features = make_array((len(images), batch.shape[1]))
            features[start : start + len(batch)] = batch
            if on_step:
                on_step(min(1.0, (start + batch_size) / len(images)))
    finally:
        hook.remove()
    if features is None:
        raise InputError("there are no images to take features of")
    return features
