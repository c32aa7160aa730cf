from __future__ import annotations

import pytest
import torch

from core.models import MODELS, Architecture, ResNet32, SmallResNet


def built(architecture: Architecture, channels: int = 3, classes: int = 10) -> torch.nn.Module:
    torch.manual_seed(0)
    return architecture.build(channels, classes).eval()


def tapped(architecture: Architecture, layer: str, size: int = 32) -> torch.Size:
    """Shape of one image's output at a layer."""
    network = built(architecture)
    shapes: list[torch.Size] = []
    hook = dict(network.named_modules())[layer].register_forward_hook(lambda _m, _i, out: shapes.append(out.shape[1:]))
    with torch.inference_mode():
        network(torch.zeros(2, 3, size, size))
    hook.remove()
    return shapes[0]


@pytest.mark.parametrize("key", list(MODELS))
@pytest.mark.parametrize(("channels", "size", "classes"), [(1, 32, 10), (3, 32, 43), (3, 17, 2), (3, 64, 10)])
def test_images_in_logits_out(key: str, channels: int, size: int, classes: int) -> None:
    network = built(MODELS.make(key), channels, classes)
    with torch.inference_mode():
        assert network(torch.zeros(2, channels, size, size)).shape == (2, classes)


@pytest.mark.parametrize("key", list(MODELS))
def test_every_layer_on_offer_exists_in_the_network_and_yields_one_tensor(key: str) -> None:
    architecture = MODELS.make(key)
    assert architecture.default_layer in architecture.layers()
    modules = dict(built(architecture).named_modules())
    for layer in architecture.layers():
        assert layer in modules
        assert tapped(architecture, layer).numel() > 1


@pytest.mark.parametrize("architecture", [SmallResNet(), SmallResNet(width=8), ResNet32()], ids=str)
def test_the_words_for_a_layer_tell_its_true_size(architecture: Architecture) -> None:
    for layer, words in architecture.layers().items():
        shape = tapped(architecture, layer)
        if layer == "pooled":
            assert f"{shape[0]} numbers" in words
        else:
            maps, height, _ = shape
            assert f"{maps} maps at 1/{32 // height} size" in words


def test_resnet32_default_layer_gives_the_papers_4096_features() -> None:
    assert ResNet32.default_layer == "block14"
    assert tapped(ResNet32(), "block14") == (64, 8, 8)
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
        assert [tapped(SmallResNet(width=width), f"block{i}")[0] for i in (1, 2, 3)] == [width, 2 * width, 4 * width]


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
    other = SmallResNet().build(3, 10).state_dict()
    assert not torch.equal(first["stem.weight"], other["stem.weight"])
