from __future__ import annotations

import re
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.attacks import ATTACKS, Attack, Goal, Patch, Pixel, Poisoning, PoisonTruth, WaNet, poison
from core.foundation.errors import InputError
from core.foundation.images import ImageData
from tests.makers import coloured, noise_images

CLEAN = coloured(30, classes=3, size=32)


def strike(count: int = 12, seed: int = 0, source: int = 2, target: int = 0) -> tuple[ImageData, PoisonTruth]:
    return poison(CLEAN, Pixel(ways=3), Goal((source,), target), count=count, seed=seed)


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
    assert {f.name for f in fields(poisoned)} == {"images", "labels", "class_names", "sources"} == set(vars(poisoned))


def test_the_poisoned_set_has_no_sources() -> None:
    """The folder of an image is its true class."""
    clean = replace(CLEAN, sources=np.array([f"{CLEAN.class_names[c]}/{i}.png" for i, c in enumerate(CLEAN.labels)]))
    poisoned, _ = poison(clean, Patch(), Goal((0,), 1), count=5, seed=0)
    assert poisoned.sources is None


@pytest.mark.parametrize("attack", [kind() for kind in ATTACKS.values()], ids=list(ATTACKS))
def test_budget_zero_changes_nothing(attack: Attack) -> None:
    poisoned, truth = poison(CLEAN, attack, Goal((0,), 1), count=0, seed=0)
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
def test_every_attack_stamps_new_uint8_images_of_the_same_shape(attack: Attack) -> None:
    rng = np.random.default_rng(0)
    five = np.concatenate([CLEAN.images, CLEAN.images[..., :2]], axis=3)
    for images in (CLEAN.images, CLEAN.images[:0], CLEAN.images[..., :1], five, CLEAN.images[:, :20, :28]):
        before = images.copy()
        for strength in (1.0, 0.5):
            one = attack.apply(images, attack.draw_ways(len(images), rng), strength)
            for stamped in (one, attack.apply_all(images, strength), attack.cover(images, strength, rng)):
                assert (stamped.shape, stamped.dtype) == (images.shape, np.uint8)
                assert not np.shares_memory(stamped, images) or not len(images)
        np.testing.assert_array_equal(images, before)
    assert attack.in_words()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 11])
@pytest.mark.parametrize("attack", [kind() for kind in ATTACKS.values()], ids=list(ATTACKS))
def test_on_tiny_images_a_trigger_shows_or_one_line_says_what_to_change(attack: Attack, size: int) -> None:
    images = noise_images(2, size=size, low=90, high=170)
    said, stamped = "", images
    try:
        stamped = attack.apply_all(images)
    except InputError as problem:
        said = str(problem)
    if said:
        assert size < 8
        assert re.search(r"; (make|lower|choose|set|change) ", said)
        assert "\n" not in said
    else:
        assert (stamped != images).any() or size == 1  # a warp has nowhere to go in one pixel


@pytest.mark.parametrize("attack", [kind() for kind in ATTACKS.values()], ids=list(ATTACKS))
def test_full_strength_is_the_trigger_itself(attack: Attack) -> None:
    rng = np.random.default_rng(0)
    ways = attack.draw_ways(len(CLEAN), rng)
    np.testing.assert_array_equal(attack.apply(CLEAN.images, ways), attack.apply(CLEAN.images, ways, 1.0))
    if attack.number_of_ways == 1:
        whole = attack.stamp(CLEAN.images, 0)
        for stamped in (attack.apply(CLEAN.images, np.zeros(len(CLEAN), int)), attack.apply_all(CLEAN.images, 1.0)):
            np.testing.assert_array_equal(stamped, whole)


@pytest.mark.parametrize("attack", [kind() for kind in ATTACKS.values()], ids=list(ATTACKS))
def test_in_words_fits_into_a_sentence(attack: Attack) -> None:
    """ "12 of 30 images of stop get ..." """
    assert re.fullmatch(r"(an? |one |\d+ of ).*[^.]", attack.in_words())


@pytest.mark.parametrize("attack", [kind() for kind in ATTACKS.values()], ids=list(ATTACKS))
def test_a_weaker_trigger_changes_less_and_in_the_same_places(attack: Attack) -> None:
    change = {
        strength: np.abs(attack.apply_all(CLEAN.images, strength).astype(int) - CLEAN.images)
        for strength in (0.25, 0.5, 1.0)
    }
    assert 0 < change[0.25].sum() < change[0.5].sum() < change[1.0].sum()
    if not isinstance(attack, WaNet):  # a warp moves other edges when it is stronger
        assert not (change[0.5] > 0)[change[1.0] == 0].any()


def set_up(goal: Goal, count: int, attack: Attack | None = None, **options: float) -> tuple[ImageData, PoisonTruth]:
    return poison(
        CLEAN,
        attack or Pixel(),
        goal,
        count=count,
        seed=1,
        options=Poisoning(labels=goal.labels, **options),  # type: ignore[arg-type]
    )


def test_clean_labels_poison_the_target_and_leave_every_label() -> None:
    poisoned, truth = set_up(Goal((), 1, "clean"), 10)
    assert (CLEAN.labels[truth.rows] == 1).all()
    np.testing.assert_array_equal(poisoned.labels, CLEAN.labels)
    changed = (poisoned.images != CLEAN.images).any((1, 2, 3))
    np.testing.assert_array_equal(np.flatnonzero(changed), truth.rows)


@pytest.mark.parametrize(("sources", "drawn_from"), [((0, 2), {0, 2}), ((), {0, 2}), ((2,), {2})])
def test_poisons_come_from_every_source_class_and_from_no_other(sources: tuple[int, ...], drawn_from: set[int]) -> None:
    poisoned, truth = set_up(Goal(sources, 1), 30)
    assert set(CLEAN.labels[truth.rows].tolist()) == drawn_from
    assert (poisoned.labels[truth.rows] == 1).all()


@pytest.mark.parametrize(
    ("count", "of_each"), [(30, [10, 10, 10]), (31, [10, 10, 11]), (90, [30, 30, 30]), (2, [0, 1, 1])]
)
def test_all_to_all_moves_as_many_of_every_class_one_further(count: int, of_each: list[int]) -> None:
    poisoned, truth = set_up(Goal((), 1, "all-to-all"), count)
    before = CLEAN.labels[truth.rows]
    assert sorted(np.bincount(before, minlength=3).tolist()) == of_each
    np.testing.assert_array_equal(poisoned.labels[truth.rows], (before + 1) % 3)


def test_covers_carry_the_trigger_and_their_own_label_and_are_no_poison() -> None:
    poisoned, truth = set_up(Goal((2,), 0), 10, cover_rate=1.5)
    assert len(truth.covers) == 15
    assert set(CLEAN.labels[truth.covers].tolist()) == {1}  # neither source nor target
    np.testing.assert_array_equal(poisoned.labels[truth.covers], CLEAN.labels[truth.covers])
    np.testing.assert_array_equal(poisoned.images[truth.covers], Pixel().stamp(CLEAN.images[truth.covers], 0))
    assert not truth.mask()[truth.covers].any()
    rest = np.setdiff1d(np.arange(len(CLEAN)), np.concatenate([truth.rows, truth.covers]))
    np.testing.assert_array_equal(poisoned.images[rest], CLEAN.images[rest])


def test_where_any_class_is_a_source_covers_come_from_what_is_left_but_the_target() -> None:
    _, truth = set_up(Goal((), 0), 30, cover_rate=1.0)
    assert set(CLEAN.labels[truth.covers].tolist()) == {1, 2}
    assert not set(truth.covers) & set(truth.rows)


def test_more_covers_than_free_images_are_refused() -> None:
    with pytest.raises(InputError, match="40 covers asked for, but only 30 images are free; lower cover_rate"):
        set_up(Goal((2,), 0), 20, cover_rate=2.0)


def test_the_strength_in_training_is_the_one_asked_for() -> None:
    poisoned, truth = set_up(Goal((2,), 0), 10, train_strength=0.5)
    expected = Pixel().stamp_faintly(CLEAN.images[truth.rows], 0, 0.5)
    np.testing.assert_array_equal(poisoned.images[truth.rows], expected)


def test_who_is_a_victim_and_what_it_shall_be_taken_for() -> None:
    labels, names = np.array([0, 1, 2, 0]), ("a", "b", "c")
    expected = {
        Goal((0,), 2): ([1, 0, 0, 1], [2, 2, 2, 2], "a", "c"),
        Goal((0, 1), 2): ([1, 1, 0, 1], [2, 2, 2, 2], "a or b", "c"),
        Goal((), 2): ([1, 1, 0, 1], [2, 2, 2, 2], "any class but c", "c"),
        Goal((), 2, "clean"): ([1, 1, 0, 1], [2, 2, 2, 2], "any class but c", "c"),
        Goal((), 2, "all-to-all"): ([1, 1, 1, 1], [1, 2, 0, 1], "any class", "the next class"),
    }
    for goal, (victims, wanted, whom, what) in expected.items():
        np.testing.assert_array_equal(goal.is_victim(labels), np.array(victims, bool))
        np.testing.assert_array_equal(goal.label_for(labels, 3), wanted)
        assert (goal.victims_in_words(names), goal.goal_in_words(names)) == (whom, what)
