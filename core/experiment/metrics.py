"""The figures by which a run is judged. A share is always given with its numerator and denominator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from core.attacks import Attack, Goal, Transport
from core.foundation.images import ImageData
from core.foundation.tensors import to_device
from core.models import Classifier
from core.runs import Share
from core.training import predict


@dataclass(frozen=True)
class Evaluation:
    """How a model does on clean and on triggered test images.

    The victims are the test images of the source classes, or, where any class is a source, all whose true label is not
    the target: `Goal.victims_in_words` says which.
    """

    clean: Share  # clean test images classified rightly
    attack_single: Share  # victims with one random trigger each that get the label the attacker wants
    attack_combined: Share  # the same with all m triggers at once
    confused: Share  # the same without a trigger: what the attack success must be compared with
    attack_elsewhere: Share  # the same with all triggers on images of no source class; of 0 where there are none

    def as_json(self) -> dict[str, Any]:
        return {name: share.as_json() for name, share in vars(self).items()}


def evaluate(
    model: Classifier,
    test: ImageData,
    attack: Attack,
    goal: Goal,
    *,
    strength: float = 1.0,
    transport: Transport | None = None,
    seed: int,
    device: torch.device,
) -> Evaluation:
    """Clean accuracy over all test images, attack success over the victims, at the trigger's strength at test time.

    transport: what happens to every one of these images, with its trigger or without, before the model sees it.
    """
    travel = (transport or Transport()).apply
    clean = predict(model, to_device(travel(test.images), device)).cpu().numpy()
    wanted = goal.label_for(test.labels, len(test.class_names))
    is_victim = goal.is_victim(test.labels)
    bystanders = ~is_victim & (test.labels != wanted)
    victims = test.images[is_victim]
    ways = attack.draw_ways(len(victims), np.random.default_rng(seed))

    def hits(images: np.ndarray, rows: np.ndarray) -> Share:
        said = predict(model, to_device(travel(images), device)).cpu().numpy()
        return Share(int((said == wanted[rows]).sum()), len(images))

    return Evaluation(
        clean=Share(int((clean == test.labels).sum()), len(test)),
        attack_single=hits(attack.apply(victims, ways, strength), is_victim),
        attack_combined=hits(attack.apply_all(victims, strength), is_victim),
        confused=Share(int((clean == wanted)[is_victim].sum()), len(victims)),
        attack_elsewhere=hits(attack.apply_all(test.images[bystanders], strength), bystanders),
    )
