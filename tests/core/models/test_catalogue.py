"""What every network of the catalogue keeps, whatever it is."""

from __future__ import annotations

import pytest
import torch

from core.models import MODELS
from tests.networks import RGB32, Shape, built, outputs, some_images

KEYS = list(MODELS)


def test_the_networks_on_offer() -> None:
    assert KEYS[:5] == ["small", "resnet32", "resnet18", "vgg", "vit"]  # what is added comes after them


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("shape", "classes"),
    [((1, 32, 32), 10), ((3, 32, 32), 43), ((3, 17, 17), 2), ((3, 40, 24), 10), ((1, 5, 7), 3), ((3, 1, 1), 2)],
    ids=str,
)
def test_images_of_any_size_in_logits_out(key: str, shape: Shape, classes: int) -> None:
    network = built(MODELS.make(key), shape, classes)
    with torch.inference_mode():
        logits = network(some_images(shape))
    assert logits.shape == (2, classes)
    assert logits.isfinite().all()


@pytest.mark.parametrize("key", KEYS)
def test_every_layer_on_offer_can_be_tapped_and_stays_as_it_was_tapped(key: str) -> None:
    """A ReLU in place would overwrite what was tapped below it."""
    architecture = MODELS.make(key)
    layers = list(architecture.layers())
    assert architecture.default_layer in layers
    assert all(words and words != layer for layer, words in architecture.layers().items())
    seen = outputs(built(architecture), layers, some_images())
    assert set(seen) == set(layers)
    for layer, (then, later) in seen.items():
        assert then[0].numel() > 1, layer
        assert then.isfinite().all(), layer
        assert torch.equal(then, later), f"{layer} is overwritten after it was tapped"


@pytest.mark.parametrize("key", KEYS)
def test_layers_are_listed_from_the_input_up(key: str) -> None:
    architecture = MODELS.make(key)
    layers = list(architecture.layers())
    assert list(outputs(built(architecture), layers, some_images())) == layers


@pytest.mark.parametrize("key", KEYS)
def test_the_words_for_a_layer_tell_its_true_size(key: str) -> None:
    """ "64 numbers" of vectors and of tokens, whose numbers come last; "16 maps at 1/2 size" of feature maps."""
    architecture = MODELS.make(key)
    words = architecture.layers()
    for layer, (out, _) in outputs(built(architecture), list(words), some_images()).items():
        if out.ndim < 4 or "numbers" in words[layer]:
            assert f"{out.shape[1] if out.ndim == 4 else out.shape[-1]} numbers" in words[layer], (
                f"layer {layer} of {key}: say how many numbers it gives, as in '64 numbers'"
            )
        else:
            _, maps, height, _ = out.shape
            assert f"{maps} maps at 1/{32 // height} size" in words[layer], (
                f"layer {layer} of {key}: say how many maps of what size it gives, as in '16 maps at 1/2 size'"
            )


@pytest.mark.parametrize("key", KEYS)
def test_fresh_weights_neither_explode_nor_vanish(key: str) -> None:
    """Each layer of a fresh network passes on a signal of about its own size; otherwise it would not train."""
    architecture = MODELS.make(key)
    network = built(architecture).train()  # batch norm by the batch's own statistics
    seen = outputs(network, list(architecture.layers()), some_images(n=16))
    for layer, (out, _) in seen.items():
        assert 0.05 < out.std() < 20, layer


@pytest.mark.parametrize("key", KEYS)
def test_one_step_moves_the_loss(key: str) -> None:
    network = built(MODELS.make(key), classes=2).train()
    images, labels = some_images(RGB32, n=8), torch.arange(8) % 2
    optimizer = torch.optim.SGD(network.parameters(), 0.01)
    losses = []
    for _ in range(6):
        loss = torch.nn.functional.cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize("key", KEYS)
def test_weights_come_from_the_global_generator(key: str) -> None:
    architecture = MODELS.make(key)
    first, same = (built(architecture).state_dict() for _ in range(2))
    assert all(torch.equal(first[k], same[k]) for k in first)
    torch.manual_seed(1)
    other = architecture.build(RGB32, 10).state_dict()
    assert not all(torch.equal(first[k], other[k]) for k in first)
