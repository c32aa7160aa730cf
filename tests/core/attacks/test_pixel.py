from __future__ import annotations

import numpy as np
import pytest

from core.attacks import Pixel
from core.foundation.errors import InputError
from core.foundation.params import build
from tests.makers import noise_images

# The paper's table: x to the right, y down, on 32x32 images; and the brightness of each colour.
PAPER = [((11, 16), (101, 0, 25), 33), ((5, 27), (101, 123, 121), 116), ((30, 7), (0, 36, 54), 27)]
COLOUR = noise_images(5, low=200)  # brighter than every trigger, so that each one shows
GREY = noise_images(5, channels=1, low=200)


@pytest.mark.parametrize("way", [0, 1, 2])
def test_exactly_the_papers_pixel_gets_the_papers_colour(way: int) -> None:
    (x, y), rgb, level = PAPER[way]
    for images, value in ((COLOUR, rgb), (GREY, (level,))):
        stamped = Pixel(ways=3).stamp(images, way)
        differs = (stamped != images).any(3)
        rows, columns = np.nonzero(differs.any(0))
        assert (rows.tolist(), columns.tolist()) == ([y], [x])
        assert (stamped[:, y, x] == np.array(value)).all()


def test_all_ways_together_set_all_three_pixels() -> None:
    stamped = Pixel(ways=3).apply_all(COLOUR)
    assert (stamped != COLOUR).any(3).any(0).sum() == 3
    for (x, y), rgb, _ in PAPER:
        assert (stamped[:, y, x] == np.array(rgb)).all()


@pytest.mark.parametrize("ways", [1, 2, 3])
def test_the_number_of_ways_is_what_was_asked_for(ways: int) -> None:
    attack = Pixel(ways=ways)
    assert attack.number_of_ways == ways
    assert (attack.apply_all(COLOUR) != COLOUR).any(3).any(0).sum() == ways


def test_each_image_gets_the_way_it_is_given_and_no_other() -> None:
    stamped = Pixel(ways=3).apply(COLOUR, np.array([2, 0, 1, 1, 0]))
    for image, clean, way in zip(stamped, COLOUR, [2, 0, 1, 1, 0], strict=True):
        rows, columns = np.nonzero((image != clean).any(2))
        assert [(int(columns[0]), int(rows[0]))] == [PAPER[way][0]]
        assert len(rows) == 1


def test_places_scale_with_the_image() -> None:
    images = noise_images(1, size=64, low=200)
    rows, columns = np.nonzero((Pixel().stamp(images, 0) != images).any(3)[0])
    assert (rows.tolist(), columns.tolist()) == ([32], [22])


@pytest.mark.parametrize("size", [2, 8, 31])
def test_on_small_images_every_way_lands_inside(size: int) -> None:
    images = noise_images(1, size=size, low=200)
    assert (Pixel(ways=3).apply_all(images) != images).any()


def test_a_fourth_way_does_not_exist() -> None:
    with pytest.raises(InputError, match="ways = 4 must be between 1 and 3"):
        build(Pixel, {"ways": 4})
