from __future__ import annotations

import numpy as np

from core.attacks import AllToAll, Patch, poison
from core.experiment import RunConfig
from tests.makers import coloured

DATA = coloured(20, classes=4)
CONFIG = RunConfig(attack="all-to-all", poisons=22, target=1)


def test_the_patch_moves_images_of_every_class_to_the_next_and_the_last_to_the_first() -> None:
    attack, goal = CONFIG.make_attack(), CONFIG.make_goal()
    assert isinstance(attack, AllToAll)
    poisoned, truth = poison(DATA, attack, goal, count=22, seed=0, options=CONFIG.make_poisoning())
    moves = {(int(a), int(b)) for a, b in zip(DATA.labels[truth.rows], poisoned.labels[truth.rows], strict=True)}
    assert moves == {(0, 1), (1, 2), (2, 3), (3, 0)}
    assert sorted(np.bincount(DATA.labels[truth.rows])) == [5, 5, 6, 6]
    np.testing.assert_array_equal(poisoned.images[truth.rows], Patch().stamp(DATA.images[truth.rows], 0))
    rest = ~truth.mask()
    np.testing.assert_array_equal(poisoned.images[rest], DATA.images[rest])
    np.testing.assert_array_equal(poisoned.labels[rest], DATA.labels[rest])


def test_every_test_image_is_a_victim_whose_wanted_label_is_the_next() -> None:
    goal, labels = CONFIG.make_goal(), np.array([0, 3, 2, 1])
    assert goal.is_victim(labels).all()
    np.testing.assert_array_equal(goal.label_for(labels, 4), [1, 0, 3, 2])


def test_any_attack_can_be_labelled_so() -> None:
    config = RunConfig(attack="pixel", poisons=8, target=1, poisoning={"labels": "all-to-all"})
    _, truth = poison(DATA, config.make_attack(), config.make_goal(), count=8, seed=0, options=config.make_poisoning())
    assert np.bincount(DATA.labels[truth.rows]).tolist() == [2, 2, 2, 2]
