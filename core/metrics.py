"""The figures by which a run is judged. A share is always given with its numerator and denominator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from core.attacks import Attack
from core.images import ImageData
from core.outcomes import Share, detection
from core.tensors import Classifier, to_device
from core.training import predict


@dataclass(frozen=True)
class Evaluation:
    """How a model does on clean and on triggered test images."""

    clean: Share  # clean test images classified rightly
    attack_single: Share  # test images of the source class, one random trigger each, classified as the target
    attack_combined: Share  # the same with all m triggers at once
    confused: Share  # the same without a trigger: what the attack success must be compared with

    def as_json(self) -> dict[str, Any]:
        return {name: share.as_json() for name, share in vars(self).items()}


def evaluate(
    model: Classifier, test: ImageData, attack: Attack, *, source: int, target: int, seed: int, device: torch.device
) -> Evaluation:
    """Clean accuracy over all test images, attack success over the test images of the source class."""
    clean = predict(model, to_device(test.images, device)).cpu().numpy()
    victims = test.images[test.labels == source]
    ways = np.random.default_rng(seed).integers(0, attack.number_of_ways, len(victims))

    def hits(images: np.ndarray) -> Share:
        return Share(int((predict(model, to_device(images, device)) == target).sum()), len(images))

    return Evaluation(
        clean=Share(int((clean == test.labels).sum()), len(test)),
        attack_single=hits(attack.apply(victims, ways)),
        attack_combined=hits(attack.apply_all(victims)),
        confused=Share(int((clean[test.labels == source] == target).sum()), len(victims)),
    )


__all__ = ["Evaluation", "Share", "detection", "evaluate"]
