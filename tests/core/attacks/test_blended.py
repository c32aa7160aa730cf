from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.attacks import Blended
from core.attacks.blended import PATTERNS, draw
from core.foundation.errors import InputError
from core.foundation.params import build
from tests.makers import noise_images

IMAGES = noise_images(3, size=9)


def mixed_slowly(image: np.ndarray, pattern: np.ndarray, alpha: float) -> list[float]:
    """(1 - alpha) * image + alpha * pattern, value by value."""
    pairs = zip(image.ravel().tolist(), pattern.ravel().tolist(), strict=True)
    return [(1 - alpha) * a + alpha * b for a, b in pairs]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize(("height", "width", "channels"), [(9, 9, 3), (8, 13, 1), (5, 4, 5)])
@pytest.mark.parametrize(("alpha", "strength"), [(0.2, 1.0), (0.2, 0.75), (0.5, 0.5), (1.0, 1.0)])
def test_each_value_is_the_mixture_of_image_and_pattern(
    pattern: str, height: int, width: int, channels: int, alpha: float, strength: float
) -> None:
    images = np.random.default_rng(1).integers(0, 256, (2, height, width, channels), dtype=np.uint8)
    stamped = Blended(alpha=alpha, pattern=pattern).stamp_faintly(images, 0, strength)
    for clean, image in zip(images, stamped, strict=True):
        expected = mixed_slowly(clean, draw(pattern, height, width, channels), alpha * strength)
        np.testing.assert_allclose(image.ravel(), expected, atol=0.51)


def test_full_opacity_leaves_nothing_of_the_image() -> None:
    stamped = Blended(alpha=1.0).stamp(IMAGES, 0)
    np.testing.assert_array_equal(stamped, np.broadcast_to(draw("noise", 9, 9, 3), IMAGES.shape))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_uses_the_whole_range_and_has_colour(pattern: str) -> None:
    levels = draw(pattern, 32, 32, 3)
    assert 0 <= levels.min() < 10
    assert 245 < levels.max() <= 255
    assert np.ptp(levels, axis=2).mean() > 50, "its channels differ"


def test_patterns_differ_and_are_the_same_every_time() -> None:
    drawn = [draw(pattern, 16, 16, 3) for pattern in PATTERNS]
    assert not np.allclose(drawn[0], drawn[1])
    assert not np.allclose(drawn[1], drawn[2])
    before = [levels.copy() for levels in drawn]
    draw.cache_clear()
    for pattern, levels in zip(PATTERNS, before, strict=True):
        np.testing.assert_array_equal(draw(pattern, 16, 16, 3), levels)


def test_the_cached_pattern_cannot_be_spoilt() -> None:
    with pytest.raises(ValueError, match="read-only"):
        draw("noise", 8, 8, 3)[:] = 0


def test_a_picture_of_the_users_is_blended_in_with_its_transparency(tmp_path: Path) -> None:
    rgba = np.full((9, 9, 4), 255, np.uint8)
    rgba[:, :4, 3] = 0
    Image.fromarray(rgba, "RGBA").save(tmp_path / "half.png")
    stamped = Blended(alpha=0.4, picture=str(tmp_path / "half.png")).stamp(IMAGES, 0)
    np.testing.assert_array_equal(stamped[:, :, :3], IMAGES[:, :, :3])  # the column between is smoothed
    np.testing.assert_allclose(stamped[:, :, 6:], 0.6 * IMAGES[:, :, 6:] + 0.4 * 255, atol=0.51)


def test_a_picture_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match=r"there is no picture at /nowhere\.png; give the path"):
        Blended(picture="/nowhere.png").stamp(IMAGES, 0)


@pytest.mark.parametrize("alpha", [0, 1.01, "nan"])
def test_an_opacity_out_of_range_is_refused(alpha: object) -> None:
    with pytest.raises(InputError, match="alpha"):
        build(Blended, {"alpha": alpha})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "a noise pattern blended in at 20 %"),
        ({"pattern": "rings", "alpha": 0.29}, "a pattern of rings blended in at 29 %"),
        ({"picture": "x.png"}, "a picture blended in at 20 %"),
    ],
)
def test_in_words(options: dict[str, object], words: str) -> None:
    assert build(Blended, options).in_words() == words
