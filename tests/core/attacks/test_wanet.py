from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from core.attacks import WaNet, wanet
from tests.makers import noise_images

SLOPE = 6  # grey levels a pixel: on a ramp, a shift by x pixels changes the level by 6 x


def cubic(t: float) -> float:
    """Keys' kernel with a = -0.75, as PyTorch has it."""
    t, a = abs(t), -0.75
    if t <= 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0


def smoothed(vectors: np.ndarray, row: float, column: float) -> float:
    """Bicubic interpolation between the (k, k) control values at a place in units of their spacing."""
    last = len(vectors) - 1
    total = 0.0
    for i in range(math.floor(row) - 1, math.floor(row) + 3):
        for j in range(math.floor(column) - 1, math.floor(column) + 3):
            weight = cubic(row - i) * cubic(column - j)
            total += weight * vectors[min(max(i, 0), last), min(max(j, 0), last)]
    return total


def warped_slowly(image: np.ndarray, *, k: int, s: float, field: int, noise: np.ndarray | None = None) -> np.ndarray:
    """One image (h, w, c), pixel by pixel, as the paper and the authors' code have it.

    noise: (h, w, 2) of -1..1, x before y, for the paper's noise mode; added to what is already within the image.
    """
    height, width, channels = image.shape
    noise = np.zeros((height, width, 2)) if noise is None else noise
    uniform = torch.rand(1, 2, k, k, generator=torch.Generator().manual_seed(field)).numpy()[0].astype(float) * 2 - 1
    control = uniform / np.abs(uniform).mean()  # (2, k, k): along x, along y
    result = np.zeros(image.shape)
    for r in range(height):
        for c in range(width):
            at = (r * (k - 1) / (height - 1), c * (k - 1) / (width - 1))  # corners on corners
            x = -1 + 2 * c / (width - 1) + s * smoothed(control[0], *at) / width
            y = -1 + 2 * r / (height - 1) + s * smoothed(control[1], *at) / height
            x, y = min(max(x, -1), 1), min(max(y, -1), 1)
            x, y = x + noise[r, c, 0] / width, y + noise[r, c, 1] / height
            x, y = min(max(x, -1), 1), min(max(y, -1), 1)
            column, row = (x + 1) / 2 * (width - 1), (y + 1) / 2 * (height - 1)
            left, upper = min(int(column), width - 2), min(int(row), height - 2)
            right, down = column - left, row - upper
            for channel in range(channels):
                pixels = image[upper : upper + 2, left : left + 2, channel].astype(float)
                above = (1 - right) * pixels[0, 0] + right * pixels[0, 1]
                below = (1 - right) * pixels[1, 0] + right * pixels[1, 1]
                result[r, c, channel] = (1 - down) * above + down * below
    return result


def ramp(height: int = 40, width: int = 40) -> np.ndarray:
    """One grey image that rises from left to right."""
    return np.broadcast_to(SLOPE * np.arange(width), (height, width))[None, :, :, None].astype(np.uint8)


@pytest.mark.parametrize(("height", "width", "channels"), [(8, 8, 3), (7, 12, 1), (11, 6, 5)])
@pytest.mark.parametrize(("grid", "warp", "field"), [(4, 0.5, 0), (2, 4.0, 7), (5, 8.0, 1)])
def test_the_warp_is_the_papers(height: int, width: int, channels: int, grid: int, warp: float, field: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)
    stamped = WaNet(grid=grid, warp=warp, field=field).stamp(image[None], 0)[0]
    expected = warped_slowly(image, k=grid, s=warp, field=field)
    np.testing.assert_allclose(stamped, expected, atol=0.51)
    assert (np.abs(expected - image) > 1).any()


@pytest.mark.parametrize("warp", [0.5, 8.0])
def test_covers_are_the_papers_noise_mode(warp: float) -> None:
    image = np.random.default_rng(0).integers(0, 256, (7, 10, 3), dtype=np.uint8)
    cover = WaNet(warp=warp).cover(image[None], 1.0, np.random.default_rng(5))[0]
    noise = 2 * np.random.default_rng(5).random((7, 10, 2), np.float32) - 1
    expected = warped_slowly(image, k=4, s=warp, field=0, noise=noise)
    np.testing.assert_allclose(cover, expected, atol=0.51)


def test_half_the_strength_is_half_the_warp() -> None:
    images = noise_images(2, size=16)
    np.testing.assert_array_equal(
        WaNet(warp=4.0).stamp_faintly(images, 0, 0.5), WaNet(warp=2.0).stamp_faintly(images, 0, 1.0)
    )


def test_the_paper_s_warp_moves_pixels_by_a_fraction_of_their_width() -> None:
    """The mean control vector has length 1 in each direction, so a warp of 0.5 moves by a quarter of a pixel or so."""
    shifts = [
        (WaNet(field=field).stamp(ramp(), 0)[0, :, 2:-2, 0].astype(float) - ramp()[0, :, 2:-2, 0]) / SLOPE
        for field in range(10)
    ]
    assert 0.1 < np.abs(shifts).mean() < 0.4
    assert np.abs(shifts).max() < 1.5


def test_covers_are_shaken_by_up_to_half_a_pixel_around_the_trigger_each_in_its_own_way() -> None:
    attack, images = WaNet(warp=0.5), np.repeat(ramp(), 5, axis=0)
    trigger = attack.stamp(images, 0)[:, :, 2:-2, 0].astype(float)
    covers = attack.cover(images, 1.0, np.random.default_rng(0))[:, :, 2:-2, 0]
    shaken = (covers - trigger) / SLOPE
    assert np.abs(shaken).max() < 0.5 + 1 / SLOPE  # both are rounded
    assert abs(shaken.mean()) < 0.02
    assert shaken.std() == pytest.approx(0.5 / math.sqrt(3), abs=0.05)  # of a uniform distribution
    assert not np.array_equal(covers[0], covers[1])


def test_the_generator_decides_the_covers_and_nothing_else_the_trigger() -> None:
    images = noise_images(3, size=12)
    once, again, other = (WaNet().cover(images, 1.0, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)
    state = torch.random.get_rng_state()
    np.testing.assert_array_equal(WaNet().stamp(images, 0), WaNet().stamp(images, 0))
    assert torch.equal(state, torch.random.get_rng_state())
    assert not np.array_equal(WaNet(field=1).stamp(images, 0), WaNet().stamp(images, 0))


def test_batches_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    images = noise_images(7, size=32)
    whole = WaNet().stamp(images, 0), WaNet().cover(images, 1.0, np.random.default_rng(0))
    monkeypatch.setattr(wanet, "BATCH", 3)
    np.testing.assert_array_equal(WaNet().stamp(images, 0), whole[0])
    np.testing.assert_array_equal(WaNet().cover(images, 1.0, np.random.default_rng(0)), whole[1])


@pytest.mark.parametrize("size", [1, 2, 3])
def test_tiny_images_are_warped_too(size: int) -> None:
    images = noise_images(2, size=size)
    for stamped in (WaNet().stamp(images, 0), WaNet().cover(images, 1.0, np.random.default_rng(0))):
        assert (stamped.shape, stamped.dtype) == (images.shape, np.uint8)


def test_a_plain_image_stays_as_it_is() -> None:
    plain = np.full((1, 8, 8, 3), 255, np.uint8)
    np.testing.assert_array_equal(WaNet(warp=8.0).stamp(plain, 0), plain)


def test_the_papers_covers_are_two_for_each_poison() -> None:
    assert WaNet.poisoning == {"cover_rate": 2.0}
    assert WaNet().in_words() == "a slight warp (pixels move by about 0.25 of their width)"
