from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import convolve1d
from sklearn.datasets import load_digits

from core.datasets import Digits

SPLIT = Digits().load(0)


def test_all_scans_are_there_once() -> None:
    scans = load_digits()
    assert len(SPLIT.train) + len(SPLIT.test) == len(scans.target) == 1797
    counts = np.bincount(SPLIT.train.labels) + np.bincount(SPLIT.test.labels)
    np.testing.assert_array_equal(counts, np.bincount(scans.target))


def test_images_are_the_scans_enlarged_with_their_full_range() -> None:
    images, labels = SPLIT.train.images, SPLIT.train.labels
    assert images.shape[1:] == (32, 32, 1)
    assert (images.min(), images.max()) == (0, 255)
    assert images.dtype == np.uint8
    # Bilinear enlargement by 4 and averaging 4x4 cells again is a filter of 1/8, 3/4, 1/8 along both axes.
    smooth = load_digits().images * 255 / 16
    for axis in (1, 2):
        smooth = convolve1d(smooth, [1 / 8, 3 / 4, 1 / 8], axis, mode="nearest")
    cells = images.reshape(-1, 8, 4, 8, 4).mean((2, 4))
    for row in (0, 100, 1000):
        same_digit = smooth[load_digits().target == labels[row]]
        assert np.abs(same_digit - cells[row]).max((1, 2)).min() < 1


def test_classes_are_named_after_the_digits_in_order() -> None:
    assert SPLIT.train.class_names == tuple("0123456789") == SPLIT.test.class_names


def test_mirroring_is_off_because_a_mirrored_digit_is_no_digit() -> None:
    assert SPLIT.flip is False


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_every_class_gives_its_share_to_the_test_set(share: float) -> None:
    split = Digits(test_share=share).load(1)
    totals = np.bincount(load_digits().target)
    np.testing.assert_allclose(np.bincount(split.test.labels), share * totals, atol=0.51)


def test_the_seed_fixes_the_split() -> None:
    again, other = Digits().load(0), Digits().load(1)
    np.testing.assert_array_equal(SPLIT.test.images, again.test.images)
    assert not np.array_equal(SPLIT.test.images, other.test.images)
