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


def load(folder: Path, options: dict[str, Any] | None = None, /, **arrays: Any) -> Split:
    options = arrays.pop("options", options)
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
    split = load(tmp_path, images=X.transpose(0, 3, 1, 2) / 255, labels=Y, more_images=X)
    assert split.notes == (
        "The axes were read as NCHW: 8x8 with 3 channels; if that is wrong, set dataset.layout.",
        f"The values run from {X.min() / 255:g} to {X.max() / 255:g} and were read as 0..1; if that is wrong, set dataset.levels.",
    )
    (left_out,) = split.reading.left_out
    assert (left_out.what, left_out.count) == ("array 'more_images'", 1)
    assert by_content(split.train, split.test) == by_content(DATA)


@pytest.mark.parametrize(
    "labels",
    [Y[:, None], Y.astype(np.float32), Y.astype(np.uint8), np.eye(3)[Y]],
    ids=["column", "float", "bytes", "one-hot"],
)
def test_labels_of_any_kind_of_number(labels: np.ndarray, tmp_path: Path) -> None:
    split = load(tmp_path, images=X, labels=labels)
    assert by_content(split.train, split.test) == by_content(DATA)
    assert split.train.class_names == ("0", "1", "2")


@pytest.mark.parametrize(("labels", "names"), [(Y + 1, "123"), (Y * 5 + 2, ["2", "7", "12"])], ids=["from 1", "gaps"])
def test_classes_are_called_as_their_numbers(labels: np.ndarray, names: Any, tmp_path: Path) -> None:
    split = load(tmp_path, images=X, labels=labels)
    assert split.train.class_names == tuple(names)
    assert by_content(split.train, split.test) == by_content(DATA)


@pytest.mark.parametrize("missing", [-1, np.nan])
def test_rows_without_a_label_are_left_out_and_told(missing: float, tmp_path: Path) -> None:
    split = load(tmp_path, images=X, labels=with_row(missing))
    assert len(split.train) + len(split.test) == 59
    (left_out,) = split.reading.left_out
    assert (left_out.count, left_out.why) == (1, "they have no label")
    assert "images[7]" not in {*split.train.sources, *split.test.sources}


def test_training_and_test_arrays_of_different_types_have_a_scale_each(tmp_path: Path) -> None:
    split = load(tmp_path, x_train=X / 255, y_train=Y, x_test=TEST.images, y_test=TEST.labels)
    np.testing.assert_array_equal(split.train.images, X)
    np.testing.assert_array_equal(split.test.images, TEST.images)


def test_the_validation_part_serves_where_there_is_no_test_part_or_it_is_asked_for(tmp_path: Path) -> None:
    parts = {"x_train": X, "y_train": Y, "x_val": TEST.images, "y_val": TEST.labels}
    assert len(load(tmp_path, **parts).test) == 12
    both = parts | {"x_test": X, "y_test": Y}
    assert len(load(tmp_path, **both).test) == 60
    assert len(load(tmp_path, {"split": "val"}, **both).test) == 12
    made = load(tmp_path, {"split": "made"}, **both)
    assert (len(made.train), len(made.test), made.reading.split) == (48, 12, "made")


def test_every_image_knows_its_row(tmp_path: Path) -> None:
    split = load(tmp_path, images=X, labels=Y)
    for part in (split.train, split.test):
        rows = [int(source[len("images[") : -1]) for source in part.sources]
        np.testing.assert_array_equal(part.images, X[rows])


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
    "shares": ({"images": X, "labels": np.full((60, 3), 1 / 3)}, r"'labels' is \(60, 3\); .* argmax"),
    "several classes a row": ({"images": X, "labels": np.ones((60, 3))}, "multi-label"),
    "a scalar": ({"images": X, "labels": 3}, r"'labels' must be \(n,\), \(n, 1\) or one-hot rows, not \(\)"),
    "half label": ({"images": X, "labels": with_row(0.5)}, "'labels' has 0.5 in row 7"),
    "negative label": ({"images": X, "labels": with_row(-2)}, "'labels' has -2 in row 7; labels must not be negative"),
    "a class of its own": ({"images": X, "labels": with_row(1e15)}, "class '1000000000000000' has 1 image"),
    "a class in test alone": ({"x_train": X, "y_train": Y * 2, "x_test": X, "y_test": Y}, "'y_test' has the class '1', which"),
    "no such part": ({"images": X, "labels": Y, "x_test": X, "y_test": Y, "options": {"split": "val"}}, "there is no part 'val'"),
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
    "empty": ({"images": X[:0], "labels": Y[:0]}, "'images' is empty"),
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
