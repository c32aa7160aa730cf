from __future__ import annotations

import numpy as np

from core.foundation.seeds import derive


def test_derived_seeds_are_the_same_on_every_machine_and_in_every_version() -> None:
    # Written down on purpose: if these change, nobody can repeat an old run from its config.
    assert [derive(0, "data"), derive(0, "poison"), derive(7, "training")] == [890424286, 930666799, 1772252810]


def test_seeds_and_purposes_are_independent() -> None:
    purposes = ("data", "poison", "training", "evaluation")
    derived = {derive(seed, purpose) for seed in (0, 1, 2, 2**32 - 1) for purpose in purposes}
    assert len(derived) == 16


def test_derived_seeds_fit_every_generator() -> None:
    seeds = [derive(seed, "x") for seed in range(200)]
    assert all(isinstance(seed, int) and 0 <= seed < 2**32 for seed in seeds)
    np.random.RandomState(max(seeds))
