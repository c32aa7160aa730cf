from __future__ import annotations

import numpy as np
import torch

from core.foundation.tensors import channel_statistics, to_device
from tests.makers import noise_images


def test_pixels_keep_their_place_and_value() -> None:
    images = noise_images(2, size=5)
    tensor = to_device(images, torch.device("cpu"))
    assert (tensor.shape, tensor.dtype) == ((2, 3, 5, 5), torch.uint8)
    assert tensor[1, 2, 3, 4] == int(images[1, 3, 4, 2])


def test_statistics_are_those_of_all_pixels() -> None:
    images = noise_images(7, size=9, high=120)
    means, deviations = channel_statistics(images)
    np.testing.assert_allclose(means, images.mean((0, 1, 2)) / 255)
    np.testing.assert_allclose(deviations, images.std((0, 1, 2)) / 255)
