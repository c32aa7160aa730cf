"""The figures by which a run is judged. A share is always given with its numerator and denominator."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from core.attacks import Attack
from core.images import ImageData
from core.tensors import Classifier, to_device
from core.training import predict


@dataclass(frozen=True)
class Share:
    """`count` of `total`; `value` is None, not 0, where there is nothing to count."""

    count: int
    total: int

    @property
    def value(self) -> float | None:
        return self.count / self.total if self.total else None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "value": self.value}


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


def detection(removed: np.ndarray, is_poison: np.ndarray) -> dict[str, Any]:
    """How well a removal (n,) bool matches the truth (n,) bool, as JSON values.

    true_positive_rate: share of the poisons removed; false_positive_rate: share of the clean removed; precision: share
    of the removed that were poison. None where there is nothing to divide by.
    """
    hit = int((removed & is_poison).sum())
    return {
        "removed": int(removed.sum()),
        "rows": len(removed),
        "true_positive_rate": Share(hit, int(is_poison.sum())).as_json(),
        "false_positive_rate": Share(int((removed & ~is_poison).sum()), int((~is_poison).sum())).as_json(),
        "precision": Share(hit, int(removed.sum())).as_json(),
    }
