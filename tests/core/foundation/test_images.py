from __future__ import annotations

import numpy as np
import pytest

from core.foundation.errors import InputError
from core.foundation.images import ImageData
from tests.makers import noise_images

LABELS = np.array([0, 1, 1])


def test_take_keeps_rows_and_labels_together() -> None:
    data = ImageData(noise_images(3), LABELS, ("a", "b"))
    taken = data.take(np.array([2, 0]))
    np.testing.assert_array_equal(taken.images, data.images[[2, 0]])
    assert taken.labels.tolist() == [1, 0]
    assert len(data.take(np.array([True, False, True]))) == 2


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (noise_images(3)[..., 0], LABELS, "images must be"),
        (noise_images(3).astype(np.float32), LABELS, "uint8, not .* float32"),
        (noise_images(3, channels=65), LABELS, "1 to 64 channels, not 65"),
        (noise_images(3, channels=0), LABELS, "1 to 64 channels, not 0"),
        (noise_images(3)[:, :0], LABELS, "at least 1x1 pixels, not 32x0"),
        (noise_images(3), LABELS[:, None], r"labels must be \(n,\), not \(3, 1\)"),
        (noise_images(2), LABELS, "2 images but 3 labels"),
        (noise_images(3), LABELS + 1, "labels must lie between 0 and 1"),
        (noise_images(3), LABELS - 1, "labels must lie between 0 and 1"),
    ],
)
def test_what_is_no_set_of_labelled_images_is_refused(images: np.ndarray, labels: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ImageData(images, labels, ("a", "b"))


@pytest.mark.parametrize("shape", [(1, 1, 1), (28, 28, 1), (17, 40, 2), (64, 64, 4), (9, 9, 13), (2, 3, 64)])
def test_any_size_and_channel_count_is_welcome(shape: tuple[int, int, int]) -> None:
    data = ImageData(np.zeros((3, *shape), np.uint8), LABELS, ("a", "b"))
    assert data.take(np.array([1])).images.shape == (1, *shape)


def test_grey_images_become_colour_and_nothing_else_does() -> None:
    grey = ImageData(noise_images(3, channels=1), LABELS, ("a", "b"))
    np.testing.assert_array_equal(grey.with_channels(3).images, np.repeat(grey.images, 3, axis=3))
    assert grey.with_channels(1) is grey
    with pytest.raises(InputError, match="images with 3 channels cannot become images with 4"):
        grey.with_channels(3).with_channels(4)
