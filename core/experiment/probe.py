"""A look at a model between two epochs: does it classify rightly, does it obey the trigger yet?

On fixed samples, so small that it takes a few hundredths of an epoch, and without a trace in the training: nothing is
drawn from a shared generator and the model comes back in the mode it was in.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from core.experiment.staging import Staged
from core.foundation.tensors import to_device
from core.models import Classifier
from core.runs import Share
from core.training import predict

LARGEST, SMALLEST = 200, 24  # images of a sample
SPARING = 44  # images trained on for each one looked at, and there are two samples; measured: below 3 % of an epoch


class Probe:
    """Test images, with the trigger and without, that stay on the device: `probe.look(model)` after each epoch."""

    def __init__(self, staged: Staged, *, seed: int, device: torch.device) -> None:
        test, goal = staged.split.test, staged.goal
        self._most = min(max(len(staged.poisoned) // SPARING, SMALLEST), LARGEST)
        dice = np.random.default_rng(seed)
        travel = staged.config.make_transport().apply
        seen = self._sample(np.arange(len(test)), dice)
        parts = [("test_accuracy", test.images[seen], test.labels[seen])]
        victims = self._sample(np.flatnonzero(goal.is_victim(test.labels)), dice)
        if staged.config.poisons and len(victims):
            strength = staged.config.make_poisoning().test_strength
            wanted = goal.label_for(test.labels[victims], len(test.class_names))
            parts.append(("attack_success", staged.attack.apply_all(test.images[victims], strength), wanted))
        self._images = to_device(np.concatenate([travel(images) for _, images, _ in parts]), device)
        self._wanted = {name: labels for name, _, labels in parts}  # in the order of the images

    def look(self, model: Classifier) -> dict[str, Any]:
        """`{"test_accuracy": share, "attack_success": share}`, JSON values; no attack success without an attack.

        attack_success: of the victims, shown with all triggers, that get the label the attacker wants.
        """
        was_training = model.training
        try:
            said = predict(model, self._images).cpu().numpy()
        finally:
            model.train(was_training)
        found, start = {}, 0
        for name, wanted in self._wanted.items():
            hits = int((said[start : start + len(wanted)] == wanted).sum())
            found[name] = Share(hits, len(wanted)).as_json()
            start += len(wanted)
        return found

    def _sample(self, rows: np.ndarray, dice: np.random.Generator) -> np.ndarray:
        return np.sort(dice.permutation(rows)[: self._most])
