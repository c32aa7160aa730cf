"""The budget in three units: exact, there and back, and refused in words where it does not fit."""

import numpy as np
import pytest

from core.attacks import Goal, Patch, Poisoning, poison
from core.foundation.images import ImageData
from dashboard.lab.budget import IMAGES, OF_SET, OF_TARGET, UNITS, Room, in_units, rounding

NAMES = ("a", "b", "c", "d")
SIZES = (100, 50, 30, 20)
DIRTY, ANY = Goal((0,), 1), Goal((), 1)
CLEAN, NEXT = Goal((), 1, "clean"), Goal((), 1, "all-to-all")
GOALS = (DIRTY, ANY, CLEAN, NEXT, Goal((0, 3), 1, "all-to-all"))


def poisoned(goal: Goal, count: int, cover_rate: float = 0.0):
    labels = np.repeat(np.arange(4), SIZES)
    clean = ImageData(np.zeros((len(labels), 4, 4, 1), np.uint8), labels, NAMES)
    options = Poisoning(labels=goal.labels, cover_rate=cover_rate)
    return poison(clean, Patch(size=1), goal, count=count, seed=0, options=options)


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("count", [0, 4, 12, 40])
def test_the_shares_are_those_of_the_set_that_is_really_poisoned(goal, count):
    room, (data, truth) = Room(SIZES, goal), poisoned(goal, count)
    inside = int((data.labels[truth.rows] == goal.target).sum())
    size = int((data.labels == goal.target).sum())
    assert (room.in_target(count), room.target_size(count)) == (inside, size)
    assert room.share(count, OF_SET) == pytest.approx(100 * count / 200)
    assert room.share(count, OF_TARGET) == pytest.approx(100 * inside / size)


def test_the_definitions():
    assert Room(SIZES, DIRTY).share(10, OF_TARGET) == pytest.approx(100 * 10 / 60)  # m / (n + m)
    assert Room(SIZES, CLEAN).share(10, OF_TARGET) == pytest.approx(100 * 10 / 50)  # m / n
    assert Room(SIZES, NEXT).share(40, OF_TARGET) == pytest.approx(100 * 10 / 50)  # ten of each class
    assert Room(SIZES, DIRTY).images_for(50, OF_TARGET) == 50
    assert Room(SIZES, CLEAN).images_for(5, OF_TARGET) == pytest.approx(2.5)
    assert Room(SIZES, ANY).images_for(5, OF_SET) == 10


@pytest.mark.parametrize("goal", GOALS[:3])
@pytest.mark.parametrize("unit", UNITS)
def test_a_count_survives_the_way_through_every_unit(goal, unit):
    room = Room(SIZES, goal)
    for count in range(room.candidates + 1):
        assert round(room.images_for(room.share(count, unit), unit)) == count


def test_a_share_of_one_class_is_counted_out_where_all_classes_are_poisoned():
    room = Room(SIZES, NEXT)
    for count in range(0, 80, 4):
        assert room.share(round(room.images_for(room.share(count, OF_TARGET), OF_TARGET)), OF_TARGET) == room.share(
            count, OF_TARGET
        )
    assert Room(SIZES, GOALS[-1]).images_for(99, OF_TARGET) == float("inf")  # 100 images join the 50 of the target


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("count", [0, 8, 20])
def test_as_many_covers_as_are_free_and_not_one_more(goal, count):
    free = Room(SIZES, goal).free_for_covers(count)
    if count == 0:
        return
    _, truth = poisoned(goal, count, free / count)
    assert len(truth.covers) == free
    with pytest.raises(ValueError, match="covers asked for"):
        poisoned(goal, count, (free + 1) / count)


@pytest.mark.parametrize("goal", GOALS)
def test_what_the_core_would_refuse_is_refused_in_words(goal):
    room = Room(SIZES, goal)
    assert "can be poisoned" in room.problem(room.candidates + 1, 0, NAMES)
    assert room.problem(4, 0, NAMES) == ""
    assert "Lower the cover rate" in room.problem(4, room.free_for_covers(4) + 1, NAMES)
    assert "more than" in room.problem(float("inf"), 0, NAMES)


def test_more_poison_than_clean_images_in_the_target_is_refused():
    assert Room(SIZES, DIRTY).problem(50, 0, NAMES) == ""
    assert "more than half" in Room(SIZES, DIRTY).problem(51, 0, NAMES)
    assert "more than half" in Room(SIZES, CLEAN).problem(26, 0, NAMES)


def test_all_three_units_are_said():
    said = in_units(Room(SIZES, DIRTY), 10, NAMES)
    assert said == "**10** images = **5 %** of the training set = **17 %** of the 60 images then labelled *b*"
    assert in_units(Room(SIZES, NEXT), 40, NAMES) == (
        "**40** images = **20 %** of the training set; **10** of them = **20 %** of the 50 images then labelled *b*"
    )


def test_rounding_is_told_where_it_shows_only():
    room = Room(SIZES, CLEAN)
    assert "5 % becomes 4 %" in rounding(room, 5, OF_TARGET, 2)
    assert rounding(room, 4, OF_TARGET, 2) == ""
    assert rounding(room, 2, IMAGES, 2) == ""
