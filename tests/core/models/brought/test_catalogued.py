"""Networks of our own catalogue with the weights that a run saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.foundation.errors import InputError
from core.models import MODELS, Classifier, weights
from core.models.brought import Fitted, needs_weights, open_network
from core.training import extract
from tests.makers import noise_images

STATISTICS = [0.1, 0.2, 0.3], [0.4, 0.5, 0.6]


def saved(
    path: Path, key: str, options: dict[str, Any], channels: int = 3, side: int = 32, classes: int = 4
) -> Classifier:
    """A classifier as a run trains it, not trained, and its file."""
    torch.manual_seed(0)
    network = MODELS.make(key, options).build((channels, side, side), classes)
    model = Classifier(network, *(part[:channels] for part in STATISTICS))
    weights.save(model, path)
    return model.eval()


@pytest.mark.parametrize(
    ("key", "options", "channels", "side"),
    [
        ("small", {"width": 6}, 1, 32), ("small", {}, 3, 32), ("resnet32", {}, 3, 32), ("resnet18", {}, 2, 32),
        ("vgg", {}, 3, 32), ("vit", {"patch": 8}, 3, 48),
    ],
)  # fmt: skip
def test_the_features_are_those_of_the_classifier_that_was_saved(
    key: str, options: dict[str, Any], channels: int, side: int, tmp_path: Path
) -> None:
    model = saved(tmp_path / "w.safetensors", key, options, channels, side)
    network = open_network(key, tmp_path / "w.safetensors")
    assert (network.title, network.size, network.channels) == (key, side, channels)
    layer = MODELS.make(key, options).default_layer
    taps = network.taps()
    assert taps.suggested == layer
    assert taps.chosen("").main
    assert {one.name for one in taps.layers if one.main} == set(MODELS.make(key, options).layers())
    module, name = network.tapped(layer)
    images, cpu = noise_images(3, side, channels), torch.device("cpu")
    found = extract(Fitted(module, network.statistics, network.size), images, name, device=cpu)
    np.testing.assert_allclose(found, extract(model, images, layer, device=cpu), rtol=1e-4, atol=1e-5)


def test_without_weights_there_are_its_layers_and_it_says_that_it_needs_some() -> None:
    network = open_network("small", size=24)
    assert (network.size, [layer.name for layer in network.taps().layers if layer.main][-1]) == (24, "pooled")
    assert needs_weights("small")
    assert needs_weights("timm:test_vit")
    assert not needs_weights("m.onnx")


def test_weights_of_another_network_are_refused_in_a_line(tmp_path: Path) -> None:
    saved(tmp_path / "w.safetensors", "small", {})
    with pytest.raises(InputError, match=r"lacks .*; choose the model that the file was trained as"):
        open_network("resnet32", tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=r"no head.*classifier of vgg|lacks"):
        open_network("vgg", tmp_path / "w.safetensors")
    saved(tmp_path / "v.safetensors", "vit", {})
    with pytest.raises(InputError, match=r"encoder\.pos_embedding"):
        open_network("vit", tmp_path / "v.safetensors", 64)
    with pytest.raises(InputError, match=r"'smal' is no model: give small, resnet32"):
        open_network("smal")
