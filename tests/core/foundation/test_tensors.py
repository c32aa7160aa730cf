from __future__ import annotations

import numpy as np
import torch

from core.foundation.tensors import as_array, channel_statistics, to_device
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


def test_a_tensor_becomes_an_array_whatever_it_is_in_the_midst_of() -> None:
    tensor = torch.arange(6.0).reshape(2, 3).requires_grad_()
    np.testing.assert_array_equal(as_array(tensor), np.arange(6).reshape(2, 3))
    for kind in (torch.bfloat16, torch.float8_e4m3fn):
        found = as_array(tensor.to(kind))
        np.testing.assert_array_equal(found, np.arange(6).reshape(2, 3))
        assert found.dtype == np.float32
    complex_ones = torch.tensor([1 + 2j]).conj()
    np.testing.assert_array_equal(as_array(complex_ones), [1 - 2j])
    np.testing.assert_array_equal(as_array([1, 2]), [1, 2])
