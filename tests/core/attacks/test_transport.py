"""What happens to images on their way, and what is left of a trigger after it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from core.attacks import Patch, Transport, left_of_trigger
from core.attacks.transport import BATCH, LONGEST
from core.foundation.errors import InputError
from tests.makers import noise_images

PHOTOS = np.clip(  # smooth, as photographs are: noise would lose nearly everything
    120 + 80 * np.sin(np.linspace(0, 3, 32))[None, :, None, None] + np.arange(-20, 30, 10)[:, None, None, None]
    + np.linspace(-30, 30, 32)[None, None, :, None] * np.array([1.0, 0.5, -0.5]), 0, 255,
).astype(np.uint8)  # fmt: skip


def stamped(images: np.ndarray) -> np.ndarray:
    return Patch().apply_all(images)


def left(way: Transport, images: np.ndarray = PHOTOS) -> float:
    share = left_of_trigger(images, stamped(images), way.apply(images), way.apply(stamped(images)))
    assert share is not None
    return share


# --- the way


def test_nothing_is_done_unless_it_is_asked_for() -> None:
    assert Transport().apply(PHOTOS) is PHOTOS
    assert Transport().in_words() == ""


@pytest.mark.parametrize("channels", [1, 3])
def test_png_brings_every_pixel_back(channels: int) -> None:
    images = noise_images(5, size=9, channels=channels)
    np.testing.assert_array_equal(Transport("png").apply(images), images)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "way", [Transport("jpeg"), Transport("webp"), Transport(resize=64), Transport("webp", 40, 64)], ids=str
)
def test_each_image_arrives_in_its_place_with_its_shape(way: Transport, channels: int) -> None:
    """More than a batch, so that threads share the work; wide, so that the sides cannot be exchanged."""
    images = np.repeat(PHOTOS[:, :20, :, :channels], 2 * BATCH // len(PHOTOS) + 1, axis=0)
    arrived = way.apply(images)
    assert (arrived.shape, arrived.dtype) == (images.shape, np.uint8)
    assert (arrived != images).any()
    assert np.abs(arrived.astype(int) - images).mean() < 4
    np.testing.assert_array_equal(way.apply(images[-1:])[0], arrived[-1])


def test_jpeg_is_that_of_pillow_at_this_quality() -> None:
    file = io.BytesIO()
    Image.fromarray(PHOTOS[0]).save(file, "JPEG", quality=30)
    np.testing.assert_array_equal(Transport("jpeg", 30).apply(PHOTOS[:1])[0], np.asarray(Image.open(file)))


def test_another_size_and_back_is_the_antialiased_filter_written_out() -> None:
    """Bilinear: a hat on each pixel of the larger grid, as wide as a pixel of the smaller one both ways."""
    row = noise_images(1, size=8, channels=1)[0, 0, :, 0].astype(float)

    def hats(source: int, target: int) -> np.ndarray:
        scale = source / target
        centres = (np.arange(target)[:, None] + 0.5) * scale
        weights = np.maximum(0, 1 - np.abs(np.arange(source) + 0.5 - centres) / max(scale, 1))
        return weights / weights.sum(1, keepdims=True)

    images = np.broadcast_to(row.astype(np.uint8)[None, None, :, None], (1, 8, 8, 1)).copy()
    expected = hats(32, 8) @ np.rint(hats(8, 32) @ row)
    np.testing.assert_allclose(Transport(resize=32).apply(images)[0, 3, :, 0], expected, atol=1)


def test_the_size_comes_before_the_file() -> None:
    one_by_one = Transport("jpeg").apply(Transport(resize=64).apply(PHOTOS))
    np.testing.assert_array_equal(Transport("jpeg", resize=64).apply(PHOTOS), one_by_one)


def test_it_tells_how_far_it_is() -> None:
    told: list[float] = []
    Transport("png").apply(noise_images(BATCH + 1, size=4), told.append)
    assert told == [BATCH / (BATCH + 1), 1.0]


def test_a_set_without_images_arrives() -> None:
    assert len(Transport("jpeg").apply(PHOTOS[:0])) == 0


@pytest.mark.parametrize(
    ("way", "shape", "message"),
    [
        (Transport("jpeg"), (1, 8, 8, 2), "images of 2 channels cannot travel as files; take images of 1 or 3"),
        (Transport(resize=64), (1, 8, 8, 4), "images of 4 channels cannot travel"),
        (Transport("webp"), (1, 1, LONGEST + 1, 1), "images of 16384x1 are too long to travel"),
        (Transport(resize=1024), (1, 1, 17, 1), "images of 17x1 are too long to travel"),
    ],
)
def test_what_cannot_travel_is_refused_in_a_line(way: Transport, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        way.apply(np.zeros(shape, np.uint8))
    assert "\n" not in str(caught.value)


def test_a_format_that_pillow_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda name: name != "webp")
    assert len(Transport("jpeg").apply(PHOTOS)) == len(PHOTOS)
    with pytest.raises(InputError, match="Pillow was built here without WebP; choose another"):
        Transport("webp").apply(PHOTOS)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"format": "jpeg"}, "as JPEG of quality 75"),
        ({"format": "png", "quality": 3}, "as PNG"),
        ({"resize": 224}, "by way of 224 pixels a side"),
        ({"resize": 224, "format": "webp", "quality": 50}, "by way of 224 pixels a side, then as WebP of quality 50"),
    ],
)
def test_it_is_said_in_words(options: dict[str, Any], words: str) -> None:
    assert Transport(**options).in_words() == words


# --- what is left of a trigger


def test_all_of_it_is_left_where_nothing_happens() -> None:
    assert left(Transport()) == 1.0
    assert left(Transport("png")) == 1.0


def test_a_share_of_it_is_that_share() -> None:
    clean = np.full((3, 8, 8, 3), 100, np.uint8)
    poisoned, faint = clean.copy(), clean.copy()
    poisoned[:, 2, 3] = 140
    faint[:, 2, 3] = 110
    assert left_of_trigger(clean, poisoned, clean, faint) == 0.25
    assert left_of_trigger(clean, faint, clean, poisoned) == 4.0


def test_nothing_of_it_is_left_in_noise() -> None:
    """1,000 images: the mean of <noise, d> / <d, d> deviates by sqrt(2) 74 / (200 sqrt(27)) / sqrt(1000) = 0.003."""
    clean = np.full((1000, 8, 8, 3), 20, np.uint8)
    poisoned = clean.copy()
    poisoned[:, :3, :3] = 220
    share = left_of_trigger(clean, poisoned, noise_images(1000, 8, seed=1), noise_images(1000, 8, seed=2))
    assert share is not None
    assert abs(share) < 4 * 0.0032


def test_it_agrees_with_a_slow_sum_over_every_image() -> None:
    a, b, c, d = (noise_images(BATCH + 3, 4, seed=seed).astype(np.uint8) for seed in range(4))
    shares = []
    for i in range(len(a)):
        change, arrived = b[i].astype(int) - a[i], d[i].astype(int) - c[i]
        shares.append(
            sum(x * y for x, y in zip(change.flat, arrived.flat, strict=True)) / sum(x * x for x in change.flat)
        )
    assert left_of_trigger(a, b, c, d) == pytest.approx(np.mean(shares), rel=1e-12)


def test_images_that_the_trigger_did_not_change_do_not_count() -> None:
    clean = np.concatenate([PHOTOS, np.full((4, 32, 32, 3), 255, np.uint8)])  # a white patch on white
    way = Transport(resize=64)
    assert left(way, clean) == left(way)
    assert left_of_trigger(clean[-4:], stamped(clean[-4:]), clean[:4], stamped(clean[:4])) is None
    assert left_of_trigger(clean[:0], clean[:0], clean[:0], clean[:0]) is None


def test_less_is_left_by_lower_quality_and_another_size() -> None:
    assert 1.05 > left(Transport("jpeg", 95)) > left(Transport("jpeg", 30)) > 0.3
    assert 0.9 > left(Transport(resize=224)) > 0.6
