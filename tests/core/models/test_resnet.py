from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from core.models import Architecture, ResNet32, SmallResNet
from core.models.resnet import PreActBlock
from tests.networks import built, tapped


@pytest.mark.parametrize("architecture", [SmallResNet(), SmallResNet(width=8), ResNet32()], ids=str)
def test_the_words_for_a_layer_tell_its_true_size(architecture: Architecture) -> None:
    for layer, words in architecture.layers().items():
        shape = tapped(architecture, layer).shape
        if layer == "pooled":
            assert f"{shape[0]} numbers" in words
        else:
            maps, height, _ = shape
            assert f"{maps} maps at 1/{32 // height} size" in words


def test_resnet32_default_layer_gives_the_papers_4096_features() -> None:
    assert ResNet32.default_layer == "block14"
    assert tapped(ResNet32(), "block14").shape == (64, 8, 8)
    assert tapped(ResNet32(), "block14").numel() == 4096


def test_resnet32_has_fifteen_blocks_and_the_papers_number_of_parameters() -> None:
    parameters = sum(p.numel() for p in built(ResNet32()).parameters())
    assert 0.46e6 < parameters < 0.48e6
    assert len([layer for layer in ResNet32().layers() if layer.startswith("block")]) == 15
    convolutions = [
        m for m in built(ResNet32()).modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3)
    ]
    assert len(convolutions) + 1 == 32  # with the linear layer; shortcuts are not counted


def test_width_of_the_small_network_sets_all_stages() -> None:
    for width in (4, 16):
        assert [tapped(SmallResNet(width=width), f"block{i}").shape[0] for i in (1, 2, 3)] == [
            width,
            2 * width,
            4 * width,
        ]


def test_small_network_leaks_and_resnet32_does_not() -> None:
    slopes = {m.negative_slope for m in built(SmallResNet()).modules() if isinstance(m, torch.nn.LeakyReLU)}
    assert slopes == {0.1}
    assert not any(isinstance(m, torch.nn.LeakyReLU) for m in built(ResNet32()).modules())


def test_every_parameter_is_reached_by_the_gradient() -> None:
    network = built(SmallResNet(width=4), classes=3).train()
    generator = torch.Generator().manual_seed(0)
    loss = torch.nn.functional.cross_entropy(
        network(torch.randn(8, 3, 16, 16, generator=generator)), torch.arange(8) % 3
    )
    loss.backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_weights_come_from_the_global_generator() -> None:
    first, same = (built(SmallResNet()).state_dict() for _ in range(2))
    assert all(torch.equal(first[k], same[k]) for k in first)
    torch.manual_seed(1)
    other = SmallResNet().build((3, 32, 32), 10).state_dict()
    assert not torch.equal(first["stem.weight"], other["stem.weight"])


@pytest.mark.parametrize("size", [16, 15, 1])
@pytest.mark.parametrize("inputs", [4, 7, 8])
def test_the_shortcut_is_a_strided_convolution_however_few_its_maps(inputs: int, size: int) -> None:
    torch.manual_seed(0)
    block = PreActBlock(inputs, 2 * inputs, 2, 0.1)
    x = torch.randn(3, inputs, size, size)
    with torch.inference_mode():
        y = block.act(block.norm1(x))
        straight = torch.nn.functional.conv2d(y, block.shortcut.weight, stride=2)
        torch.testing.assert_close(block(x), straight + block.conv2(block.act(block.norm2(block.conv1(y)))))


NARROW_TRAINING = """
import torch
from core.models import SmallResNet
for width in (4, 5, 6, 7):
    network = SmallResNet(width=width).build((3, 16, 16), 3).to(memory_format=torch.channels_last).train()
    for _ in range(30):
        images = torch.randn(16, 3, 16, 16).contiguous(memory_format=torch.channels_last)
        torch.nn.functional.cross_entropy(network(images), torch.arange(16) % 3).backward()
print("alive")
"""


def test_narrow_networks_outlive_their_training() -> None:
    """On CPUs with AVX2 and without AVX-512, a process of its own died of it."""
    done = subprocess.run([sys.executable, "-c", NARROW_TRAINING], capture_output=True, text=True, timeout=240)
    assert done.stdout == "alive\n", done.stderr[-500:]
