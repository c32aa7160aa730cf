from __future__ import annotations

import numpy as np
import pytest

from core.foundation.errors import InputError
from core.foundation.pictures import difference, sheet, viewable
from tests.makers import noise_images


def test_difference_is_amplified_and_clipped_both_ways() -> None:
    clean, changed = np.full((1, 2, 2, 1), 100, np.uint8), np.array([[[[97], [103]], [[200], [100]]]], np.uint8)
    np.testing.assert_array_equal(difference(clean, changed, 10).ravel(), [30, 30, 255, 0])


@pytest.mark.parametrize(("channels", "seen"), [(1, 1), (2, 1), (3, 3), (4, 3), (7, 3)])
def test_any_number_of_channels_can_be_looked_at(channels: int, seen: int) -> None:
    images = np.arange(2 * 4 * 4 * channels, dtype=np.uint8).reshape(2, 4, 4, channels)
    np.testing.assert_array_equal(viewable(images), images[..., :seen])


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_a_sheet_shows_every_image_of_every_stack_enlarged_and_side_by_side(channels: int) -> None:
    stacks = [noise_images(3, size=6, channels=min(channels, 3), seed=seed) for seed in range(2)]
    stacks = [np.repeat(s, -(-channels // s.shape[3]), axis=3)[..., :channels] for s in stacks]
    pixels = np.asarray(sheet([("one", stacks), ("two", stacks)], scale=2))
    for stack in stacks:
        row = np.concatenate(list(viewable(stack)), axis=1).repeat(2, 0).repeat(2, 1)
        row = np.broadcast_to(row, (*row.shape[:2], 3))
        windows = np.lib.stride_tricks.sliding_window_view(pixels, row.shape)[..., 0, :, :, :]
        assert (windows == row).all((2, 3, 4)).sum() == 2  # once under each name


def test_without_images_there_is_no_sheet() -> None:
    with pytest.raises(InputError, match="no images that this attack could poison"):
        sheet([("none", [noise_images(0)])])
