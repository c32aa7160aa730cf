from __future__ import annotations

import numpy as np
import pytest

from core.attacks import Patch, TaCT, poison
from core.experiment import RunConfig
from core.foundation.errors import InputError
from tests.makers import coloured

DATA = coloured(30, classes=4)


def config(**changes: object) -> RunConfig:
    return RunConfig(**{"attack": "tact", "poisons": 10, "source": 2, "target": 0, **changes})  # type: ignore[arg-type]


def test_the_source_is_turned_and_as_many_of_other_classes_carry_the_patch_with_their_own_label() -> None:
    attack = config().make_attack()
    assert isinstance(attack, TaCT)
    poisoned, truth = poison(DATA, attack, config().make_goal(), count=10, seed=0, options=config().make_poisoning())
    assert (len(truth.rows), len(truth.covers)) == (10, 10)
    assert (DATA.labels[truth.rows] == 2).all()
    assert (poisoned.labels[truth.rows] == 0).all()
    assert set(DATA.labels[truth.covers].tolist()) == {1, 3}
    np.testing.assert_array_equal(poisoned.labels[truth.covers], DATA.labels[truth.covers])
    for rows in (truth.rows, truth.covers):
        np.testing.assert_array_equal(poisoned.images[rows], Patch().stamp(DATA.images[rows], 0))
    touched = np.concatenate([truth.rows, truth.covers])
    rest = np.setdiff1d(np.arange(len(DATA)), touched)
    np.testing.assert_array_equal(poisoned.images[rest], DATA.images[rest])


def test_the_trigger_is_meant_for_one_class_alone() -> None:
    goal = config(source=None).make_goal()
    assert len(goal.sources) == 1
    assert goal.is_victim(np.arange(10)).sum() == 1


def test_with_two_classes_there_is_nobody_to_cover_and_the_line_says_what_to_do() -> None:
    two = coloured(30, classes=2)
    with pytest.raises(InputError, match="10 covers asked for, but only 0 images are free; lower cover_rate"):
        poison(two, TaCT(), config(source=1).make_goal(), count=10, seed=0, options=config().make_poisoning())


def test_no_covers_makes_it_a_plain_patch() -> None:
    options = config(poisoning={"cover_rate": 0}).make_poisoning()
    covered, truth = poison(DATA, TaCT(), config().make_goal(), count=10, seed=0, options=options)
    plain, _ = poison(DATA, Patch(), config().make_goal(), count=10, seed=0)
    assert len(truth.covers) == 0
    np.testing.assert_array_equal(covered.images, plain.images)


def test_it_has_the_parameters_of_the_patch() -> None:
    assert TaCT(size=5, colour="red").in_words() == "a red square of 5x5 pixels at the bottom right"
