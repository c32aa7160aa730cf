from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets import decode
from core.datasets.decode import Decoded, decode_all, levelled, settle
from core.datasets.picture import MAX_PIXELS
from core.foundation.errors import InputError
from tests.makers import encode, noise_images


def name(i: int) -> str:
    return f"picture {i}"


def decoded(sources: Sequence[bytes | Path], size: int | None = None) -> np.ndarray:
    """The images, none of which may be broken."""
    done = decode_all(sources, len(sources), size, name)
    assert settle([done], skip_broken=False) == ()
    return done.images


def in_bytes(sources: Sequence[bytes | Path], size: int | None = None) -> np.ndarray:
    (done,), _ = levelled({"": decode_all(sources, len(sources), size, name)})
    return done.images


def as_png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_images_come_back_exactly_and_in_order(channels: int) -> None:
    images = noise_images(9, size=12, channels=channels)
    np.testing.assert_array_equal(decoded([encode(i) for i in images]), images)


def test_files_and_bytes_are_the_same(tmp_path: Path) -> None:
    raw = encode(noise_images(1)[0])
    (tmp_path / "a.png").write_bytes(raw)
    np.testing.assert_array_equal(decoded([tmp_path / "a.png"]), decoded([raw]))


def test_grey_among_colour_becomes_grey_in_three_channels() -> None:
    grey, colour = noise_images(1, channels=1)[0], noise_images(1)[0]
    pixels = decoded([encode(grey), encode(colour)])
    np.testing.assert_array_equal(pixels[0], np.repeat(grey, 3, axis=2))
    np.testing.assert_array_equal(pixels[1], colour)


def test_resizing_crops_the_centre_to_a_square_first() -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200  # only the middle third is left
    np.testing.assert_array_equal(decoded([encode(wide)], 10)[0], np.full((10, 10, 3), 200))
    tall = wide.transpose(1, 0, 2)
    assert decoded([encode(np.ascontiguousarray(tall))], 20).shape == (1, 20, 20, 3)


def test_sizes_that_differ_are_refused_unless_a_size_is_set() -> None:
    sources = [encode(noise_images(1, size=s)[0]) for s in (8, 8, 9)]
    with pytest.raises(InputError, match="picture 2 is 9x9 where the first is 8x8; set a size"):
        decoded(sources)
    assert decoded(sources, 8).shape == (3, 8, 8, 3)


@pytest.mark.parametrize("damage", ["cut short", "not an image", "empty"])
def test_the_broken_image_is_named(damage: str) -> None:
    good = encode(noise_images(1)[0])
    bad = {"cut short": good[: len(good) // 2], "not an image": b"hello", "empty": b""}[damage]
    with pytest.raises(InputError, match="picture 1 cannot be read as an image") as caught:
        decoded([good, bad, good])
    assert "\n" not in str(caught.value)
    assert " at 0x" not in str(caught.value), "an address in memory says nothing to anybody"


def test_sixteen_bit_grey_keeps_its_range() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    pixels = in_bytes([as_png(Image.fromarray(ramp))])[0, :, :, 0]
    np.testing.assert_allclose(pixels, ramp / 257, atol=1)


def test_a_dark_sixteen_bit_image_stays_dark_beside_a_bright_one() -> None:
    dark, bright = (np.full((16, 16), level, np.uint16) for level in (200, 60_000))
    pixels = in_bytes([as_png(Image.fromarray(image)) for image in (dark, bright)])
    assert (pixels[0].max(), pixels[1].min()) == (1, 233)


def test_sixteen_bits_and_eight_have_a_scale_each_and_training_and_test_share_it() -> None:
    deep = [as_png(Image.fromarray(np.full((4, 4), level, np.uint16))) for level in (400, 4000)]
    plain = as_png(Image.fromarray(np.full((4, 4, 3), 77, np.uint8)))
    parts = {"train": decode_all([deep[0], plain], 2, None, name), "test": decode_all([deep[1]], 1, None, name)}
    (train, test), notes = levelled(parts)
    assert train.images[:, 0, 0].tolist() == [[25, 25, 25], [77, 77, 77]]
    assert test.images[0, 0, 0].tolist() == [249]
    assert notes == ("The values run from 400 to 4000 and were read as 0..4095; if that is wrong, set dataset.levels.",)
    (train, _), _ = levelled(parts, "0..65535")
    assert train.images[:, 0, 0, 0].tolist() == [2, 77]


@pytest.mark.parametrize("size", [None, 6])
def test_floats_in_a_tiff_are_levels(size: int | None) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)).save(buffer, "TIFF")
    pixels = in_bytes([buffer.getvalue()], size)
    assert abs(float(pixels.mean()) - 127.5) < 1
    assert pixels.max() > 240, "interpolation beyond the range must not move the scale"


def test_values_that_are_not_finite_are_no_image() -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.array([[0, np.nan]], np.float32)).save(buffer, "TIFF")
    ((_, reason),) = decode_all([buffer.getvalue()], 1, None, name).broken
    assert reason == "it has values that are not finite"


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_are_laid_on_white_and_told(mode: str) -> None:
    layered = np.zeros((4, 4, 4), np.uint8)
    layered[..., 0], layered[:, :2, 3] = 255, 255  # the left half red, the right half transparent red
    picture = Image.fromarray(layered, "RGBA").convert(mode if mode != "P" else "RGBA")
    done = decode_all([as_png(picture.quantize(4) if mode == "P" else picture)], 1, None, name)
    left, right = done.images[0, 0, 0].tolist(), done.images[0, 0, 3].tolist()
    assert left == ([76] if mode == "LA" else [255, 0, 0])
    assert set(right) == {255}
    (_, notes) = levelled({"": done})
    assert notes == ("1 of 1 images have transparent parts and were laid on white.",)


def test_an_opaque_image_with_an_alpha_channel_is_what_it_was() -> None:
    picture = Image.fromarray(noise_images(1)[0]).convert("RGBA")
    done = decode_all([as_png(picture)], 1, None, name)
    np.testing.assert_array_equal(done.images[0], noise_images(1)[0])
    assert not done.seen


def test_a_phones_mark_turns_the_picture(tmp_path: Path) -> None:
    wide = np.zeros((8, 16, 3), np.uint8)
    wide[:, 8:] = 255
    mark = Image.Exif()
    mark[0x0112] = 6  # lies on its left side
    buffer = io.BytesIO()
    Image.fromarray(wide).save(buffer, "JPEG", exif=mark, quality=95)
    done = decode_all([buffer.getvalue()], 1, None, name)
    assert done.images.shape == (1, 16, 8, 3)
    assert done.images[0, 0].mean() < 10 < 245 < done.images[0, -1].mean()
    assert levelled({"": done})[1] == ("1 of 1 images were turned upright as their EXIF mark says.",)


def test_of_several_frames_the_first_is_read_and_it_is_told() -> None:
    frames = [Image.fromarray(np.full((4, 4), level, np.uint8)) for level in (10, 200)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    done = decode_all([buffer.getvalue()], 1, None, name)
    assert done.images.max() < 20
    assert "several frames" in levelled({"": done})[1][0]


def test_huge_image_is_refused_before_it_is_decoded() -> None:
    side = int(MAX_PIXELS**0.5)
    huge = as_png(Image.new("1", (side, side + 100)))
    assert len(huge) < 10**6  # a small file that would fill the memory
    with pytest.raises(InputError, match="picture 0"):
        decoded([huge], 32)


# --- what cannot be read

GOOD = encode(noise_images(1, size=8)[0])


def with_broken(*rows: int, n: int = 6) -> Decoded:
    """n images 8x8, the given ones broken."""
    return decode_all([b"x" if i in rows else GOOD for i in range(n)], n, None, name)


def test_every_image_is_looked_at_and_the_good_ones_keep_their_order() -> None:
    images = noise_images(5, size=8)
    sources = [encode(images[0]), b"x", encode(images[1]), encode(images[2])[:40], encode(images[3])]
    done = decode_all(sources, 5, None, name)
    np.testing.assert_array_equal(done.images, images[:4][[0, 1, 3]])
    assert done.kept.tolist() == [True, False, True, False, True]
    assert [where for where, _ in done.broken] == ["picture 1", "picture 3"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((2,), r"^picture 2 cannot be read as an image \(no known format\); mend or remove it, or go on without it: "),
        ((0, 5), r"^2 of 6 images cannot be read: picture 0 \(no known format\), picture 5 \(no known format\); mend"),
        ((0, 1, 2, 3, 4), r"^5 of 6 images cannot be read: .* picture 2 \(no known format\) and 2 more; mend"),
    ],
)
def test_broken_images_are_named_and_so_is_the_way_to_go_on(rows: tuple[int, ...], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        settle([with_broken(*rows)], skip_broken=False)
    assert "--set dataset.skip_broken=true" in str(caught.value)


def test_images_left_out_are_told_of() -> None:
    assert settle([with_broken()], skip_broken=True) == ()
    (note,) = settle([with_broken(2), with_broken(0, 1, 3)], skip_broken=True)
    assert note.startswith("4 images could not be read and were left out: picture 2 (no known format), picture 0")
    assert note.endswith("and 1 more.")


def test_a_part_without_one_good_image_is_refused_either_way() -> None:
    for skip_broken in (False, True):
        with pytest.raises(InputError, match="none of the images can be read: picture 0"):
            settle([with_broken(), with_broken(0, 1, n=2)], skip_broken)


def test_a_broken_first_image_does_not_set_the_size() -> None:
    assert with_broken(0).images.shape == (5, 8, 8, 3)


@pytest.mark.parametrize("missing", ["empty", "gone"])
def test_a_file_without_bytes_says_so_and_shows_no_path(missing: str, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    if missing == "empty":
        file.touch()
    ((_, reason),) = decode_all([file], 1, None, name).broken
    assert reason == {"empty": "it is empty: 0 bytes", "gone": "No such file or directory"}[missing]


def test_more_pixels_than_memory_are_refused_before_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MAX_BYTES", 6 * 8 * 8 * 3 - 1)
    with pytest.raises(InputError, match=r"6 images of 8x8 would take .* resize them: --set dataset.size=32"):
        with_broken()
    assert len(with_broken(n=5).images) == 5


def test_progress_is_told_chunk_by_chunk_and_ends_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "_CHUNK", 4)
    told: list[tuple[str, float | None]] = []
    decode_all([GOOD] * 10, 10, None, name, lambda *words: told.append(words))
    assert told == [("Reading images: 4 of 10", 0.4), ("Reading images: 8 of 10", 0.8), ("Reading images: 10 of 10", 1)]
