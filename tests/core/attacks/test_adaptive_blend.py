from __future__ import annotations

import numpy as np
import pytest

from core.attacks import AdaptiveBlend, Blended, poison
from core.attacks.blended import draw
from core.experiment import RunConfig
from core.foundation.errors import InputError
from tests.makers import coloured, noise_images

EVERY = (1 << 16) - 1


def is_there(way: int, row: int, column: int, height: int, width: int) -> bool:
    """Whether the pixel lies in one of the pieces of the way; pieces are numbered along the rows, four a row."""
    piece = (row * 4 // height) * 4 + column * 4 // width
    return bool(way >> piece & 1)


@pytest.mark.parametrize("pieces", [1, 8, 15, 16])
def test_each_image_carries_that_many_pieces_drawn_afresh(pieces: int) -> None:
    ways = AdaptiveBlend(pieces=pieces).draw_ways(400, np.random.default_rng(0))
    here = ways[:, None] >> np.arange(16) & 1
    assert (here.sum(1) == pieces).all()
    np.testing.assert_allclose(here.mean(0), pieces / 16, atol=0.1)  # no piece is favoured
    assert len(set(ways.tolist())) >= (1 if pieces == 16 else 15)


@pytest.mark.parametrize(("height", "width", "channels"), [(8, 8, 3), (9, 14, 1), (4, 5, 5)])
@pytest.mark.parametrize("strength", [1.0, 0.75])
def test_only_the_pieces_of_its_way_are_blended_into_an_image(
    height: int, width: int, channels: int, strength: float
) -> None:
    attack = AdaptiveBlend(alpha=0.2)
    images = np.random.default_rng(3).integers(0, 256, (3, height, width, channels), dtype=np.uint8)
    ways = attack.draw_ways(3, np.random.default_rng(1))
    stamped = attack.apply(images, ways, strength)
    levels = draw("rings", height, width, channels)
    for image, clean, way in zip(stamped, images, ways.tolist(), strict=True):
        for r in range(height):
            for c in range(width):
                share = 0.2 * strength if is_there(way, r, c, height, width) else 0.0
                mixed = (1 - share) * clean[r, c].astype(float) + share * levels[r, c]
                np.testing.assert_allclose(image[r, c], mixed, atol=0.51)


def test_at_test_time_the_whole_pattern_is_shown() -> None:
    images = noise_images(4, size=16)
    whole = Blended(pattern="rings", alpha=0.2).stamp(images, 0)
    attack = AdaptiveBlend()
    np.testing.assert_array_equal(attack.apply_all(images), whole)
    np.testing.assert_array_equal(attack.stamp(images, 0), whole)
    np.testing.assert_array_equal(attack.apply(images, np.full(4, EVERY)), whole)


def test_a_preview_that_counts_ways_from_zero_shows_the_pattern() -> None:
    """The Lab shows image i with way i modulo the number of ways: the empty set of pieces would show nothing."""
    images = noise_images(2, size=16)
    np.testing.assert_array_equal(AdaptiveBlend().apply(images, np.zeros(2, int)), AdaptiveBlend().stamp(images, 0))


def test_poisons_and_as_many_covers_carry_half_the_pieces_at_15_percent() -> None:
    data = coloured(30, classes=3)
    config = RunConfig(attack="adaptive-blend", poisons=12, target=1)
    attack, options = config.make_attack(), config.make_poisoning()
    assert isinstance(attack, AdaptiveBlend)
    assert options.train_strength * attack.alpha == pytest.approx(0.15)
    assert options.test_strength * attack.alpha == pytest.approx(0.2)
    poisoned, truth = poison(data, attack, config.make_goal(), count=12, seed=0, options=options)
    assert len(truth.covers) == 12
    assert (poisoned.labels[truth.rows] == 1).all()
    np.testing.assert_array_equal(poisoned.labels[truth.covers], data.labels[truth.covers])
    shares = []
    for row in [*truth.rows, *truth.covers]:
        blocks = (poisoned.images[row] != data.images[row]).any(2).reshape(4, 4, 4, 4).any((1, 3))
        shares.append(blocks.sum())
    assert set(shares) == {8}


def test_images_too_small_for_the_pieces_are_refused() -> None:
    with pytest.raises(InputError, match="3x3 images cannot be cut into 4x4 pieces; choose larger images"):
        AdaptiveBlend().stamp(noise_images(1, size=3), 0)


def test_in_words() -> None:
    assert AdaptiveBlend().in_words() == "8 of 16 pieces of a pattern of rings blended in at 20 %"
