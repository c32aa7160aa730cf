from __future__ import annotations

import torch
from torchvision.models import resnet18

from core.models import ResNet18
from tests.networks import built, outputs, some_images, tapped


def test_the_default_layer_is_the_papers_tap_before_its_relu() -> None:
    assert ResNet18.default_layer == "layer3.1.sum"
    features = tapped(ResNet18(), "layer3.1.sum")
    assert features.shape == (256, 8, 8)
    assert features.numel() == 16_384
    assert (features < 0).float().mean() > 0.1, "a ReLU would have left none below 0"


def test_a_block_is_the_relu_of_its_sum() -> None:
    seen = outputs(built(ResNet18()), ["layer3.1.sum", "layer3.1"], some_images())
    assert torch.equal(seen["layer3.1.sum"][0].relu(), seen["layer3.1"][0])


def test_it_computes_what_torchvisions_does_with_a_cifar_stem() -> None:
    ours, theirs = built(ResNet18()), resnet18(num_classes=10).eval()
    theirs.conv1, theirs.maxpool = torch.nn.Conv2d(3, 64, 3, 1, 1, bias=False), torch.nn.Identity()
    theirs.load_state_dict(ours.state_dict())  # the same names: weights trained elsewhere fit
    images = some_images()
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), theirs(images))


def test_the_stem_keeps_all_pixels_of_small_images() -> None:
    assert tapped(ResNet18(), "layer1.0").shape == (64, 32, 32)
    assert 11.1e6 < sum(p.numel() for p in built(ResNet18()).parameters()) < 11.3e6
