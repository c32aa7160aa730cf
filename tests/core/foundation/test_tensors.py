from __future__ import annotations

import numpy as np
import pytest
import torch

from core.foundation.tensors import Normalise, channel_statistics, to_device
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


def test_normalised_images_have_mean_0_and_deviation_1() -> None:
    images = noise_images(7, size=9, low=90)
    normal = Normalise(*channel_statistics(images))(to_device(images, torch.device("cpu")))
    assert normal.mean((0, 2, 3)).abs().max() < 1e-5
    assert normal.std((0, 2, 3)).tolist() == pytest.approx([1] * 3, abs=2e-3)


def test_a_constant_channel_does_not_divide_by_zero() -> None:
    images = np.full((2, 4, 4, 3), 7, np.uint8)
    normal = Normalise(*channel_statistics(images))(to_device(images, torch.device("cpu")))
    assert normal.abs().max() < 1e-6
