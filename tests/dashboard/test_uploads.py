"""Uploaded pictures: only pixels survive, under a name of our own, and what is no picture is refused in one line."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from core.foundation.errors import InputError
from dashboard import uploads


def encoded(image: Image.Image, kind: str = "PNG", **extra) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **extra)
    return buffer.getvalue()


def sticker() -> Image.Image:
    pixels = np.zeros((5, 7, 4), np.uint8)
    pixels[1:4, 1:4] = (200, 30, 60, 255)
    pixels[0, 0] = (1, 2, 3, 128)
    return Image.fromarray(pixels)


def test_pixels_and_transparency_are_kept_under_a_name_made_of_the_content(tmp_path: Path):
    path = uploads.store_picture(encoded(sticker()), tmp_path / "runs")
    assert path.is_absolute()
    assert path.parent == tmp_path.resolve() / "runs" / ".uploads"
    assert re.fullmatch(r"[0-9a-f]{16}\.png", path.name)
    with Image.open(path) as back:
        np.testing.assert_array_equal(np.asarray(back), np.asarray(sticker()))
    assert uploads.store_picture(encoded(sticker(), compress_level=0), tmp_path / "runs") == path
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "BMP", "GIF"])
def test_other_kinds_become_png(tmp_path: Path, kind: str):
    path = uploads.store_picture(encoded(sticker().convert("RGB"), kind), tmp_path)
    with Image.open(path) as back:
        assert (back.format, back.size) == ("PNG", (7, 5))


def test_nothing_but_pixels_survives(tmp_path: Path):
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "MY SECRET ADDRESS")
    content = encoded(sticker(), pnginfo=notes) + b"<script>TRAILER</script>"
    kept = uploads.store_picture(content, tmp_path).read_bytes()
    assert b"SECRET" not in kept
    assert b"TRAILER" not in kept


def test_a_large_picture_is_made_smaller(tmp_path: Path):
    with Image.open(uploads.store_picture(encoded(Image.new("RGB", (3000, 1500))), tmp_path)) as back:
        assert back.size == (1024, 512)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be read as a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "cannot be read as a picture"),
        (encoded(sticker())[:60], "cannot be read as a picture"),
        (encoded(sticker().convert("RGB"), "TIFF"), "cannot be read as a picture"),
        (encoded(Image.new("1", (5000, 4))), "5000x4 pixels; at most 4096 a side"),
        (b"\x89PNG" + bytes(5 * 10**6), "at most 5 MB"),
    ],
)
def test_what_is_no_picture_or_too_large_is_refused_and_nothing_is_written(tmp_path: Path, content: bytes, words: str):
    with pytest.raises(InputError, match=words):
        uploads.store_picture(content, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
