"""Images on the device, as a network takes them."""

from __future__ import annotations

from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import Tensor

from core.foundation.errors import InputError


def to_device(images: np.ndarray, device: torch.device) -> Tensor:
    """(n, h, w, c) uint8 array -> (n, c, h, w) uint8 tensor on the device."""
    pixels = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    if device.type == "cuda":
        return pixels.pin_memory().to(device, non_blocking=True)  # the copy runs while the device still computes
    return pixels.to(device)


def channel_statistics(images: np.ndarray) -> tuple[list[float], list[float]]:
    """Mean and deviation of each channel over all pixels, in 0..1; a constant channel gets deviation 1."""
    levels = np.arange(256) / 255.0
    means, deviations = [], []
    for channel in range(images.shape[3]):
        share = np.bincount(images[..., channel].ravel(), minlength=256) / images[..., channel].size
        mean = float(share @ levels)
        deviation = float(share @ (levels - mean) ** 2) ** 0.5
        means.append(mean)
        deviations.append(deviation or 1.0)
    return means, deviations


def memory_format(device: torch.device) -> torch.memory_format:
    """channels_last, which convolutions like best, except on Apple GPUs, where its backward pass has failed."""
    return torch.contiguous_format if device.type == "mps" else torch.channels_last


def batch_for(images: Tensor | np.ndarray, at_32: int) -> int:
    """Images at a time for images of any size: `at_32` for 32x32, fewer for larger ones, so that memory stays the same."""
    height, width = images.shape[2:] if isinstance(images, Tensor) else images.shape[1:3]
    return max(1, at_32 * 1024 // max(height * width, 1))


def forward_batch(images: Tensor | np.ndarray, device: torch.device) -> int:
    """Images at a time without gradients.

    On a CPU larger batches are slower, by half at 1,024: the memory for each layer's output comes fresh from the system.
    """
    return batch_for(images, at_32=128 if device.type == "cpu" else 1024)


def exact_convolutions() -> AbstractContextManager[None]:
    """Full float32 (no TF32) and the same result every time, on CUDA; elsewhere it changes nothing."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)


def as_array(values: object) -> np.ndarray:
    """Whatever NumPy takes, and PyTorch's tensors: with a gradient, on a device, in bfloat16 (as float32).

    Raises InputError for a sparse tensor, and for an array of which values are masked.
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise InputError("values are masked (missing); fill them, or drop their rows")
    if isinstance(values, Tensor):
        if values.layout != torch.strided:
            raise InputError("sparse features are not supported; make them dense with X.to_dense()")
        values = values.detach().cpu()
        if values.dtype.is_floating_point and values.dtype not in (torch.float16, torch.float32, torch.float64):
            values = values.float()
        values = values.resolve_conj().resolve_neg().numpy()
    found = np.asarray(values)
    return found.astype(np.float32) if found.dtype.name == "bfloat16" else found
