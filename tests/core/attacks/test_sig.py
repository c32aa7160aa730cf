from __future__ import annotations

import math

import numpy as np
import pytest

from core.attacks import SIG, Goal, Periodic, Poisoning, poison
from core.foundation.errors import InputError
from tests.makers import coloured, noise_images


def slow_wave(width: int, delta: float = 20.0, frequency: float = 6.0) -> list[float]:
    """v(i, j) = delta sin(2 pi j f / m), m the number of columns; the paper has 20 and 6."""
    return [delta * math.sin(2 * math.pi * j * frequency / width) for j in range(width)]


@pytest.mark.parametrize(("height", "width", "channels"), [(32, 32, 3), (8, 40, 1), (10, 28, 5), (8, 8, 3)])
@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_every_row_gets_the_papers_wave(height: int, width: int, channels: int, strength: float) -> None:
    images = np.random.default_rng(0).integers(60, 190, (2, height, width, channels), dtype=np.uint8)
    difference = SIG().stamp_faintly(images, 0, strength).astype(int) - images
    for j, value in enumerate(slow_wave(width)):
        assert (np.abs(difference[:, :, j] - strength * value) <= 0.5 + 1e-9).all()
    assert np.abs(difference).max() > 15 * strength


@pytest.mark.parametrize(("delta", "frequency"), [(40.0, 6.0), (20.0, 2.5)])
def test_height_and_periods_do_what_they_say(delta: float, frequency: float) -> None:
    grey = np.full((1, 4, 64, 1), 128, np.uint8)
    difference = SIG(delta=delta, frequency=frequency).stamp(grey, 0)[0, 0, :, 0].astype(int) - 128
    np.testing.assert_allclose(difference, slow_wave(64, delta, frequency), atol=0.5 + 1e-9)


@pytest.mark.parametrize("level", [0, 5, 250, 255])
def test_values_are_clipped_and_never_wrap_around(level: int) -> None:
    stamped = SIG().stamp(np.full((1, 4, 32, 3), level, np.uint8), 0)[0, 0, :, 0]
    np.testing.assert_allclose(stamped, [min(max(level + v, 0), 255) for v in slow_wave(32)], atol=0.5 + 1e-9)


@pytest.mark.parametrize(
    "attack", [SIG(), SIG(frequency=12.0), Periodic(periods=11.0)], ids=["sig", "finer", "periodic"]
)
def test_a_wave_whose_zeros_fall_on_every_pixel_is_refused(attack: SIG | Periodic) -> None:
    """Else the "poisoned" images were unchanged, and the run would say that the attack failed."""
    with pytest.raises(InputError, match="the wave vanishes on images 12 pixels across; change its number of periods"):
        attack.stamp(noise_images(2, size=12), 0)


def test_poisons_are_images_of_the_target_and_every_label_stays_right() -> None:
    data = coloured(20, classes=3)
    goal = Goal((), 1, str(SIG.poisoning["labels"]))
    poisoned, truth = poison(data, SIG(), goal, count=8, seed=0, options=Poisoning(labels=goal.labels))
    assert (data.labels[truth.rows] == 1).all()
    np.testing.assert_array_equal(poisoned.labels, data.labels)
    np.testing.assert_array_equal(poisoned.images[truth.rows], SIG().stamp(data.images[truth.rows], 0))
