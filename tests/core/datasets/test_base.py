from __future__ import annotations

import numpy as np
import pytest

from core.datasets import stratified_split
from core.foundation.errors import InputError
from core.foundation.images import ImageData


def numbered(counts: list[int]) -> ImageData:
    """Images whose one pixel value is their row number, counts[i] of class i."""
    labels = np.repeat(np.arange(len(counts)), counts)
    images = np.arange(len(labels), dtype=np.uint8)[:, None, None, None]
    return ImageData(images, labels, tuple(f"class {i}" for i in range(len(counts))))


def test_training_and_test_share_no_image_and_lose_none() -> None:
    split = stratified_split(numbered([30, 50, 20]), 0.2, 0, flip=True)
    train, test = split.train.images.ravel(), split.test.images.ravel()
    assert sorted([*train, *test]) == list(range(100))
    assert np.bincount(split.test.labels).tolist() == [6, 10, 4]
    assert split.flip is True


def test_labels_stay_with_their_images() -> None:
    data = numbered([30, 50, 20])
    split = stratified_split(data, 0.3, 0, flip=False)
    for part in (split.train, split.test):
        np.testing.assert_array_equal(part.labels, data.labels[part.images.ravel()])


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_every_class_is_on_both_sides_however_small(share: float) -> None:
    split = stratified_split(numbered([2, 3, 40]), share, 0, flip=False)
    assert (np.bincount(split.train.labels, minlength=3) >= 1).all()
    assert (np.bincount(split.test.labels, minlength=3) >= 1).all()


@pytest.mark.parametrize("count", [0, 1])
def test_a_class_too_small_to_split_is_named(count: int) -> None:
    with pytest.raises(InputError, match=rf"class 'class 1' has {count} image\(s\)"):
        stratified_split(numbered([5, count, 5]), 0.2, 0, flip=False)
