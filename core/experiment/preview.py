"""What an attack does to images, to look at before a run: clean, poisoned, and the difference made visible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.attacks import Resources, check_goal, left_of_trigger
from core.experiment.config import RunConfig
from core.foundation.images import ImageData
from core.foundation.pictures import difference

MEASURED = 64  # images on which it is measured what is left of the trigger; six alone would be off by a tenth and more


@dataclass(frozen=True)
class Preview:
    """A few training images without and with the trigger, as they arrive. Row i of all three is the same image."""

    clean: np.ndarray  # (n, h, w, c) uint8
    poisoned: np.ndarray
    difference: np.ndarray  # amplified, see `difference`
    left: float | None = None  # share of the trigger that is left, see `left_of_trigger`; None without a transport


def preview(
    config: RunConfig, data: ImageData, count: int, *, factor: float = 10, resources: Resources | None = None
) -> Preview:
    """The first `count` images that may be poisoned, one after another with the attack's ways, as they would be trained on.

    config: resolved. data: the training set. resources: the attacker's models, where the attack prepares its images;
    without them the picture shows the trigger alone. What is left of the trigger is measured on up to MEASURED images, or
    with resources, which cost time, on those shown. Raises InputError for what does not fit.
    """
    attack, goal, options = config.make_attack(), config.make_goal(), config.make_poisoning()
    check_goal(data.class_names, goal)
    transport = config.make_transport()
    looked_at = max(count, MEASURED) if transport.acts and resources is None else count
    rows = np.flatnonzero(goal.is_candidate(data.labels))[:looked_at]
    clean = data.images[rows]
    seed = config.seed_for("poison")
    changed = clean
    if resources is not None and attack.prepares:
        changed = attack.prepare(clean, data.labels[rows], resources, seed)
    ways = attack.draw_ways(len(rows), np.random.default_rng(seed))
    if attack.number_of_ways > 1:
        ways = np.arange(len(rows)) % attack.number_of_ways  # so that each is seen
    poisoned = attack.apply(changed, ways, options.train_strength)
    left = None
    if transport.acts:
        sent = clean, poisoned
        clean, poisoned = (transport.apply(images) for images in sent)
        left = left_of_trigger(*sent, clean, poisoned)
    clean, poisoned = clean[:count], poisoned[:count]
    return Preview(clean, poisoned, difference(clean, poisoned, factor), left)
