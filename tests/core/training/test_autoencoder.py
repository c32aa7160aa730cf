from __future__ import annotations

import numpy as np
import pytest
import torch

from core.foundation.errors import Cancelled
from core.foundation.images import ImageData
from core.foundation.tensors import to_device
from core.models import Autoencoder
from core.models import autoencoder as networks
from core.training import autoencoder, train_autoencoder
from tests.makers import noise_images

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in (
        (autoencoder, "STEPS", 10), (autoencoder, "BATCH", 16), (networks, "WIDTHS", (8, 8, 16)), (networks, "CODE", 8),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)


def bars(n: int = 80, height: int = 16, width: int = 16, channels: int = 1) -> ImageData:
    """One bright bar at a place of its own on a dark ground: easy to encode, but not all the same."""
    rng = np.random.default_rng(0)
    images = np.full((n, height, width, channels), 40, np.uint8)
    for image, row in zip(images, rng.integers(0, height - 4, n), strict=True):
        image[row : row + 4] = 200
    return ImageData(images, np.arange(n) % 2, ("a", "b"))


def error(model: Autoencoder, data: ImageData) -> float:
    """Mean squared error in grey levels."""
    x = to_device(data.images, CPU)
    with torch.inference_mode():
        return float(((model(x) - x.float()) ** 2).mean())


@pytest.mark.parametrize(("height", "width"), [(16, 16), (9, 13)])
def test_it_learns_to_give_images_back(height: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autoencoder, "STEPS", 60)
    monkeypatch.setattr(autoencoder, "LEARNING_RATE", 1e-2)
    data = bars(height=height, width=width)
    trained = train_autoencoder(data, seed=0, device=CPU)
    torch.manual_seed(0)
    untrained = Autoencoder(1).eval()
    spread = float(data.images.astype(float).var(axis=0).mean())  # what the mean image alone would miss by
    assert error(trained, data) < 0.6 * spread < spread < error(untrained, data)
    assert not trained.training


def test_the_seed_fixes_the_weights_and_the_worlds_chance_is_left_alone() -> None:
    data, state = bars(20, height=8, width=8), torch.random.get_rng_state()
    once, again, other = (train_autoencoder(data, seed=seed, device=CPU) for seed in (1, 1, 2))
    x = to_device(data.images, CPU)
    assert torch.equal(once(x), again(x))
    assert not torch.allclose(once(x), other(x))
    assert torch.equal(state, torch.random.get_rng_state())


def test_fewer_images_than_a_batch_are_enough() -> None:
    data = ImageData(noise_images(3, size=8), np.array([0, 1, 0]), ("a", "b"))
    assert np.isfinite(error(train_autoencoder(data, seed=0, device=CPU), data))


def test_progress_rises_to_one_and_a_cancel_is_heard() -> None:
    shares: list[float] = []
    train_autoencoder(bars(10), seed=0, device=CPU, on_step=shares.append)
    assert shares == sorted(set(shares))
    assert (len(shares), shares[-1]) == (10, 1.0)

    def stop(share: float) -> None:
        if share > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        train_autoencoder(bars(10), seed=0, device=CPU, on_step=stop)
