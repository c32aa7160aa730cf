from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from core.foundation.errors import InputError
from core.foundation.params import build, values_of
from core.training import PRESETS, Recipe
from core.training.recipes import make_optimizer, make_schedule

CPU = torch.device("cpu")
STEPS = 10  # an epoch, in these tests


def preset(name: str, **changes: Any) -> Recipe:
    recipe: Recipe = build(Recipe, {**PRESETS[name].options, **changes})
    return recipe


def curve(recipe: Recipe) -> np.ndarray:
    """The learning rate of each step, (epochs, STEPS)."""
    optimizer = make_optimizer([nn.Parameter(torch.ones(1, 1))], recipe, CPU)
    schedule = make_schedule(optimizer, recipe, recipe.epochs * STEPS)
    rates = []
    for _ in range(recipe.epochs * STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return np.array(rates).reshape(recipe.epochs, STEPS)


def test_every_preset_is_a_sound_recipe_and_says_what_it_reproduces() -> None:
    assert list(PRESETS) == ["fast", "spectre-sgd", "spectre-ranger"]
    for name, entry in PRESETS.items():
        recipe = preset(name)
        assert {k: values_of(recipe)[k] for k in entry.options} == entry.options
        assert entry.title
        assert entry.reproduces.endswith(".")
        assert "Hayase et al. 2021" in entry.reproduces or name == "fast"


def test_fast_is_the_default_whatever_the_data_set_suggests() -> None:
    assert preset("fast") == Recipe()
    assert not {"epochs", "batch_size", "learning_rate", "crop", "flip"} & set(PRESETS["fast"].options)


def test_spectre_sgd_follows_the_papers_curve() -> None:
    rates = curve(preset("spectre-sgd"))
    assert rates.shape == (200, STEPS)
    np.testing.assert_allclose(rates[:75], 0.1)
    np.testing.assert_allclose(rates[75:150], 0.01)
    np.testing.assert_allclose(rates[150:], 0.001)


def test_spectre_ranger_is_flat_for_70_percent_then_a_cosine_to_0() -> None:
    rates = curve(preset("spectre-ranger")).ravel()
    assert len(rates) == 60 * STEPS
    np.testing.assert_allclose(rates[: 42 * STEPS], 0.004)
    falling = np.arange(18 * STEPS) / (18 * STEPS)
    np.testing.assert_allclose(rates[42 * STEPS :], 0.002 * (1 + np.cos(math.pi * falling)), rtol=1e-9)


def test_the_papers_other_figures() -> None:
    sgd, ranger = preset("spectre-sgd"), preset("spectre-ranger")
    assert (sgd.batch_size, sgd.weight_decay, sgd.crop, sgd.flip) == (128, 2e-4, 4, "auto")
    group = make_optimizer([nn.Parameter(torch.ones(1))], sgd, CPU).param_groups[0]
    assert (group["momentum"], group["nesterov"], group["weight_decay"]) == (0.9, True, 2e-4)
    assert (ranger.batch_size, ranger.crop, ranger.flip) == (128, 4, "auto")
    optimizer = make_optimizer([nn.Parameter(torch.ones(1))], ranger, CPU)
    group = optimizer.param_groups[0]
    assert type(optimizer).__name__ == "Ranger"
    assert (group["betas"], group["eps"], group["weight_decay"]) == ((0.9, 0.999), 0.1, 0.1)


def test_one_cycle_rises_to_the_peak_and_falls_to_almost_nothing() -> None:
    rates = curve(Recipe(epochs=10, learning_rate=0.2)).ravel()
    assert rates.argmax() == 30  # after 30 % of the steps
    np.testing.assert_allclose([rates[0], rates.max()], [0.2 / 25, 0.2], rtol=1e-3)
    assert rates[-1] < 0.001
    assert (np.diff(rates[:31]) > 0).all()
    assert (np.diff(rates[30:]) < 0).all()


def test_constant_stays() -> None:
    assert set(curve(Recipe(epochs=3, learning_rate=0.05, schedule="constant")).ravel()) == {0.05}


@pytest.mark.parametrize("schedule", ["one-cycle", "steps", "flat-cosine", "constant"])
@pytest.mark.parametrize("optimizer", ["sgd", "ranger"])
def test_every_optimizer_takes_every_schedule(optimizer: str, schedule: str) -> None:
    recipe = Recipe(epochs=2, optimizer=optimizer, schedule=schedule)
    assert curve(recipe).max() == pytest.approx(recipe.learning_rate, rel=0.01)  # one-cycle peaks between two steps


def descend(
    optimizer: torch.optim.Optimizer, weight: nn.Parameter, loss: Callable[[], torch.Tensor], n: int
) -> list[float]:
    losses = []
    for _ in range(n):
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


def test_ranger_goes_downhill_from_the_first_step() -> None:
    """The library's default goes uphill for the first five."""
    weight = nn.Parameter(torch.full((4, 4), 2.0))
    recipe = Recipe(optimizer="ranger", learning_rate=0.05, weight_decay=0.0)
    optimizer = make_optimizer([weight], recipe, CPU)
    target = 2 + torch.linspace(-1, 1, 4).repeat(4, 1)  # of the same mean in each row, which Ranger's gradients keep
    losses = descend(optimizer, weight, lambda: ((weight - target) ** 2).sum(), 200)
    assert (np.diff(losses[:6]) < 0).all()
    assert losses[-1] < 0.05 * losses[0]


def ranger_by_hand(weight: np.ndarray, target: np.ndarray, rate: float, decay: float, steps: int) -> np.ndarray:
    """Ranger written out: centred gradient, RAdam with decoupled decay, Lookahead every 6 steps by half."""
    b1, b2, eps = 0.9, 0.999, 0.1
    mean, square, slow = np.zeros_like(weight), np.zeros_like(weight), weight.copy()
    longest = 2 / (1 - b2) - 1
    for t in range(1, steps + 1):
        gradient = 2 * (weight - target)
        gradient = gradient - gradient.mean(1, keepdims=True)
        mean, square = b1 * mean + (1 - b1) * gradient, b2 * square + (1 - b2) * gradient**2
        length = longest - 2 * t * b2**t / (1 - b2**t)
        weight = weight * (1 - rate * decay)
        if length >= 5:
            r = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            size = rate * math.sqrt((1 - b2**t) * r) / (1 - b1**t)
            weight = weight - size * mean / (np.sqrt(square) + eps)
        else:
            weight = weight - rate / (1 - b1**t) * mean
        if t % 6 == 0:
            slow = slow + 0.5 * (weight - slow)
            weight = slow.copy()
    return weight


def test_ranger_is_the_published_algorithm() -> None:
    start, target = torch.linspace(-1, 2, 12).view(3, 4), torch.linspace(1, -1, 12).view(3, 4).sin()
    weight = nn.Parameter(start.clone())
    optimizer = make_optimizer([weight], preset("spectre-ranger"), CPU)
    descend(optimizer, weight, lambda: ((weight - target) ** 2).sum(), 40)
    expected = ranger_by_hand(start.numpy().astype(float), target.numpy().astype(float), 0.004, 0.1, 40)
    np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=1e-4, atol=1e-6)


def test_without_the_library_ranger_is_refused_and_sgd_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytorch_optimizer", None)
    with pytest.raises(InputError, match="needs the package pytorch-optimizer; install it or choose sgd"):
        Recipe(optimizer="ranger")
    assert curve(Recipe(epochs=1)).size == STEPS


def test_no_epochs_need_weights() -> None:
    with pytest.raises(InputError, match="epochs = 0 needs weights to take as they are; set weights or raise epochs"):
        Recipe(epochs=0)
    assert Recipe(epochs=0, weights="model.safetensors").epochs == 0
