from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.decode import MAX_PIXELS, decode_all
from core.errors import InputError
from tests.makers import encode, noise_images


def name(i: int) -> str:
    return f"picture {i}"


def as_png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_images_come_back_exactly_and_in_order(channels: int) -> None:
    images = noise_images(9, size=12, channels=channels)
    np.testing.assert_array_equal(decode_all([encode(i) for i in images], None, name), images)


def test_files_and_bytes_are_the_same(tmp_path: Path) -> None:
    raw = encode(noise_images(1)[0])
    (tmp_path / "a.png").write_bytes(raw)
    np.testing.assert_array_equal(decode_all([tmp_path / "a.png"], None, name), decode_all([raw], None, name))


def test_grey_among_colour_becomes_grey_in_three_channels() -> None:
    grey, colour = noise_images(1, channels=1)[0], noise_images(1)[0]
    decoded = decode_all([encode(grey), encode(colour)], None, name)
    np.testing.assert_array_equal(decoded[0], np.repeat(grey, 3, axis=2))
    np.testing.assert_array_equal(decoded[1], colour)


def test_resizing_crops_the_centre_to_a_square_first() -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200  # only the middle third is left
    np.testing.assert_array_equal(decode_all([encode(wide)], 10, name)[0], np.full((10, 10, 3), 200))
    tall = wide.transpose(1, 0, 2)
    assert decode_all([encode(np.ascontiguousarray(tall))], 20, name).shape == (1, 20, 20, 3)


def test_sizes_that_differ_are_refused_unless_a_size_is_set() -> None:
    sources = [encode(noise_images(1, size=s)[0]) for s in (8, 8, 9)]
    with pytest.raises(InputError, match="picture 2 is 9x9 where the first is 8x8; set a size"):
        decode_all(sources, None, name)
    assert decode_all(sources, 8, name).shape == (3, 8, 8, 3)


@pytest.mark.parametrize("damage", ["cut short", "not an image", "empty"])
def test_the_broken_image_is_named(damage: str) -> None:
    good = encode(noise_images(1)[0])
    bad = {"cut short": good[: len(good) // 2], "not an image": b"hello", "empty": b""}[damage]
    with pytest.raises(InputError, match="picture 1 cannot be read as an image") as caught:
        decode_all([good, bad, good], None, name)
    assert "\n" not in str(caught.value)
    assert " at 0x" not in str(caught.value), "an address in memory says nothing to anybody"


def test_sixteen_bit_grey_keeps_its_range() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    decoded = decode_all([as_png(Image.fromarray(ramp))], None, name)[0, :, :, 0]
    np.testing.assert_allclose(decoded, ramp / 257, atol=1)


def test_a_dark_sixteen_bit_image_stays_dark_beside_a_bright_one() -> None:
    dark, bright = (np.full((16, 16), level, np.uint16) for level in (200, 60_000))
    decoded = decode_all([as_png(Image.fromarray(image)) for image in (dark, bright)], None, name)
    assert (decoded[0].max(), decoded[1].min()) == (1, 233)


def test_huge_image_is_refused_before_it_is_decoded() -> None:
    side = int(MAX_PIXELS**0.5)
    huge = as_png(Image.new("1", (side, side + 100)))
    assert len(huge) < 10**6  # a small file that would fill the memory
    with pytest.raises(InputError, match="picture 0"):
        decode_all([huge], 32, name)
