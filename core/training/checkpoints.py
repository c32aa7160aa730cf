"""Where a training stands after an epoch, so that one that was ended goes on to the weights of one that was not.

One file: the weights, what the optimizer has for each of them, and the state of the generator that shuffles as tensors
(safetensors); the numbers of optimizer and schedule, and what the training is of, as JSON in its head. No pickle.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from core.foundation.files import replacing
from core.foundation.images import ImageData
from core.foundation.params import values_of
from core.models import Architecture
from core.training.recipes import Recipe

FORMAT = 2
SHARE = 0.01  # of the time of a training, at most, goes into its checkpoints, but for the first
ROOM = 8  # times the weights, and as many bytes again of MARGIN: a larger file is none of ours
MARGIN = 2**20
SAMPLED = 64  # images that tell one set from another
HEAD = "training"
# all that a file which somebody has edited can bring about, here and where optimizers and schedules take what it holds
UNSOUND = (OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError, IndexError, AttributeError)
TENSOR, PAIRS, TUPLE = "$tensor", "$pairs", "$tuple"


class Checkpoint:
    """The file of one training. It is as if there were none where the file is damaged, or of another training."""

    def __init__(self, path: Path, about: dict[str, Any], on_note: Callable[[str], None] | None = None) -> None:
        """about: what the training depends on, see `about`. on_note: told why a file that is there is not taken."""
        self.path, self.about = path, about
        self._note = on_note or (lambda _: None)
        self._saved_at, self._cost = 0.0, 0.0

    def restore(self, parts: dict[str, Any]) -> tuple[int, float]:
        """Put the parts into the state of the file; returns the epochs that are done and the seconds they took, 0 and 0 where
        there is no file for this training. Raises Damaged, with some parts changed perhaps.

        parts: models, optimizers, schedules and generators.
        """
        if not self.path.is_file():
            return 0, 0.0
        try:
            head, tensors = self._read(parts)
            if head["about"] != self.about:
                self._note("the checkpoint belongs to another training; it begins anew")
                return 0, 0.0
            states = {name: _plain(head["states"][name], tensors) for name in parts}
            epochs, seconds = int(head["epochs"]), float(head["seconds"])
            for name, part in parts.items():
                _put(part, states[name])
        except UNSOUND as problem:
            self._note(f"the checkpoint is damaged ({type(problem).__name__}); the training begins anew")
            raise Damaged from None
        self._note(f"the training goes on after epoch {epochs}")
        return epochs, seconds

    def save(self, parts: dict[str, Any], epochs: int, seconds: float) -> None:
        """After an epoch; now and then only, where the disk is slow. A full disk costs the checkpoint, not the training."""
        started = time.perf_counter()
        if self._saved_at and (started - self._saved_at) * SHARE < self._cost:
            return
        tensors: dict[str, Tensor] = {}
        states = {name: _stored(_state(part), name, tensors) for name, part in parts.items()}
        head = {"about": self.about, "epochs": epochs, "seconds": seconds, "states": states}
        try:
            with replacing(self.path) as aside:
                save_file(tensors, aside, {HEAD: json.dumps(head)})
        except (OSError, SafetensorError) as problem:
            self._note(f"the checkpoint of epoch {epochs} could not be written ({problem})")
        self._saved_at = time.perf_counter()
        self._cost = self._saved_at - started

    def _read(self, parts: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
        weights = sum(value.nbytes for part in parts.values() for value in _weights(part))
        if self.path.stat().st_size > ROOM * weights + MARGIN:
            raise ValueError("too large")
        with safe_open(self.path, framework="pt") as file:
            head = json.loads((file.metadata() or {})[HEAD])
            return head, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping


class Damaged(Exception):
    """A checkpoint that cannot be taken: the training has to be set up again."""


def about(architecture: Architecture, recipe: Recipe, data: ImageData, *, flip: bool, seed: int) -> dict[str, Any]:
    """What the weights of a training depend on, as JSON values; of the images a sample."""
    digest = hashlib.blake2b(data.labels.tobytes(), digest_size=16)
    step = max(1, len(data) // SAMPLED)
    digest.update(np.ascontiguousarray(data.images[::step][:SAMPLED]).tobytes())
    return {
        "format": FORMAT, "model": [architecture.key, values_of(architecture)], "recipe": asdict(recipe),
        "shape": [len(data), *data.shape], "data": digest.hexdigest(), "flip": flip, "seed": seed,
    }  # fmt: skip


def _state(part: Any) -> Any:
    return part.get_state() if isinstance(part, torch.Generator) else part.state_dict()


def _put(part: Any, state: Any) -> None:
    if isinstance(part, torch.Generator):
        part.set_state(state)
        return
    part.load_state_dict(state)
    if isinstance(part, Optimizer):
        _laid_out(part)


def _laid_out(optimizer: Optimizer) -> None:
    """What belongs to a weight lies in memory as the weight does: else every step would have to turn it."""
    for weight, held in optimizer.state.items():
        for name, value in held.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                held[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)


def _weights(part: Any) -> Iterator[Tensor]:
    if isinstance(part, nn.Module):
        yield from part.state_dict().values()


def _stored(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """A state as JSON values; its tensors go into `tensors`, by names that begin with `name`."""
    if isinstance(value, Tensor):
        tensors[name] = value.detach().cpu().contiguous()
        return {TENSOR: name}
    if isinstance(value, dict):
        return {PAIRS: [[key, _stored(one, f"{name}.{key}", tensors)] for key, one in value.items()]}
    if isinstance(value, (list, tuple)):
        kept = [_stored(one, f"{name}.{i}", tensors) for i, one in enumerate(value)]
        return {TUPLE: kept} if isinstance(value, tuple) else kept
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{name} is {type(value).__name__}, which no checkpoint can hold")


def _plain(value: Any, tensors: dict[str, Tensor]) -> Any:
    """The other way round."""
    if isinstance(value, list):
        return [_plain(one, tensors) for one in value]
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    if kind == TENSOR:
        return tensors[held]
    if kind == TUPLE:
        return tuple(_plain(one, tensors) for one in held)
    return {key: _plain(one, tensors) for key, one in held}
