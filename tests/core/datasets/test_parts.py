"""The names of the parts of a set."""

from __future__ import annotations

import pytest

from core.datasets.parts import Chosen, choose, part_of_file, part_of_name
from core.foundation.errors import InputError


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("train_set", "train"),
        ("trainset", "train"),
        ("Final_Training", "train"),
        ("bd_train_dataset", "train"),
        ("x_train", "train"),
        ("train_images", "train"),
        ("val", "validation"),
        ("Valid", "validation"),
        ("validation-data", "validation"),
        ("testing", "test"),
        ("Test", "test"),
        ("train_station", None),
        ("trains", None),
        ("test_val", None),
        ("cats", None),
        ("data", None),
        ("", None),
    ],
)
def test_a_name_is_a_part_or_it_is_not(name: str, part: str | None) -> None:
    assert part_of_name(name) == part


@pytest.mark.parametrize(
    ("stem", "part"),
    [
        ("train-00000-of-00002", "train"),
        ("train_0", "train"),
        ("train1", "train"),
        ("training", "train"),
        ("validation-00000-of-00001-abcdef", "validation"),
        ("test", "test"),
        ("0000", None),
        ("trains", None),
        ("testament", None),
    ],
)
def test_a_file_begins_with_its_part(stem: str, part: str | None) -> None:
    assert part_of_file(stem) == part


THREE = {"train": "train", "val": "validation", "test": "test"}


@pytest.mark.parametrize(
    ("parts", "split", "chosen"),
    [
        (THREE, "", Chosen("train", "test", ("val",))),
        (THREE, "val", Chosen("train", "val", ("test",))),
        (THREE, "made", Chosen("train", None, ("val", "test"))),
        ({"train": "train", "valid": "validation"}, "", Chosen("train", "valid", ())),
        ({"train": "train"}, "", Chosen("train", None, ())),
        ({"all": None, "test": "test"}, "", Chosen("all", "test", ())),
    ],
)
def test_parts_are_chosen(parts: dict[str, str | None], split: str, chosen: Chosen) -> None:
    assert choose(parts, split) == chosen


@pytest.mark.parametrize(
    ("parts", "split", "words"),
    [
        ({"val": "validation", "test": "test"}, "", "none of 'val' and 'test' is for training"),
        ({"a": None, "b": None}, "", "'a' and 'b' could each be the training part"),
        (
            {"train": "train", "test": "test", "Test": "test"},
            "",
            "'test' and 'Test' could each be the test part; say",
        ),
        (THREE, "tset", "no part 'tset'; dataset.split is made or one of 'train', 'val' and 'test'"),
        (THREE, "train", "'train' is the part to learn from"),
    ],
)
def test_what_cannot_be_chosen_is_said(parts: dict[str, str | None], split: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        choose(parts, split)
