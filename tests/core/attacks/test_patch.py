from __future__ import annotations

import numpy as np
import pytest

from core.attacks.patch import COLOURS, CORNERS, Patch
from core.errors import InputError
from tests.makers import noise_images

IMAGES = noise_images(4, size=12, low=10, high=200)  # no pixel is white, yellow or black already


def changed(attack: Patch, images: np.ndarray = IMAGES) -> np.ndarray:
    """(h, w) bool: pixels that differ in every image; all images must agree."""
    differs = (attack.stamp(images, 0) != images).any(3)
    assert (differs == differs[0]).all()
    return differs[0]


@pytest.mark.parametrize("inset", [0, 1, 4])
@pytest.mark.parametrize(
    ("corner", "rows", "columns"),
    [
        ("top left", slice(0, 3), slice(0, 3)),
        ("top right", slice(0, 3), slice(9, 12)),
        ("bottom left", slice(9, 12), slice(0, 3)),
        ("bottom right", slice(9, 12), slice(9, 12)),
    ],
)
def test_exactly_the_square_changes(corner: str, rows: slice, columns: slice, inset: int) -> None:
    def moved(part: slice) -> slice:
        step = inset if part.start == 0 else -inset
        return slice(part.start + step, part.stop + step)

    expected = np.zeros((12, 12), bool)
    expected[moved(rows), moved(columns)] = True
    np.testing.assert_array_equal(changed(Patch(size=3, inset=inset, corner=corner)), expected)


def test_all_corners_and_colours_on_offer_are_tested_or_painted() -> None:
    assert set(CORNERS) == {"top left", "top right", "bottom left", "bottom right"}
    for colour, rgb in COLOURS.items():
        stamped = Patch(size=2, inset=0, corner="top left", colour=colour).stamp(IMAGES, 0)
        assert (stamped[:, :2, :2] == np.array(rgb)).all()


@pytest.mark.parametrize(("colour", "level"), [("white", 255), ("black", 0), ("red", 66), ("yellow", 211)])
def test_on_grey_images_the_square_has_the_brightness_of_its_colour(colour: str, level: int) -> None:
    grey = noise_images(2, channels=1, low=100, high=150)
    stamped = Patch(size=4, inset=0, corner="top left", colour=colour).stamp(grey, 0)
    assert (stamped[:, :4, :4] == level).all()


def test_the_given_images_are_not_touched() -> None:
    before = IMAGES.copy()
    stamped = Patch().stamp(IMAGES, 0)
    np.testing.assert_array_equal(IMAGES, before)
    assert (stamped.dtype, stamped.shape) == (np.uint8, IMAGES.shape)


def test_on_oblong_images_the_corner_is_the_images_own() -> None:
    wide = np.full((1, 6, 20, 3), 100, np.uint8)
    rows, columns = np.nonzero(changed(Patch(size=2, inset=1), wide))
    assert (set(rows), set(columns)) == ({3, 4}, {17, 18})


def test_the_largest_patch_that_fits_fills_the_image() -> None:
    assert changed(Patch(size=12, inset=0)).all()


@pytest.mark.parametrize(("size", "inset"), [(13, 0), (12, 1), (3, 10)])
def test_a_patch_that_does_not_fit_is_refused(size: int, inset: int) -> None:
    with pytest.raises(InputError, match=rf"a patch of {size} pixels, {inset} in, does not fit 12x12 images"):
        Patch(size=size, inset=inset).stamp(IMAGES, 0)
