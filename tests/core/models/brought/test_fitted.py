from __future__ import annotations

import pytest
import torch
from torch import nn

from core.foundation.errors import InputError
from core.models.brought import Fitted, check_channels, open_network, pooled


def test_maps_of_either_order_and_tokens_are_averaged_over_positions() -> None:
    maps = torch.randn(2, 5, 3, 3)
    torch.testing.assert_close(pooled(maps), maps.mean((2, 3)))
    torch.testing.assert_close(pooled(maps.permute(0, 2, 3, 1)), maps.mean((2, 3)))
    torch.testing.assert_close(pooled(maps.flatten(2).transpose(1, 2)), maps.mean((2, 3)))
    torch.testing.assert_close(pooled(maps[:, :, 0, 0]), maps[:, :, 0, 0])


def test_images_are_cropped_to_the_middle_resized_and_made_colour() -> None:
    model = Fitted(nn.Identity(), ([0.0] * 3, [1.0] * 3), 4)
    images = torch.zeros(1, 1, 8, 16, dtype=torch.uint8)
    images[..., 4:12] = 255
    torch.testing.assert_close(model(images), torch.ones(1, 3, 4, 4))


def test_images_of_the_right_size_are_normalised_and_nothing_else() -> None:
    model = Fitted(nn.Identity(), ([0.5] * 3, [0.25] * 3), 4)
    images = torch.randint(0, 256, (2, 3, 4, 4), dtype=torch.uint8)
    torch.testing.assert_close(model(images), (images / 255 - 0.5) / 0.25)


def test_other_channels_are_refused() -> None:
    check_channels(1, 3)
    with pytest.raises(InputError, match="the images have 4 channels and the network takes 3"):
        check_channels(4, 3)


def test_statistics_can_be_said() -> None:
    network = open_network("torchvision:resnet18", None, 32)
    network.normalise("none")
    assert network.statistics == ([0.0] * 3, [1.0] * 3)
    network.normalise("auto", "0.5,0.4,0.3", "1,2,3")
    assert network.statistics == ([0.5, 0.4, 0.3], [1.0, 2.0, 3.0])
    for words, message in (
        (("cifar",), "--normalise cifar is not one of auto, imagenet, none"),
        (("auto", "0.5,0.5", "1,1,1"), "--mean 0.5,0.5 must be 3 numbers"),
        (("auto", "0.5,0.5,0.5"), "both --mean and --std"),
        (("auto", "0,0,0", "0,1,1"), "--std 0,1,1 must be above 0"),
        (("auto", "0,0,nan", "1,1,1"), "must be 3 numbers"),
    ):
        with pytest.raises(InputError, match=message):
            network.normalise(*words)
