"""Tiles carry whatever the images and captions hold; captions come from folder names and must not become markup."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from dashboard import tiles


@pytest.mark.parametrize("channels", [1, 3])
def test_png_keeps_every_pixel(channels):
    image = np.random.default_rng(0).integers(0, 256, (9, 7, channels), dtype=np.uint8)
    back = np.asarray(Image.open(io.BytesIO(tiles.png(image))))
    np.testing.assert_array_equal(back.reshape(image.shape), image)


def test_captions_cannot_smuggle_markup():
    nasty = '<script>alert(1)</script>"onload="x'
    page = tiles.grid(np.zeros((1, 4, 4, 3), np.uint8), [nasty])
    assert "<script>" not in page
    assert re.findall(r'alt="([^"]*)"', page) == ["&lt;script&gt;alert(1)&lt;/script&gt;&quot;onload=&quot;x"]


def test_every_tile_has_its_image_caption_and_outline():
    images = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    page = tiles.grid(images, ["a", "b\nc", "d"], kinds=["", "poison focus", "clean"])
    assert page.count("<figure") == 3
    assert "b<br>c" in page
    assert 'class="sl-tile sl-poison sl-focus"' in page
    first = base64.b64decode(re.findall(r"base64,([^\"]+)", page)[2])
    assert np.asarray(Image.open(io.BytesIO(first))).max() == 2


def test_the_mouse_is_told_the_whole_name_and_it_is_no_markup():
    images = np.zeros((2, 4, 4, 3), np.uint8)
    page = tiles.grid(images, ["a", "b"], titles=['cat/"><script>.png', ""])
    assert re.findall(r'<figure[^>]* title="([^"]*)"', page) == ["cat/&quot;&gt;&lt;script&gt;.png"]
