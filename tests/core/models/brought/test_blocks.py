"""The layer that is suggested, for networks of many makes."""

from __future__ import annotations

import pytest

from core.foundation.errors import InputError
from core.models.brought import open_network


@pytest.mark.parametrize(
    ("model", "size", "suggested", "shape", "pooled"),
    [
        ("torchvision:resnet18", 32, "layer4.0", (512, 1, 1), 512),
        ("torchvision:mobilenet_v2", 64, "features.16", (160, 2, 2), 160),
        ("torchvision:efficientnet_b0", 64, "features.6.3", (192, 2, 2), 192),
        ("torchvision:densenet121", 64, "features.denseblock3", (1024, 4, 4), 1024),
        ("torchvision:googlenet", 64, "inception5a", (832, 2, 2), 832),
        ("torchvision:inception_v3", 80, "Mixed_7b", (2048, 1, 1), 2048),
        ("torchvision:vgg11", 32, "features.15", (512, 2, 2), 512),
        ("torchvision:swin_t", 64, "features.7.0", (2, 2, 768), 768),  # channels last
        ("timm:test_vit", 32, "blocks.4", (5, 64), 64),
        ("timm:test_resnet", 64, "layer3.0", None, None),
        ("timm:test_convnext", 64, "stages.3.blocks.0", None, None),
    ],
)
def test_the_block_before_the_last(
    model: str, size: int, suggested: str, shape: tuple[int, ...] | None, pooled: int | None
) -> None:
    taps = open_network(model, None, size).taps()
    assert taps.suggested == suggested
    assert ("pooling before the last" if "vgg" in model else "the block before the last") in taps.why
    if shape:
        assert (taps.chosen("").shape, taps.chosen("").pooled) == (shape, pooled)
        assert taps.chosen("").main or "vgg" in model


def test_layers_come_from_the_input_up_and_those_called_twice_are_no_places() -> None:
    taps = open_network("torchvision:resnet18", None, 32).taps()
    names = [layer.name for layer in taps.layers]
    assert (names[0], names[-1]) == ("conv1", "fc")
    assert "layer1.0.relu" not in names, "it is called twice"
    with pytest.raises(
        InputError, match=r"no layer 'layer9' that can be tapped; `layers` lists them, layer4.0 is suggested"
    ):
        taps.chosen("layer9")
