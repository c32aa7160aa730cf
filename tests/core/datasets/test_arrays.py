from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.datasets import DATASETS, Arrays
from core.foundation.errors import InputError
from core.foundation.images import ImageData, Split
from tests.makers import coloured

DATA = coloured(20, classes=3, size=8)
TEST = coloured(4, classes=3, size=8, seed=1)
X, Y = DATA.images, DATA.labels


def load(folder: Path, options: dict[str, Any] | None = None, **arrays: Any) -> Split:
    np.savez(folder / "a.npz", **arrays)
    return Arrays(path=str(folder / "a.npz"), **(options or {})).load(0)


def by_content(*parts: ImageData) -> list[tuple[bytes, int]]:
    return sorted(
        (i.tobytes(), int(label)) for part in parts for i, label in zip(part.images, part.labels, strict=True)
    )


@pytest.mark.parametrize(
    ("images", "labels"), [("images", "labels"), ("x", "y"), ("X", "y"), ("data", "targets"), ("Image", "LABEL")]
)
def test_one_pair_under_any_usual_name_is_split(images: str, labels: str, tmp_path: Path) -> None:
    split = load(tmp_path, **{images: X, labels: Y})
    assert by_content(split.train, split.test) == by_content(DATA)
    assert np.bincount(split.test.labels).tolist() == [4, 4, 4]
    assert split.notes == ()


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("X_train", "y_train", "X_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("images", "labels", "test_images", "test_labels"),
    ],
)
def test_training_and_test_arrays_are_taken_as_they_are(names: tuple[str, ...], tmp_path: Path) -> None:
    split = load(tmp_path, **dict(zip(names, (X, Y, TEST.images, TEST.labels), strict=True)))
    for found, given in ((split.train, DATA), (split.test, TEST)):
        np.testing.assert_array_equal(found.images, given.images)
        np.testing.assert_array_equal(found.labels, given.labels)


@pytest.mark.parametrize("channels", [1, 2, 5, 13])
@pytest.mark.parametrize("size", [8, 17])
def test_any_size_and_channel_count_in_either_layout(size: int, channels: int, tmp_path: Path) -> None:
    data = coloured(4, size=size, channels=channels)
    for images in (data.images, np.ascontiguousarray(data.images.transpose(0, 3, 1, 2))):
        split = load(tmp_path, images=images, labels=data.labels)
        assert by_content(split.train, split.test) == by_content(data)


def test_what_was_guessed_and_what_was_left_is_noted(tmp_path: Path) -> None:
    split = load(tmp_path, images=X.transpose(0, 3, 1, 2) / 255, labels=Y, val_images=X)
    assert split.notes == (
        "The axes were read as NCHW: 8x8 with 3 channels; if that is wrong, set dataset.layout.",
        "The values run from " + f"{X.min() / 255:g} to {X.max() / 255:g} and were read as 0..1.",
        "Arrays that were not used: val_images.",
    )
    assert by_content(split.train, split.test) == by_content(DATA)


@pytest.mark.parametrize(
    "labels", [Y[:, None], Y.astype(np.float32), Y.astype(np.uint8)], ids=["column", "float", "bytes"]
)
def test_labels_of_any_kind_of_number(labels: np.ndarray, tmp_path: Path) -> None:
    split = load(tmp_path, images=X, labels=labels)
    assert by_content(split.train, split.test) == by_content(DATA)
    assert split.train.class_names == ("0", "1", "2")


@pytest.mark.parametrize("kind", ["U", "S"])
def test_words_are_classes_in_their_natural_order(kind: str, tmp_path: Path) -> None:
    words = np.array(["kind 2", "kind 10", "kind 11"])[Y].astype(kind)
    split = load(tmp_path, images=X, labels=words)
    assert split.train.class_names == ("kind 2", "kind 10", "kind 11")
    assert by_content(split.train, split.test) == by_content(DATA)


def test_given_names_are_taken_and_set_the_order_of_words(tmp_path: Path) -> None:
    names = np.array(["cow", "ant", "bee"])
    assert load(tmp_path, images=X, labels=Y, class_names=names).train.class_names == ("cow", "ant", "bee")
    split = load(tmp_path, images=X, labels=names[Y], classes=names)
    assert by_content(split.train, split.test) == by_content(DATA)


def with_row(value: float) -> np.ndarray:
    labels = Y.astype(np.float64)
    labels[7] = value
    return labels


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no labels": ({"images": X}, "there is 'images', but no labels to go with it"),
    "no images": ({"x_train": X, "y_train": Y, "y_test": Y}, "there is 'y_test', but no images to go with it"),
    "other names": ({"pictures": X, "kinds": Y}, "no images and labels among the arrays pictures, kinds; name them"),
    "two of a kind": ({"x": X, "X": X, "y": Y}, "the arrays x and X could all be meant; keep one of them"),
    "whole and parts": ({"x": X, "y": Y, "x_train": X, "y_train": Y}, "there are both 'x_train' and 'x'; keep one"),
    "lengths differ": ({"images": X, "labels": Y[:-1]}, "'images' has 60 images, but 'labels' 59 labels"),
    "one-hot": ({"images": X, "labels": np.eye(3)[Y]}, r"'labels' must be \(n,\) or \(n, 1\), not \(60, 3\); make numbers"),
    "a scalar": ({"images": X, "labels": 3}, r"'labels' must be \(n,\) or \(n, 1\), not \(\)"),
    "NaN label": ({"images": X, "labels": with_row(np.nan)}, "'labels' has nan in row 7; labels must be whole numbers"),
    "half label": ({"images": X, "labels": with_row(0.5)}, "'labels' has 0.5 in row 7"),
    "negative label": ({"images": X, "labels": with_row(-1)}, "'labels' has -1 in row 7; labels must lie between 0 and"),
    "huge label": ({"images": X, "labels": with_row(1e15)}, "'labels' has 1000000000000000 in row 7"),
    "labels from 1": ({"images": X, "labels": Y + 1}, "the labels start at 1; they must start at 0, so subtract 1"),
    "a gap": ({"images": X, "labels": Y * 2}, "class '1' has 0 image"),
    "a gap in training": ({"x_train": X, "y_train": Y * 2, "x_test": X, "y_test": Y}, "no training images of classes '1'"),
    "dates": ({"images": X, "labels": Y.astype("datetime64[s]")}, "'labels' must hold whole numbers or class names"),
    "one class": ({"images": X, "labels": Y * 0}, "only one class"),
    "few names": ({"images": X, "labels": Y, "class_names": ["a", "b"]}, "labels up to 2, counted from 0, but only 2 class"),
    "twice": ({"images": X, "labels": Y, "class_names": ["a", "b", "a"]}, "'class_names' has the same name twice"),
    "names as numbers": ({"images": X, "labels": Y, "class_names": [1, 2, 3]}, "must be a list of at most 10,000 strings"),
    "no such name": (
        {"images": X, "labels": np.array(["a", "b", "c"])[Y], "class_names": ["a", "b"]},
        "the label 'c' is none of the class names a, b",
    ),
    "words and numbers": (
        {"x_train": X, "y_train": np.array(["a", "b", "c"])[Y], "x_test": X, "y_test": Y},
        "'y_test' holds numbers where other labels are words",
    ),
    "objects": ({"images": X, "labels": Y.astype(object)}, "array 'labels' of a.npz holds Python objects"),
    "NaN pixel": ({"images": np.where(Y == 1, np.nan, 1.0)[:, None, None, None] * X, "labels": Y}, "not finite in row"),
    "empty": ({"images": X[:0], "labels": Y[:0]}, "'labels' is empty"),
    "three images": ({"images": X[:3], "labels": [0, 0, 1]}, r"class '1' has 1 image\(s\); training and test need one each"),
}  # fmt: skip


@pytest.mark.parametrize(("arrays", "message"), BAD.values(), ids=BAD.keys())
def test_bad_arrays_are_refused_in_one_line(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load(tmp_path, **arrays)
    assert "\n" not in str(caught.value)


def test_missing_paths_say_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--data"):
        Arrays().load(0)
    with pytest.raises(InputError, match=r"is not a file; give a .npz file"):
        Arrays(path=str(tmp_path)).load(0)


def test_options_and_mirror(tmp_path: Path) -> None:
    assert load(tmp_path, {"mirror": True}, images=X, labels=Y).flip is True
    split = load(tmp_path, {"layout": "NCHW"}, images=X, labels=Y)
    assert split.train.images.shape[1:] == (8, 3, 8)
    assert DATASETS["arrays"] is Arrays
