from __future__ import annotations

import pytest
import torch

from core.models import SmallVit
from tests.networks import Shape, built, outputs, some_images, tapped


@pytest.mark.parametrize(
    ("shape", "patch", "tokens"),
    [((3, 32, 32), 4, 64), ((1, 32, 32), 8, 16), ((3, 30, 30), 4, 64), ((3, 40, 24), 8, 25), ((1, 5, 5), 64, 1)],
    ids=str,
)
def test_a_block_gives_all_tokens_and_the_class_token(shape: Shape, patch: int, tokens: int) -> None:
    assert tapped(SmallVit(patch=patch), SmallVit.default_layer, shape).shape == (tokens + 1, 192)


def test_the_class_token_is_what_the_classifier_sees() -> None:
    network = built(SmallVit())
    torch.nn.init.normal_(network.heads.head.weight)  # torchvision starts it at 0
    images = some_images()
    token = outputs(network, ["heads.token"], images)["heads.token"][0]
    assert token.shape == (2, 192)
    with torch.inference_mode():
        torch.testing.assert_close(network.heads.head(token), network(images))


def test_padding_is_below_and_to_the_right() -> None:
    """What a user sees in a corner stays in its patch: the first patch of a padded image is that of a whole one."""
    network = built(SmallVit(patch=8), (3, 20, 20))
    images = some_images((3, 20, 20))
    patches = outputs(network, ["conv_proj"], images)["conv_proj"][0]
    assert patches.shape[2:] == (3, 3)
    with torch.inference_mode():
        torch.testing.assert_close(patches[:, :, :2, :2], network.conv_proj(images[:, :, :16, :16]))
        whole = torch.nn.functional.pad(images, (0, 4, 0, 4))
        assert torch.equal(network(images), network(whole))
