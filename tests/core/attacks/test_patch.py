from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.attacks import Patch
from core.attacks.patch import PLACES
from core.foundation.errors import InputError
from core.foundation.params import build
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
    np.testing.assert_array_equal(changed(Patch(size=3, inset=inset, place=corner)), expected)


def test_all_places_on_offer_are_tested() -> None:
    assert set(PLACES) == {"top left", "top right", "bottom left", "bottom right", "centre", "at x, y"}


@pytest.mark.parametrize(
    ("colour", "rgb"),
    [("white", (255, 255, 255)), ("yellow", (255, 255, 0)), ("#0a141e", (10, 20, 30)), ("#FFF", (255,) * 3)],
)
def test_any_colour_by_name_or_number(colour: str, rgb: tuple[int, int, int]) -> None:
    stamped = Patch(size=2, inset=0, place="top left", colour=colour).stamp(IMAGES, 0)
    assert (stamped[:, :2, :2] == np.array(rgb)).all()


@pytest.mark.parametrize("colour", ["", "greenish", "#12", "255,0,0"])
def test_what_is_no_colour_is_refused(colour: str) -> None:
    with pytest.raises(InputError, match=r"is not a colour; give a name such as white, or #rrggbb"):
        build(Patch, {"colour": colour})


def test_centre_and_any_place_and_any_height() -> None:
    expected = np.zeros((12, 12), bool)
    expected[4:8, 5:7] = True
    np.testing.assert_array_equal(changed(Patch(size=2, height=4, place="centre")), expected)
    expected = np.zeros((12, 12), bool)
    expected[7:9, 3:8] = True
    np.testing.assert_array_equal(changed(Patch(size=5, height=2, place="at x, y", x=3, y=7)), expected)


def picture(path: Path) -> str:
    """2x2: red, half transparent blue, fully transparent, white."""
    rgba = np.array([[[255, 0, 0, 255], [0, 0, 255, 128]], [[9, 9, 9, 0], [255, 255, 255, 255]]], np.uint8)
    Image.fromarray(rgba, "RGBA").save(path)
    return str(path)


def test_a_picture_is_laid_on_with_its_transparency(tmp_path: Path) -> None:
    attack = Patch(size=2, place="top left", inset=0, picture=picture(tmp_path / "sticker.png"))
    stamped, clean = attack.stamp(IMAGES, 0).astype(float), IMAGES.astype(float)
    assert (stamped[:, 0, 0] == (255, 0, 0)).all()
    half = clean[:, 0, 1] + 128 / 255 * (np.array([0, 0, 255]) - clean[:, 0, 1])
    np.testing.assert_allclose(stamped[:, 0, 1], half, atol=0.51)
    np.testing.assert_array_equal(stamped[:, 1, 0], clean[:, 1, 0])
    assert (stamped[:, 1, 1] == 255).all()
    grey = attack.stamp(IMAGES[..., :1], 0)
    assert (grey[:, 0, 0] == 76).all()


def test_pictures_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no picture at /nowhere.png"):
        Patch(picture="/nowhere.png").stamp(IMAGES, 0)
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"broken.png cannot be read as a picture"):
        Patch(picture=str(tmp_path / "broken.png")).stamp(IMAGES, 0)
    Image.new("L", (5000, 10)).save(tmp_path / "wide.png")
    with pytest.raises(InputError, match=r"wide.png has 5000x10 pixels; at most 4096 a side are read"):
        Patch(picture=str(tmp_path / "wide.png")).stamp(IMAGES, 0)


@pytest.mark.parametrize(("colour", "level"), [("white", 255), ("black", 0), ("red", 76), ("yellow", 226)])
def test_on_grey_images_the_square_has_the_brightness_of_its_colour(colour: str, level: int) -> None:
    grey = noise_images(2, channels=1, low=100, high=150)
    stamped = Patch(size=4, inset=0, place="top left", colour=colour).stamp(grey, 0)
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
