from __future__ import annotations

import numpy as np
import pytest

from core.datasets.checks import checked, listed, readable
from core.foundation.errors import InputError
from core.foundation.images import ImageData, Split

NAMES = ("ant", "bee", "cow")


def part(*counts: int, size: int = 4, channels: int = 1) -> ImageData:
    """Black images, counts[i] of class i."""
    labels = np.repeat(np.arange(len(counts)), counts)
    return ImageData(np.zeros((len(labels), size, size, channels), np.uint8), labels, NAMES[: len(counts)])


def notes(train: ImageData, test: ImageData) -> tuple[str, ...]:
    return checked(Split(train, test, False)).notes


def test_a_plain_set_passes_with_the_notes_it_had() -> None:
    split = checked(Split(part(20, 20, 20), part(1, 1, 1), True, ("before",)))
    assert (split.notes, split.flip) == (("before",), True)


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (part(20), part(20), r"only one class \(ant\); at least 2 are needed"),
        (part(20, 0, 20), part(1, 1, 1), "no training images of class 'bee'; add some, or leave the class out"),
        (part(20, 0, 0), part(1, 0, 1), "no training images of classes 'bee', 'cow'"),
        (
            part(9, 9),
            part(9, 9, size=5),
            "training images are 4x4 with 1 channel, test images 5x5 with 1 channel; make",
        ),
        (part(9, 9), part(9, 9, channels=5), "4x4 with 1 channel, test images 4x4 with 5 channels"),
    ],
)
def test_what_cannot_be_learnt_or_judged_is_refused(train: ImageData, test: ImageData, message: str) -> None:
    with pytest.raises(InputError, match=message):
        notes(train, test)


@pytest.mark.parametrize(("largest", "told"), [(100, False), (101, True)])
def test_classes_that_differ_much_in_size_are_told(largest: int, told: bool) -> None:
    said = notes(part(50, largest, 10), part(1, 1, 1))
    wanted = ("Classes differ in size: 'bee' has 101 training images, 'cow' 10 (10 to 1).",)
    assert said == (wanted if told else ())


def test_a_class_without_test_images_is_told() -> None:
    assert notes(part(20, 20, 20), part(0, 1, 0)) == (
        "No test images of classes 'ant', 'cow': accuracy says nothing of them.",
    )


@pytest.mark.parametrize(
    ("count", "told"), [(10, ()), (9, ("Only 18 training images in all: too few to learn from.",))]
)
def test_too_few_images_to_learn_from_are_told(count: int, told: tuple[str, ...]) -> None:
    assert notes(part(count, count), part(1, 1)) == told


def test_long_lists_are_cut() -> None:
    assert listed("class", [str(i) for i in range(7)]) == "classes '0', '1', '2', '3', '4' and 2 more"


def test_labels_follow_the_images_that_could_be_read() -> None:
    labels, kept = np.array([0, 1, 1, 0]), np.array([True, False, True, True])
    data = readable(np.zeros((3, 4, 4, 1), np.uint8), labels, kept, NAMES[:2])
    assert data.labels.tolist() == [0, 1, 0]
    with pytest.raises(InputError, match="nothing is left of class 'bee' without the broken images"):
        readable(np.zeros((2, 4, 4, 1), np.uint8), labels, labels == 0, NAMES[:2])
