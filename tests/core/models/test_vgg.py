from __future__ import annotations

import pytest
import torch

from core.models import Vgg11
from tests.networks import built, tapped


def test_eight_convolutions_with_batch_norm_and_one_linear_layer() -> None:
    modules = list(built(Vgg11()).modules())
    assert sum(isinstance(m, torch.nn.Conv2d) for m in modules) == 8
    assert sum(isinstance(m, torch.nn.BatchNorm2d) for m in modules) == 8
    assert sum(isinstance(m, torch.nn.Linear) for m in modules) == 1
    assert 9.1e6 < sum(p.numel() for p in built(Vgg11()).parameters()) < 9.4e6


@pytest.mark.parametrize(("size", "sides"), [(32, [16, 8, 4, 2, 1]), (17, [8, 4, 2, 1, 1]), (3, [1, 1, 1, 1, 1])])
def test_small_images_go_without_the_poolings_that_they_have_no_pixels_for(size: int, sides: list[int]) -> None:
    found = [tapped(Vgg11(), f"features.pool{i}", (3, size, size)).shape[1] for i in range(1, 6)]
    assert found == sides


def test_convolutions_keep_torchvisions_names() -> None:
    names = set(built(Vgg11()).state_dict())
    assert {"features.0.weight", "features.1.running_mean", "features.25.weight"} <= names
