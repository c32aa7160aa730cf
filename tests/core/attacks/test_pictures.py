from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.attacks.pictures import parse_colour, read_picture
from core.foundation.errors import InputError


def save(path: Path, pixels: object, kind: str = "PNG") -> str:
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path, kind)
    return str(path)


@pytest.mark.parametrize(
    ("text", "rgb"),
    [
        ("white", (255, 255, 255)),
        ("Orange", (255, 165, 0)),
        ("#0a141e", (10, 20, 30)),
        ("#fff", (255, 255, 255)),
        ("rgb(1, 2, 3)", (1, 2, 3)),
        ("#01020380", (1, 2, 3)),
    ],
)
def test_colours_are_read_as_html_writes_them(text: str, rgb: tuple[int, int, int]) -> None:
    assert parse_colour(text) == rgb


@pytest.mark.parametrize("text", ["", "greenish", "#12", "255,0,0", "#" + "f" * 1000])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a colour; give a name such as white, or #rrggbb"):
        parse_colour(text)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "WEBP", "JPEG"])
def test_a_picture_of_any_common_kind_is_read(tmp_path: Path, kind: str) -> None:
    levels, opacity = read_picture(save(tmp_path / "x", np.full((5, 7, 3), (200, 100, 50)), kind), 5, 7, 3)
    np.testing.assert_allclose(
        levels, np.broadcast_to((200, 100, 50), (5, 7, 3)), atol=8
    )  # JPEG and WebP lose a little
    assert (opacity == 1).all()
    assert (levels.dtype, opacity.dtype, opacity.shape) == (np.float32, np.float32, (5, 7, 1))


@pytest.mark.parametrize(("height", "width"), [(4, 4), (3, 9), (1, 1), (16, 2)])
def test_it_is_resized_to_height_and_width(tmp_path: Path, height: int, width: int) -> None:
    halves = np.zeros((20, 20, 3), np.uint8)
    halves[:10] = 240
    levels, _ = read_picture(save(tmp_path / "halves.png", halves), height, width, 3)
    assert levels.shape == (height, width, 3)
    if height > 1:
        assert levels[0].min() > 200
        assert levels[-1].max() < 40


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_images_of_other_than_three_channels_get_the_brightness(tmp_path: Path, channels: int) -> None:
    levels, _ = read_picture(save(tmp_path / "x.png", np.full((2, 2, 3), (200, 100, 50))), 2, 2, channels)
    assert levels.shape == (2, 2, channels)
    np.testing.assert_allclose(levels, 0.299 * 200 + 0.587 * 100 + 0.114 * 50, rtol=1e-5)


def test_transparency_is_kept_and_its_hidden_colour_does_not_bleed(tmp_path: Path) -> None:
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[:, :4] = (250, 250, 250, 255)
    rgba[:, 4:] = (255, 0, 0, 0)  # red, but fully transparent
    levels, opacity = read_picture(save(tmp_path / "x.png", rgba), 4, 5, 3)
    assert (opacity[:, 0] > 0.95).all()
    assert (opacity[:, -1] < 0.05).all()
    half = opacity[:, 2, 0]
    assert ((half > 0.1) & (half < 0.9)).all()
    np.testing.assert_allclose(levels[:, 2], 250, atol=4)


def test_a_picture_that_was_changed_is_read_again(tmp_path: Path) -> None:
    path = save(tmp_path / "x.png", np.full((2, 2, 3), 10))
    assert read_picture(path, 2, 2, 3)[0].max() == 10
    save(tmp_path / "x.png", np.full((2, 2, 3), 20))
    os.utime(path, ns=(1, 1))
    assert read_picture(path, 2, 2, 3)[0].max() == 20


@pytest.mark.parametrize("path", ["/nowhere/x.png", "~nobody-of-that-name/x.png", "a\0b.png"])
def test_a_path_that_leads_nowhere_is_refused(path: str) -> None:
    with pytest.raises(InputError, match=r"there is no picture at .*; give the path of a PNG or JPEG"):
        read_picture(path, 2, 2, 3)


def test_what_is_no_picture_is_refused_in_one_line(tmp_path: Path) -> None:
    good = Path(save(tmp_path / "good.png", np.zeros((64, 64, 3)))).read_bytes()
    contents = {
        "text.png": b"not a picture", "empty.png": b"", "cut.png": good[: len(good) // 2], "script.eps": b"%!PS-Adobe-3.0 EPSF",
    }  # fmt: skip
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(
            InputError, match=rf"{name} cannot be read as a picture \(.*\); give a PNG or JPEG"
        ) as caught:
            read_picture(str(tmp_path / name), 2, 2, 3)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="cannot be read as a picture"):
        read_picture(str(tmp_path), 2, 2, 3)


def test_a_format_that_is_not_on_the_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read as a picture"):
        read_picture(save(tmp_path / "x.png", np.zeros((4, 4, 3)), "TIFF"), 2, 2, 3)


@pytest.mark.parametrize("size", [(4097, 2), (2, 4097)])
def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("L", size).save(tmp_path / "big.png")
    with pytest.raises(InputError, match=rf"big.png has {size[0]}x{size[1]} pixels; at most 4096 a side are read"):
        read_picture(str(tmp_path / "big.png"), 2, 2, 3)
