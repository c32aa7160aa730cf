from __future__ import annotations

import numpy as np
import pytest
import torch

from core.foundation.tensors import channel_statistics, to_device
from core.models.classifier import Normalise
from tests.makers import noise_images


def test_normalised_images_have_mean_0_and_deviation_1() -> None:
    images = noise_images(7, size=9, low=90)
    normal = Normalise(*channel_statistics(images))(to_device(images, torch.device("cpu")))
    assert normal.mean((0, 2, 3)).abs().max() < 1e-5
    assert normal.std((0, 2, 3)).tolist() == pytest.approx([1] * 3, abs=2e-3)


def test_a_constant_channel_does_not_divide_by_zero() -> None:
    images = np.full((2, 4, 4, 3), 7, np.uint8)
    normal = Normalise(*channel_statistics(images))(to_device(images, torch.device("cpu")))
    assert normal.abs().max() < 1e-6
