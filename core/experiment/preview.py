"""What an attack does to images, to look at before a run: clean, poisoned, and the difference made visible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.attacks import Resources
from core.experiment.config import RunConfig
from core.foundation.images import ImageData
from core.foundation.pictures import difference


@dataclass(frozen=True)
class Preview:
    """A few training images before and after. Row i of all three is the same image."""

    clean: np.ndarray  # (n, h, w, c) uint8
    poisoned: np.ndarray
    difference: np.ndarray  # amplified, see `difference`


def preview(
    config: RunConfig, data: ImageData, count: int, *, factor: float = 10, resources: Resources | None = None
) -> Preview:
    """The first `count` images that may be poisoned, one after another with the attack's ways, as they would be trained on.

    config: resolved. data: the training set. resources: the attacker's models, where the attack prepares its images;
    without them the picture shows the trigger alone. Raises InputError for what does not fit.
    """
    attack, goal, options = config.make_attack(), config.make_goal(), config.make_poisoning()
    rows = np.flatnonzero(goal.is_candidate(data.labels))[:count]
    clean = data.images[rows]
    seed = config.seed_for("poison")
    changed = clean
    if resources is not None and attack.prepares:
        changed = attack.prepare(clean, data.labels[rows], resources, seed)
    ways = attack.draw_ways(len(rows), np.random.default_rng(seed))
    if attack.number_of_ways > 1:
        ways = np.arange(len(rows)) % attack.number_of_ways  # so that each is seen
    poisoned = attack.apply(changed, ways, options.train_strength)
    return Preview(clean, poisoned, difference(clean, poisoned, factor))
