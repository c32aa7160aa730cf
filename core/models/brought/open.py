"""From what a user names to a network: one of our catalogue, torchvision:NAME, timm:NAME, or the path of an ONNX file."""

from __future__ import annotations

from pathlib import Path

from core.foundation.errors import InputError
from core.foundation.files import given_path
from core.models import MODELS, weights
from core.models.brought.base import Network
from core.models.brought.catalogued import Catalogued
from core.models.brought.named import Named

MAKERS = ("torchvision", "timm")
LARGEST = 4096  # pixels of a side


def needs_weights(model: str) -> bool:
    """Whether a model of that name is as it was initialised unless weights are given."""
    return model in MODELS or model.partition(":")[0] in MAKERS


def open_network(model: str, file: Path | None = None, size: int | None = None) -> Network:
    """The network. file: its weights; None leaves it as it was initialised, of use for its layers alone. size: side of its
    images in pixels, None for what it was made for. Raises InputError; nothing is downloaded, and no file runs code.
    """
    if size is not None and not 1 <= size <= LARGEST:
        raise InputError(f"--size {size} must be between 1 and {LARGEST} pixels")
    if model in MODELS:
        return Catalogued(model, file, size)
    maker, _, name = model.partition(":")
    if maker in MAKERS and name:
        return Named(maker, name, file, size)
    path = given_path(model)
    weights.refuse_code(path)
    if path.suffix.lower() == ".onnx":
        from core.models.brought.onnx_network import Onnx

        if file:
            raise InputError("an ONNX file holds its weights itself; leave --weights out")
        return Onnx(path, size)
    raise InputError(
        f"'{model}' is no model: give {', '.join(MODELS)}, torchvision:NAME or timm:NAME with --weights FILE.safetensors, "
        "or the path of an .onnx file"
    )
