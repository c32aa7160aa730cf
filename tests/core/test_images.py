from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.images import ImageData
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
        (noise_images(3, channels=4), LABELS, "1 or 3 channels, not 4"),
        (noise_images(2), LABELS, "2 images but 3 labels"),
        (noise_images(3), LABELS + 1, "labels must lie between 0 and 1"),
        (noise_images(3), LABELS - 1, "labels must lie between 0 and 1"),
    ],
)
def test_what_is_no_set_of_labelled_images_is_refused(images: np.ndarray, labels: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ImageData(images, labels, ("a", "b"))
