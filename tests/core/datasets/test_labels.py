"""Labels of every form become the numbers of classes."""

from __future__ import annotations

import numpy as np
import pytest

from core.datasets.labels import Classes, classes_of
from core.foundation.errors import InputError

FORMS = {
    "numbers": ([2, 0, 1], [2, 0, 1], ("0", "1", "2")),
    "numbers in a column": ([[2], [0], [1]], [2, 0, 1], ("0", "1", "2")),
    "from one": ([3, 1, 2], [2, 0, 1], ("1", "2", "3")),
    "with gaps": ([30, 5, 5, 11], [2, 0, 0, 1], ("5", "11", "30")),
    "whole floats": ([1.0, 0.0], [1, 0], ("0", "1")),
    "floats with holes": ([1.0, np.nan, 0.0], [1, -1, 0], ("0", "1")),
    "unlabelled": ([1, -1, 0], [1, -1, 0], ("0", "1")),
    "minus and plus one": ([1, -1, 1], [1, 0, 1], ("-1", "1")),
    "words": (["dog", "cat", "dog"], [1, 0, 1], ("cat", "dog")),
    "words with holes": (["dog", "", "cat"], [1, -1, 0], ("cat", "dog")),
    "numbers as words": (["10", "9", "9"], [1, 0, 0], ("9", "10")),
    "bytes": ([b"dog", b"cat"], [1, 0], ("cat", "dog")),
    "truth values": ([True, False], [1, 0], ("False", "True")),
    "one-hot": ([[0, 1, 0], [1, 0, 0], [0, 0, 1]], [1, 0, 2], ("0", "1", "2")),
    "one-hot of floats, one without": ([[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]], [1, -1, 0], ("0", "1")),
    "objects": (np.array(["dog", None, "cat"], object), [1, -1, 0], ("cat", "dog")),
    "numbers as objects": (np.array([4, None, 2], object), [1, -1, 0], ("2", "4")),
}


@pytest.mark.parametrize("form", FORMS)
def test_form(form: str) -> None:
    values, numbers, names = FORMS[form]
    found = classes_of({"label": np.asarray(values)})
    assert found.numbers[0].tolist() == numbers
    assert found.numbers[0].dtype == np.int64
    assert found.names == names


def test_names_belong_to_numbers_and_unused_ones_are_told() -> None:
    found = classes_of({"train": np.array([3, 1]), "test": np.array([1, 1])}, ["a", "b", "c", "d"])
    assert [part.tolist() for part in found.numbers] == [[1, 0], [0, 0]]
    assert found.names == ("b", "d")
    assert found.notes == ("2 of 4 named classes have no image and are left out: a, c.",)


def test_names_give_words_their_order() -> None:
    found = classes_of({"label": np.array(["b", "a", "c"])}, ["c", "b", "a", "d"])
    assert found.numbers[0].tolist() == [1, 2, 0]
    assert found.names == ("c", "b", "a")
    assert "left out: d" in found.notes[0]


def test_parts_share_their_classes() -> None:
    found = classes_of({"train": np.array(["a", "c"]), "test": np.array(["b"])})
    assert found == Classes(found.numbers, ("a", "b", "c"))
    assert [part.tolist() for part in found.numbers] == [[0, 2], [1]]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0.5, 1.0], "row 0; labels must be whole"),
        ([0, -3], "row 1; labels must not be negative"),
        ([[1, 1, 0], [0, 1, 0]], "multi-label"),
        ([[0.2, 0.8]], "argmax"),
        ([], "is empty"),
        (np.zeros((2, 2, 2)), "must be"),
        (np.array(["a", 1], object), "mixes int and str"),
        (np.arange(10_001), "at most 10,000"),
        (np.array([1 + 2j]), "whole numbers or class names"),
    ],
)
def test_what_does_not_say_one_class_a_row_is_refused(values: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        classes_of({"label": np.asarray(values)})


def test_numbers_beside_words_are_refused() -> None:
    with pytest.raises(InputError, match="'test' holds numbers where other labels are words"):
        classes_of({"train": np.array(["a"]), "test": np.array([1])})


def test_fewer_names_than_labels_are_refused() -> None:
    with pytest.raises(InputError, match="up to 2, counted from 0, but only 2 class names"):
        classes_of({"label": np.array([0, 2])}, ["a", "b"])
    with pytest.raises(InputError, match="'c' is none of"):
        classes_of({"label": np.array(["a", "c"])}, ["a", "b"])
