from __future__ import annotations

import numpy as np
import pytest

from core.datasets import pixels
from core.datasets.pixels import as_nhwc, as_uint8
from core.foundation.errors import InputError


def numbered(*shape: int) -> np.ndarray:
    return (np.arange(np.prod(shape)) % 251).reshape(shape).astype(np.uint8)


@pytest.mark.parametrize(
    ("shape", "wanted", "noted"),
    [
        ((4, 28, 28), (4, 28, 28, 1), False),
        ((4, 32, 32, 3), (4, 32, 32, 3), False),
        ((4, 32, 32, 1), (4, 32, 32, 1), False),
        ((4, 3, 32, 32), (4, 32, 32, 3), True),
        ((4, 1, 28, 28), (4, 28, 28, 1), True),
        ((4, 13, 8, 8), (4, 8, 8, 13), True),  # more channels than rows: the square decides
        ((4, 8, 8, 13), (4, 8, 8, 13), True),
        ((4, 5, 32, 48), (4, 32, 48, 5), True),
        ((4, 32, 48, 5), (4, 32, 48, 5), True),
        ((4, 80, 100, 70), None, True),
        ((4, 3, 100, 80), (4, 100, 80, 3), True),
        ((4, 12, 16, 24), None, True),
        ((4, 3, 3, 3), None, True),
        ((4, 32, 3, 3), (4, 3, 3, 32), True),
    ],
)
def test_the_layout_is_told_from_the_shape_or_asked_for(
    shape: tuple[int, ...], wanted: tuple[int, ...] | None, noted: bool
) -> None:
    arrays = {"images": numbered(*shape)}
    if wanted is None:
        with pytest.raises(InputError, match=r"does not say where its channels are; add --set dataset.layout=NHWC"):
            as_nhwc(arrays)
        return
    found, note = as_nhwc(arrays)
    assert found["images"].shape == wanted
    assert bool(note) is noted
    if len(shape) == 4 and shape != wanted:
        assert found["images"][2, 1, 2, 0] == arrays["images"][2, 0, 1, 2]
        assert "read as NCHW" in note


@pytest.mark.parametrize(("layout", "wanted"), [("NHWC", (4, 12, 16, 24)), ("NCHW", (4, 16, 24, 12))])
def test_what_the_user_says_counts_and_needs_no_note(layout: str, wanted: tuple[int, ...]) -> None:
    found, note = as_nhwc({"images": numbered(4, 12, 16, 24)}, layout)
    assert (found["images"].shape, note) == (wanted, "")


@pytest.mark.parametrize(
    ("shapes", "layout", "message"),
    [
        ([(4, 9)], "auto", r"'a' must be \(n, height, width\) or that with channels, not \(4, 9\)"),
        (
            [(4, 8, 8, 3), (4, 9, 9, 3)],
            "auto",
            r"'b' has images \(9, 9, 3\) where 'a' has \(8, 8, 3\); make them alike",
        ),
        ([(0, 8, 8, 3)], "auto", "'a' is empty"),
        ([(4, 3, 80, 80)], "NHWC", r"'a' read as NHWC has 80 channels, more than 64; try --set dataset.layout=NCHW"),
    ],
)
def test_shapes_that_are_no_images_are_refused(shapes: list[tuple[int, ...]], layout: str, message: str) -> None:
    arrays = {name: numbered(*shape) for name, shape in zip("ab", shapes, strict=False)}
    with pytest.raises(InputError, match=message):
        as_nhwc(arrays, layout)


LEVELS = np.array([0, 51, 102, 255], np.uint8).reshape(2, 1, 2, 1)


@pytest.mark.parametrize(
    ("array", "note"),
    [
        (LEVELS, ""),
        (LEVELS.astype(np.int64), ""),
        (LEVELS.astype(np.float32), "The values run from 0 to 255 and were read as 0..255"),
        (LEVELS / 255, "The values run from 0 to 1 and were read as 0..1"),
        ((LEVELS / 255).astype(np.float16), "The values run from 0 to 1 and were read as 0..1"),
        (LEVELS.astype(">u2"), ""),
    ],
    ids=["bytes", "whole", "0..255", "0..1", "half", "big-endian"],
)
def test_every_range_comes_to_bytes_and_a_guess_is_told(array: np.ndarray, note: str) -> None:
    (found,), told = as_uint8({"images": array})
    np.testing.assert_array_equal(found, LEVELS)
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous
    assert told == ((f"{note}; if that is wrong, set dataset.levels.",) if note else ())


def test_true_is_white() -> None:
    (found,), note = as_uint8({"images": LEVELS > 60})
    assert found.ravel().tolist() == [0, 0, 255, 255]
    assert note


def test_the_range_is_decided_over_training_and_test_together() -> None:
    dark, bright = np.full((1, 2, 2, 1), 1.0), np.full((1, 2, 2, 1), 200.0)
    (found, _), _ = as_uint8({"x_train": dark, "x_test": bright})
    assert found.max() == 1, "a dark training set is no set in 0..1 where the test set says 200"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "'images' has values that are not finite in row 3; mend or remove that image"),
        (np.inf, "not finite in row 3"),
        (-0.5, r"'images' runs from -0.5 to 0; images must lie in 0..1 or 0..255, so undo any normalisation first"),
        (-300, "runs from -300 to 0"),
    ],
)
def test_values_that_are_no_pixels_are_refused(value: float, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "_ROWS", 2)
    array = np.zeros((5, 2, 2, 1))
    array[3, 1, 0, 0] = value
    with pytest.raises(InputError, match=message):
        as_uint8({"images": array})


@pytest.mark.parametrize("kind", ["<U3", "complex64", "datetime64[s]"])
def test_what_is_no_number_is_refused(kind: str) -> None:
    with pytest.raises(InputError, match="'images' must hold numbers, not"):
        as_uint8({"images": np.zeros((2, 2, 2, 1), kind)})


def test_long_arrays_are_converted_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "_ROWS", 3)
    whole = numbered(10, 2, 2, 1)
    (found,), _ = as_uint8({"images": whole.astype(np.float64)})
    np.testing.assert_array_equal(found, whole)
