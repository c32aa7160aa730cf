from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch

from core import training
from core.errors import Cancelled, InputError
from core.images import ImageData
from core.models import SmallResNet
from core.tensors import Classifier, to_device
from core.training import Epoch, Recipe, predict, train
from tests.makers import coloured, noise_images

CPU = torch.device("cpu")
TINY = SmallResNet(width=4)
TOY = coloured(40)
SHORT = Recipe(epochs=2, batch_size=16)


def fit(data: ImageData = TOY, recipe: Recipe = SHORT, seed: int = 0, flip: bool = False, **hooks: Any) -> Classifier:
    return train(data, TINY, recipe, flip=flip, seed=seed, device=CPU, **hooks)


def same_weights(left: Classifier, right: Classifier) -> bool:
    a, b = left.state_dict(), right.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_a_set_that_a_glance_tells_apart_is_learned_in_a_few_epochs() -> None:
    model = fit(recipe=Recipe(epochs=6, batch_size=16))
    unseen = coloured(40, seed=1)
    guesses = predict(model, to_device(unseen.images, CPU)).numpy()
    assert (guesses == unseen.labels).mean() > 0.95


def test_labels_without_any_link_to_the_images_are_not_learned() -> None:
    """The counterpart: a high accuracy above is not an accident of the measurement."""
    shuffled = ImageData(TOY.images, np.random.default_rng(0).permutation(TOY.labels), TOY.class_names)
    unseen = coloured(40, seed=1)
    guesses = predict(fit(shuffled), to_device(unseen.images, CPU)).numpy()
    assert 0.2 < (guesses == unseen.labels).mean() < 0.8


def test_same_seed_same_weights_and_another_seed_others() -> None:
    first = fit(seed=5)
    torch.rand(7)  # whatever else draws in the process must not matter
    assert same_weights(first, fit(seed=5))
    assert not same_weights(first, fit(seed=6))


def test_training_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    fit()
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_trained_model_is_ready_to_be_asked() -> None:
    model = fit()
    assert not any(module.training for module in model.modules())
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    np.testing.assert_allclose(model.normalise.mean.ravel() * 255, TOY.images.mean((0, 1, 2)), rtol=1e-5)


def test_epochs_are_reported_in_order_with_true_figures() -> None:
    seen: list[Epoch] = []
    fit(recipe=Recipe(epochs=4, batch_size=16), on_epoch=lambda epoch, model: seen.append(epoch))
    assert [e.epoch for e in seen] == [1, 2, 3, 4]
    assert {e.epochs for e in seen} == {4}
    assert all(0 < e.loss < 10 and 0 <= e.accuracy <= 1 for e in seen)
    assert seen[-1].loss < seen[0].loss
    assert [e.seconds for e in seen] == sorted(e.seconds for e in seen)


def test_a_look_at_the_model_after_an_epoch_does_not_change_the_training() -> None:
    def look(_: Epoch, model: Classifier) -> None:
        predict(model, to_device(TOY.images, CPU))  # puts the model into evaluation mode

    assert same_weights(fit(), fit(on_epoch=look))


def test_progress_rises_to_one_in_equal_steps() -> None:
    shares: list[float] = []
    fit(on_step=shares.append)
    np.testing.assert_allclose(shares, np.arange(1, 11) / 10)  # 2 epochs of 80 // 16 steps


def test_cancelling_stops_at_once() -> None:
    steps: list[float] = []

    def on_step(share: float) -> None:
        steps.append(share)
        if len(steps) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        fit(on_step=on_step)
    assert len(steps) == 3


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_images_are_refused(count: int) -> None:
    with pytest.raises(InputError, match=rf"{count} training image\(s\) are too few"):
        fit(TOY.take(np.arange(count)))


def test_two_images_can_be_trained_on() -> None:
    assert fit(TOY.take(np.arange(2)), Recipe(epochs=1, batch_size=64)) is not None


def test_a_diverging_loss_is_refused_with_the_mend() -> None:
    with pytest.raises(InputError, match=r"training diverged .*; lower learning_rate"):
        fit(recipe=Recipe(epochs=40, batch_size=16, learning_rate=10.0, weight_decay=1.0))


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_both_train(channels: int) -> None:
    assert fit(coloured(8, channels=channels), Recipe(epochs=1, batch_size=8)).normalise.mean.numel() == channels


@pytest.mark.parametrize(
    ("recipe", "dataset", "expected"),
    [("auto", True, True), ("auto", False, False), ("on", False, True), ("off", True, False)],
)
def test_the_recipe_overrules_the_data_set_on_mirroring(
    recipe: str, dataset: bool, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    batches = training._Batches

    def recorded(images: torch.Tensor, labels: torch.Tensor, plan: Recipe, flip: bool, seed: int) -> training._Batches:
        seen.append(flip)
        return batches(images, labels, plan, flip, seed)

    monkeypatch.setattr(training, "_Batches", recorded)
    fit(recipe=Recipe(epochs=1, batch_size=16, flip=recipe), flip=dataset)
    assert seen == [expected]


# --- what the network is shown: shifts and mirror images


N, SIZE = 40, 8
IMAGES = noise_images(N, size=SIZE, low=1)  # no pixel is 0, so that the padding shows


def shown(crop: int, flip: bool, seed: int = 0, batch_size: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """One epoch: the images (n, h, w, c) as the network sees them, and the row of each."""
    recipe = Recipe(crop=crop, batch_size=batch_size)
    rows = torch.arange(N)  # the row number stands in for the label
    batches = list(training._Batches(to_device(IMAGES, CPU), rows, recipe, flip, seed))
    return torch.cat([x for x, _ in batches]).permute(0, 2, 3, 1).numpy(), torch.cat([y for _, y in batches]).numpy()


def shifted(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """The image moved by whole pixels with 0 where it came from, pixel by pixel."""
    moved = np.zeros_like(image)
    for y, x in itertools.product(range(SIZE), repeat=2):
        if 0 <= y - down < SIZE and 0 <= x - right < SIZE:
            moved[y, x] = image[y - down, x - right]
    return moved


def explain(image: np.ndarray, original: np.ndarray, crop: int) -> list[tuple[int, int, bool]]:
    """All (down, right, mirrored) that make `image` of `original`."""
    spans = itertools.product(range(-crop, crop + 1), range(-crop, crop + 1), (False, True))
    return [
        (down, right, mirrored)
        for down, right, mirrored in spans
        if np.array_equal(
            shifted(original, down, right)[:, ::-1] if mirrored else shifted(original, down, right), image
        )
    ]


@pytest.mark.parametrize("flip", [False, True])
def test_every_image_is_shown_once_shifted_within_the_bound_and_mirrored_only_when_asked(flip: bool) -> None:
    seen: Counter[tuple[int, int]] = Counter()
    mirrored = 0
    for seed in range(4):
        images, rows = shown(crop=1, flip=flip, seed=seed)
        assert sorted(rows) == list(range(N))
        for image, row in zip(images, rows, strict=True):
            (how,) = explain(image, IMAGES[row], crop=1)
            seen[how[:2]] += 1
            mirrored += how[2]
    assert set(seen) == set(itertools.product((-1, 0, 1), repeat=2)), "some shifts never occur"
    if flip:
        assert abs(mirrored / (4 * N) - 0.5) < 4 * math.sqrt(0.25 / (4 * N))
    else:
        assert mirrored == 0


def test_without_crop_and_flip_images_are_shown_as_they_are() -> None:
    images, rows = shown(crop=0, flip=False)
    np.testing.assert_array_equal(images, IMAGES[rows])


def test_order_and_shifts_differ_from_epoch_to_epoch_and_follow_the_seed() -> None:
    recipe, pixels = Recipe(crop=2, batch_size=10), to_device(IMAGES, CPU)
    batches = training._Batches(pixels, torch.arange(N), recipe, False, 0)
    first, second = (torch.cat([x for x, _ in batches]) for _ in range(2))
    assert not torch.equal(first, second)
    again = torch.cat([x for x, _ in training._Batches(pixels, torch.arange(N), recipe, False, 0)])
    assert torch.equal(first, again)


def test_an_incomplete_batch_is_left_out_but_a_small_set_is_one_batch() -> None:
    assert len(shown(crop=0, flip=False, batch_size=16)[1]) == 32
    assert len(shown(crop=0, flip=False, batch_size=1000)[1]) == N


def test_prediction_does_not_depend_on_the_batch_size_and_takes_no_images() -> None:
    model = fit()
    pixels = to_device(TOY.images, CPU)
    assert torch.equal(predict(model, pixels, batch_size=7), predict(model, pixels))
    assert predict(model, pixels[:0]).shape == (0,)
