from __future__ import annotations

import numpy as np
import pytest
import torch

from core.foundation.errors import Cancelled, InputError
from core.models import MODELS, Classifier, SmallResNet
from core.training import Recipe, empty_classifier, extract, train
from tests.makers import coloured, noise_images
from tests.networks import built, outputs

CPU = torch.device("cpu")
IMAGES = noise_images(23, size=16)


@pytest.fixture(scope="module")
def model() -> Classifier:
    return train(coloured(20), SmallResNet(width=4), Recipe(epochs=2, batch_size=8), flip=True, seed=0, device=CPU)


@pytest.mark.parametrize(("layer", "columns"), [("block1", 4 * 16 * 16), ("block3", 16 * 4 * 4), ("pooled", 16)])
def test_features_are_flat_float32_rows(model: Classifier, layer: str, columns: int) -> None:
    features = extract(model, IMAGES, layer, device=CPU)
    assert (features.shape, features.dtype) == ((23, columns), np.float32)
    assert np.isfinite(features).all()
    assert features.std(0).max() > 0


def test_pooled_features_are_what_the_classifier_sees(model: Classifier) -> None:
    pooled = torch.from_numpy(extract(model, IMAGES, "pooled", device=CPU))
    with torch.inference_mode():
        logits = model(torch.from_numpy(IMAGES.transpose(0, 3, 1, 2)))
    torch.testing.assert_close(model.network.head(pooled), logits, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 5, 23, 64])
def test_features_do_not_depend_on_the_batch_size(model: Classifier, batch_size: int) -> None:
    whole = extract(model, IMAGES, "block3", device=CPU)
    parts = extract(model, IMAGES, "block3", device=CPU, batch_size=batch_size)
    np.testing.assert_allclose(parts, whole, rtol=1e-4, atol=1e-5)


def test_no_augmentation_the_same_image_has_the_same_features_in_any_row_at_any_time(model: Classifier) -> None:
    same = np.repeat(IMAGES[:1], 6, axis=0)
    features = extract(model, same, "block3", device=CPU)
    np.testing.assert_allclose(features, features[:1].repeat(6, 0), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(features, extract(model, same, "block3", device=CPU))


def test_rows_stay_in_order(model: Classifier) -> None:
    forwards = extract(model, IMAGES, "pooled", device=CPU, batch_size=4)
    backwards = extract(model, IMAGES[::-1], "pooled", device=CPU, batch_size=4)
    np.testing.assert_allclose(backwards[::-1], forwards, rtol=1e-4, atol=1e-5)


def test_a_model_left_in_training_mode_is_neither_used_that_way_nor_changed(model: Classifier) -> None:
    expected = extract(model, IMAGES, "block3", device=CPU)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.train()
    np.testing.assert_array_equal(extract(model, IMAGES, "block3", device=CPU), expected)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_what_lies_above_the_layer_is_not_computed(model: Classifier) -> None:
    seen: list[str] = []
    hooks = [
        getattr(model.network, name).register_forward_hook(lambda *_, name=name: seen.append(name))
        for name in ("block1", "block2", "block3", "head")
    ]
    extract(model, IMAGES, "block2", device=CPU)
    for hook in hooks:
        hook.remove()
    assert seen == ["block1", "block2"]


@pytest.mark.parametrize("key", list(MODELS))
def test_every_layer_of_every_network_gives_the_rows_of_a_plain_forward_pass(key: str) -> None:
    architecture = MODELS.make(key)
    network = built(architecture, (3, 16, 16))
    whole = Classifier(network, [0.5] * 3, [0.25] * 3).eval()
    with torch.inference_mode():
        normal = whole.normalise(torch.from_numpy(IMAGES[:3].transpose(0, 3, 1, 2)))
    seen = outputs(network, list(architecture.layers()), normal)
    for layer, (expected, _) in seen.items():
        features = extract(whole, IMAGES[:3], layer, device=CPU, batch_size=2)
        np.testing.assert_allclose(features, expected.flatten(1).numpy(), rtol=1e-3, atol=1e-4, err_msg=layer)


def test_unknown_layer_is_refused(model: Classifier) -> None:
    with pytest.raises(InputError, match="no layer 'block9'"):
        extract(model, IMAGES, "block9", device=CPU)


def test_progress_is_told_and_a_cancel_leaves_no_hook_behind(model: Classifier) -> None:
    shares: list[float] = []
    extract(model, IMAGES, "block3", device=CPU, batch_size=10, on_step=shares.append)
    np.testing.assert_allclose(shares, [10 / 23, 20 / 23, 1.0])

    def stop(_: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        extract(model, IMAGES, "block3", device=CPU, on_step=stop)
    assert not any(module._forward_hooks for module in model.modules())


def test_saved_weights_fit_the_empty_classifier(model: Classifier) -> None:
    copy = empty_classifier(SmallResNet(width=4), (3, 16, 16), 2)
    copy.load_state_dict(model.state_dict())
    expected = extract(model, IMAGES, "block3", device=CPU)
    np.testing.assert_allclose(extract(copy, IMAGES, "block3", device=CPU), expected, rtol=1e-4, atol=1e-5)


def test_features_go_where_they_are_asked_to(model: Classifier) -> None:
    made: list[np.ndarray] = []

    def make(shape: tuple[int, int]) -> np.ndarray:
        made.append(np.full(shape, np.nan, np.float32))
        return made[-1]

    features = extract(model, IMAGES, "pooled", device=CPU, batch_size=10, make_array=make)
    assert features is made[0]
    np.testing.assert_array_equal(features, extract(model, IMAGES, "pooled", device=CPU, batch_size=10))


def test_no_images_are_refused(model: Classifier) -> None:
    with pytest.raises(InputError, match="no images"):
        extract(model, IMAGES[:0], "pooled", device=CPU)
