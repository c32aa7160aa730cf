from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.foundation.errors import Cancelled, InputError
from core.foundation.images import ImageData
from core.foundation.tensors import to_device
from core.models import Classifier, SmallResNet, weights
from core.training import PRESETS, Epoch, Recipe, compiling, loop, predict, train
from core.training.batches import Batches
from tests.makers import coloured

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

    def recorded(*arguments: Any, flip: bool, **options: Any) -> Batches:
        seen.append(flip)
        return Batches(*arguments, flip=flip, **options)

    monkeypatch.setattr(loop, "Batches", recorded)
    fit(recipe=Recipe(epochs=1, batch_size=16, flip=recipe), flip=dataset)
    assert seen == [expected]


def test_prediction_does_not_depend_on_the_batch_size_and_takes_no_images() -> None:
    model = fit()
    pixels = to_device(TOY.images, CPU)
    assert torch.equal(predict(model, pixels, batch_size=7), predict(model, pixels))
    assert predict(model, pixels[:0]).shape == (0,)


# --- weights to start from


def saved(tmp_path: Path, **options: Any) -> tuple[Classifier, str]:
    model = fit(recipe=Recipe(epochs=2, batch_size=16, **options))
    weights.save(model, tmp_path / "model.safetensors")
    return model, str(tmp_path / "model.safetensors")


def test_no_epochs_take_the_weights_as_they_are(tmp_path: Path) -> None:
    model, path = saved(tmp_path)
    other = coloured(8, noise=60)  # whose own statistics differ
    epochs: list[Epoch] = []
    taken = fit(other, Recipe(epochs=0, weights=path), on_epoch=lambda epoch, _: epochs.append(epoch))
    assert same_weights(taken, model)
    assert not any(module.training for module in taken.modules())
    assert epochs == []


def test_training_goes_on_from_the_weights(tmp_path: Path) -> None:
    _, path = saved(tmp_path, schedule="constant", learning_rate=0.03)
    first: list[Epoch] = []
    for recipe in (Recipe(epochs=1, batch_size=16), Recipe(epochs=1, batch_size=16, weights=path)):
        fit(recipe=recipe, seed=1, on_epoch=lambda epoch, _: first.append(epoch))
    assert first[1].loss < 0.5 * first[0].loss


def test_weights_of_another_network_are_refused_before_any_step(tmp_path: Path) -> None:
    _, path = saved(tmp_path)
    with pytest.raises(InputError, match=r"head.bias is 2 in .* and 3 here"):
        fit(coloured(8, classes=3), Recipe(epochs=1, weights=path), on_step=lambda _: pytest.fail("stepped"))


# --- other optimizers and schedules


@pytest.mark.parametrize("name", list(PRESETS))
def test_every_preset_trains_and_repeats_itself(name: str) -> None:
    recipe = Recipe(**{**PRESETS[name].options, "epochs": 4, "batch_size": 8})
    losses: list[float] = []
    models = [fit(recipe=recipe, on_epoch=lambda epoch, _: losses.append(epoch.loss)) for _ in range(2)]
    assert same_weights(*models)
    assert losses[3] < losses[0]


# --- compiling


def test_a_compiled_forward_pass_is_used_and_trains_to_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def fake(model: Classifier) -> Callable[[torch.Tensor], torch.Tensor]:
        def forward(x: torch.Tensor) -> torch.Tensor:
            calls.append(len(x))
            return model(x)

        return forward

    monkeypatch.setattr(torch, "compile", fake)
    plain = fit()
    assert calls == []
    assert same_weights(plain, fit(recipe=replace(SHORT, compile="on"), on_note=pytest.fail))
    assert calls == [16] * 11  # one to try, then 2 epochs of 5


def test_without_a_compiler_training_goes_on_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compilers report that they are missing only at the first batch."""

    def fake(_: Classifier) -> Callable[[torch.Tensor], torch.Tensor]:
        def forward(_: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("no C++ compiler\nmore lines")

        return forward

    monkeypatch.setattr(torch, "compile", fake)
    notes: list[str] = []
    assert same_weights(fit(), fit(recipe=replace(SHORT, compile="on"), on_note=notes.append))
    assert notes == ["training goes on uncompiled, since compiling failed: RuntimeError: no C++ compiler"]


@pytest.mark.parametrize(
    ("choice", "device", "steps", "expected"),
    [
        ("auto", "cpu", 10**6, False),
        ("auto", "cuda", 5_460, False),
        ("auto", "cuda", 78_000, True),
        ("on", "cpu", 10, True),
        ("off", "cuda", 10**6, False),
    ],
)
def test_compiling_where_it_pays(choice: str, device: str, steps: int, expected: bool) -> None:
    assert compiling.wanted(choice, torch.device(device), steps) is expected
