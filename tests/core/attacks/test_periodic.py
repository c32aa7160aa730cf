from __future__ import annotations

import math

import numpy as np
import pytest

from core.attacks import Periodic
from tests.makers import noise_images

MIDDLE = noise_images(3, low=60, high=190)


def slow_wave(length: int, amplitude: float = 6.0, periods: float = 8.0) -> list[float]:
    """amplitude * sin(linspace(0, 2 pi periods, length)), number by number; the paper has 6 and 16 pi."""
    return [amplitude * math.sin(2 * math.pi * periods * i / (length - 1)) for i in range(length)]


@pytest.mark.parametrize("channels", [1, 3])
def test_first_way_is_the_papers_wave_along_the_rows(channels: int) -> None:
    images = noise_images(2, channels=channels, low=60, high=190)
    difference = Periodic().stamp(images, 0).astype(int) - images
    for x, value in enumerate(slow_wave(32)):
        assert (np.abs(difference[:, :, x] - value) <= 0.5 + 1e-9).all()
    assert (difference == difference[:1, :1, :, :1]).all(), "the same in every image, row and channel"
    assert np.abs(difference).max() == 6


def test_second_way_is_the_same_wave_upright() -> None:
    attack = Periodic(ways=2)
    upright = attack.stamp(MIDDLE.transpose(0, 2, 1, 3), 0).transpose(0, 2, 1, 3)
    np.testing.assert_array_equal(attack.stamp(MIDDLE, 1), upright)
    assert not np.array_equal(attack.stamp(MIDDLE, 0), attack.stamp(MIDDLE, 1))


def test_both_ways_together_add_up() -> None:
    attack = Periodic(ways=2)
    assert (Periodic().number_of_ways, attack.number_of_ways) == (1, 2)
    difference = attack.apply_all(MIDDLE).astype(int) - MIDDLE
    single = [attack.stamp(MIDDLE, way).astype(int) - MIDDLE for way in (0, 1)]
    np.testing.assert_array_equal(difference, single[0] + single[1])


@pytest.mark.parametrize("level", [0, 2, 253, 255])
def test_values_are_clipped_and_never_wrap_around(level: int) -> None:
    stamped = Periodic(amplitude=20).stamp(np.full((1, 32, 32, 3), level, np.uint8), 0)[0, 0, :, 0]
    expected = [min(max(level + w, 0), 255) for w in slow_wave(32, amplitude=20)]
    np.testing.assert_allclose(stamped, expected, atol=0.5 + 1e-9)


@pytest.mark.parametrize(("amplitude", "periods"), [(6.0, 2.0), (40.0, 8.0)])
def test_amplitude_and_periods_do_what_they_say(amplitude: float, periods: float) -> None:
    wide = np.full((1, 8, 101, 1), 128, np.uint8)
    difference = Periodic(amplitude=amplitude, periods=periods).stamp(wide, 0)[0, 0, :, 0].astype(int) - 128
    np.testing.assert_allclose(difference, slow_wave(101, amplitude, periods), atol=0.5 + 1e-9)


def test_the_given_images_are_not_touched() -> None:
    before = MIDDLE.copy()
    Periodic(ways=2).apply_all(MIDDLE)
    np.testing.assert_array_equal(MIDDLE, before)
