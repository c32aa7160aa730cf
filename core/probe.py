"""A look at a model between two epochs: does it classify rightly, does it obey the trigger yet?

On fixed samples, so small that it takes a few hundredths of an epoch, and without a trace in the training: nothing is
drawn from a shared generator and the model comes back in the mode it was in.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.outcomes import Share
from core.staging import Staged
from core.tensors import Classifier, to_device
from core.training import predict

LARGEST, SMALLEST = 200, 24  # images of a sample
SPARING = (
    24  # one image looked at for so many trained on: forward alone costs a third of a training step, and there are two
)


class Probe:
    """Test images, with the trigger and without, that stay on the device: `probe.look(model)` after each epoch."""

    def __init__(self, staged: Staged, *, seed: int, device: torch.device) -> None:
        test, goal = staged.split.test, staged.goal
        self._most = min(max(len(staged.poisoned) // SPARING, SMALLEST), LARGEST)
        dice = np.random.default_rng(seed)
        self._device = device
        seen = self._sample(np.arange(len(test)), dice)
        self._clean = self._ready(test.images[seen], test.labels[seen])
        self._triggered: tuple[Tensor, np.ndarray] | None = None
        victims = self._sample(np.flatnonzero(goal.is_victim(test.labels)), dice)
        if staged.config.poisons and len(victims):
            strength = staged.config.make_poisoning().test_strength
            wanted = goal.label_for(test.labels[victims], len(test.class_names))
            self._triggered = self._ready(staged.attack.apply_all(test.images[victims], strength), wanted)

    def look(self, model: Classifier) -> dict[str, Any]:
        """`{"test_accuracy": share, "attack_success": share}`, JSON values; no attack success without an attack.

        attack_success: of the victims, shown with all triggers, that get the label the attacker wants.
        """
        was_training = model.training
        try:
            found = {"test_accuracy": _agreeing(model, *self._clean)}
            if self._triggered:
                found["attack_success"] = _agreeing(model, *self._triggered)
        finally:
            model.train(was_training)
        return found

    def _sample(self, rows: np.ndarray, dice: np.random.Generator) -> np.ndarray:
        return np.sort(dice.permutation(rows)[: self._most])

    def _ready(self, images: np.ndarray, labels: np.ndarray) -> tuple[Tensor, np.ndarray]:
        return to_device(images, self._device), labels


def _agreeing(model: Classifier, images: Tensor, wanted: np.ndarray) -> dict[str, Any]:
    said = predict(model, images).cpu().numpy()
    return Share(int((said == wanted).sum()), len(wanted)).as_json()
