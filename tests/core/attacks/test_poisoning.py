from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.attacks import ATTACKS, Patch, Periodic, Pixel, PoisonTruth, poison
from core.errors import InputError
from core.images import ImageData
from tests.makers import coloured

CLEAN = coloured(30, classes=3, size=32)


def strike(count: int = 12, seed: int = 0, source: int = 2, target: int = 0) -> tuple[ImageData, PoisonTruth]:
    return poison(CLEAN, Pixel(ways=3), source=source, target=target, count=count, seed=seed)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.integers(0, 30), st.integers(0, 2**32 - 1), st.sampled_from([(0, 1), (2, 0), (1, 2)]))
def test_counts_are_exact_and_classes_shrink_and_grow_by_them(count: int, seed: int, pair: tuple[int, int]) -> None:
    source, target = pair
    poisoned, truth = strike(count, seed, source, target)
    assert len(truth.rows) == len(set(truth.rows.tolist())) == len(truth.ways) == count  # without replacement
    assert truth.rows.tolist() == sorted(truth.rows.tolist())
    assert (CLEAN.labels[truth.rows] == source).all()
    expected = np.bincount(CLEAN.labels)
    expected[source] -= count
    expected[target] += count
    np.testing.assert_array_equal(np.bincount(poisoned.labels, minlength=3), expected)


def test_only_the_poisoned_rows_change_and_row_numbers_stay() -> None:
    poisoned, truth = strike()
    mask = truth.mask()
    assert mask.sum() == 12
    np.testing.assert_array_equal(poisoned.images[~mask], CLEAN.images[~mask])
    np.testing.assert_array_equal(poisoned.labels[~mask], CLEAN.labels[~mask])
    assert (poisoned.images[mask] != CLEAN.images[mask]).any((1, 2, 3)).all()
    assert (poisoned.labels[mask] == 0).all()
    np.testing.assert_array_equal(truth.true_labels, CLEAN.labels)


def test_each_poisoned_image_carries_exactly_the_one_trigger_of_the_record() -> None:
    poisoned, truth = strike(30)
    for row, way in zip(truth.rows, truth.ways, strict=True):
        stamped = [Pixel(ways=3).stamp(CLEAN.images[row : row + 1], w)[0] for w in range(3)]
        matches = [w for w in range(3) if np.array_equal(stamped[w], poisoned.images[row])]
        assert matches == [way]
    assert set(truth.ways.tolist()) == {0, 1, 2}


def test_the_clean_set_is_not_touched() -> None:
    images, labels = CLEAN.images.copy(), CLEAN.labels.copy()
    _, truth = strike()
    truth.true_labels[:] = 0
    np.testing.assert_array_equal(CLEAN.images, images)
    np.testing.assert_array_equal(CLEAN.labels, labels)


def test_the_seed_fixes_the_draw() -> None:
    (again, same), (first, truth), (_, other) = strike(seed=4), strike(seed=4), strike(seed=5)
    np.testing.assert_array_equal(again.images, first.images)
    np.testing.assert_array_equal(same.rows, truth.rows)
    np.testing.assert_array_equal(same.ways, truth.ways)
    assert not np.array_equal(truth.rows, other.rows)


def test_every_source_image_can_be_drawn() -> None:
    drawn = np.concatenate([strike(5, seed)[1].rows for seed in range(100)])
    assert set(drawn.tolist()) == set(np.flatnonzero(CLEAN.labels == 2).tolist())


def test_the_poisoned_set_tells_nothing_of_the_truth() -> None:
    """A defense is given features made from this object: it must hold images, labels and names, and no more."""
    poisoned, _ = strike()
    assert type(poisoned) is ImageData
    assert {f.name for f in fields(poisoned)} == {"images", "labels", "class_names"} == set(vars(poisoned))


@pytest.mark.parametrize("attack", [kind() for kind in ATTACKS.values()], ids=list(ATTACKS))
def test_budget_zero_changes_nothing(attack: Patch | Pixel | Periodic) -> None:
    poisoned, truth = poison(CLEAN, attack, source=0, target=1, count=0, seed=0)
    np.testing.assert_array_equal(poisoned.images, CLEAN.images)
    np.testing.assert_array_equal(poisoned.labels, CLEAN.labels)
    assert not truth.mask().any()


@pytest.mark.parametrize("count", [31, -1, 10**9])
def test_a_budget_that_does_not_fit_is_refused(count: int) -> None:
    with pytest.raises(InputError, match=rf"{count} poisons asked for, but class 'class c' has 30 training images"):
        strike(count)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (1, 1, "source and target are both class 1; choose two different classes"),
        (3, 0, "source class 3 does not exist; the classes are 0 to 2"),
        (0, -1, "target class -1 does not exist; the classes are 0 to 2"),
    ],
)
def test_classes_that_do_not_fit_are_refused(source: int, target: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        strike(1, 0, source, target)


@pytest.mark.parametrize("attack", [kind() for kind in ATTACKS.values()], ids=list(ATTACKS))
def test_every_attack_stamps_new_uint8_images_of_the_same_shape(attack: Patch | Pixel | Periodic) -> None:
    for images in (CLEAN.images, CLEAN.images[:0], CLEAN.images[..., :1]):
        stamped = attack.apply(images, np.zeros(len(images), int))
        assert (stamped.shape, stamped.dtype) == (images.shape, np.uint8)
        assert not np.shares_memory(stamped, images) or not len(images)
    assert attack.in_words()
