"""What a set can carry, said before anything is computed."""

from __future__ import annotations

from core.cases.carries import carries
from core.robust import fewest_rows


def test_an_ordinary_set_is_told_its_least_group_and_nothing_else() -> None:
    found = carries(dict.fromkeys(range(10), 600), 64)
    assert (found["too_small"], found["least"]) == ([], fewest_rows(600))
    assert len(found["told"]) == 1
    assert f"no group of fewer than {fewest_rows(600)} rows" in found["told"][0]


def test_classes_that_are_too_small_are_named_and_counted() -> None:
    found = carries({0: 600, 1: 3, 2: 600, 3: 600, 4: 600}, None)
    assert found["too_small"] == [1]
    assert found["told"][0].startswith("1 of 5 classes")


def test_a_set_without_a_class_that_can_be_looked_at() -> None:
    found = carries({0: 3, 1: 2}, None)
    assert (found["too_small"], found["least"]) == ([0, 1], None)
    assert "whether one is poisoned cannot be said" in found["told"][-1]


def test_one_class_and_few_classes_are_told_apart() -> None:
    assert any("one class alone" in line for line in carries({0: 600}, None)["told"])
    assert any("With 3 classes" in line for line in carries({0: 600, 1: 600, 2: 600}, None)["told"])
    assert not any("classes there are few" in line for line in carries(dict.fromkeys(range(4), 600), None)["told"])


def test_few_rows_for_each_direction_are_told_up_to_the_directions_that_are_looked_at() -> None:
    sizes = {0: 600, 1: 600, 2: 600, 3: 100}
    assert not any("covariance" in line for line in carries(sizes, 25)["told"])
    assert any(line.startswith("1 of 4 classes have fewer than 4 rows") for line in carries(sizes, 26)["told"])
    assert any(
        line.startswith("1 of 4") for line in carries(sizes, 2048)["told"]
    )  # 128 directions at most: 600 are enough
