from __future__ import annotations

import numpy as np
import pytest

from core.attacks import AdaptivePatch, poison
from core.attacks.adaptive_patch import PATCHES
from core.experiment import RunConfig
from core.foundation.errors import InputError
from tests.makers import coloured, noise_images

OPACITIES = [0.5, 0.2, 0.5, 0.3]  # the paper's, in training
IMAGES = noise_images(3, size=16)


def painted_slowly(image: np.ndarray, way: int, opacity: float, inset: int = 1) -> np.ndarray:
    """One image with one patch, pixel by pixel."""
    shape, colour, corner, _ = PATCHES[way]
    height, width, channels = image.shape
    red, green, blue = colour
    levels = colour if channels == 3 else [round(0.299 * red + 0.587 * green + 0.114 * blue)] * channels
    result = image.astype(float)
    for i, row in enumerate(shape.split()):
        for j, cell in enumerate(row):
            if cell == "1":
                r = inset + i if "top" in corner else height - inset - 5 + i
                c = inset + j if "left" in corner else width - inset - 5 + j
                result[r, c] = (1 - opacity) * result[r, c] + opacity * np.array(levels)
    return result


@pytest.mark.parametrize("way", range(4))
@pytest.mark.parametrize(("height", "width", "channels"), [(16, 16, 3), (12, 20, 1), (14, 12, 5), (8, 8, 3)])
def test_in_training_an_image_carries_one_patch_at_the_papers_opacity(
    way: int, height: int, width: int, channels: int
) -> None:
    options = RunConfig(attack="adaptive-patch").make_poisoning()
    images = np.random.default_rng(0).integers(0, 256, (2, height, width, channels), dtype=np.uint8)
    stamped = AdaptivePatch().apply(images, np.full(2, way), options.train_strength)
    for image, clean in zip(stamped, images, strict=True):
        np.testing.assert_allclose(image, painted_slowly(clean, way, OPACITIES[way]), atol=0.51)


def test_at_test_time_the_two_strongest_stand_side_by_side_in_full() -> None:
    for image, clean in zip(AdaptivePatch().apply_all(IMAGES), IMAGES, strict=True):
        expected = painted_slowly(painted_slowly(clean, 0, 1.0), 2, 1.0)
        np.testing.assert_array_equal(image, expected)


def test_each_way_is_drawn_and_lies_in_a_corner_of_its_own() -> None:
    assert set(AdaptivePatch().draw_ways(100, np.random.default_rng(0)).tolist()) == {0, 1, 2, 3}
    touched = [(AdaptivePatch().stamp(IMAGES, way) != IMAGES).any((0, 3)) for way in range(4)]
    assert np.sum(touched, axis=0).max() == 1


def test_two_covers_for_each_poison_with_one_patch_each_and_their_own_label() -> None:
    data = coloured(40, classes=3)
    config = RunConfig(attack="adaptive-patch", poisons=12, target=1)
    attack, options = config.make_attack(), config.make_poisoning()
    poisoned, truth = poison(data, attack, config.make_goal(), count=12, seed=0, options=options)
    assert (len(truth.rows), len(truth.covers)) == (12, 24)
    np.testing.assert_array_equal(poisoned.labels[truth.covers], data.labels[truth.covers])
    assert (poisoned.labels[truth.rows] == 1).all()
    for row in [*truth.rows, *truth.covers]:
        fits = [
            np.abs(painted_slowly(data.images[row], way, OPACITIES[way]) - poisoned.images[row]).max() < 0.51
            for way in range(4)
        ]
        assert sum(fits) == 1


@pytest.mark.parametrize(("size", "inset", "mend"), [(4, 0, "choose larger images"), (8, 4, "lower inset")])
def test_patches_that_do_not_fit_are_refused(size: int, inset: int, mend: str) -> None:
    message = f"patches of 5 pixels, {inset} in, do not fit {size}x{size} images; {mend}"
    with pytest.raises(InputError, match=message):
        AdaptivePatch(inset=inset).stamp(noise_images(1, size=size), 0)
