"""What black and white are is decided over a whole set."""

from __future__ import annotations

import numpy as np
import pytest

from core.datasets.levels import Ends, Levels, levels_of
from core.foundation.errors import InputError

RAMP = np.linspace(0, 1, 257)


def levels(*arrays: np.ndarray, choice: str = "auto") -> Levels:
    kind = "f" if arrays[0].dtype.kind == "f" else "u1" if arrays[0].dtype == np.uint8 else "i"
    return levels_of({f"part {i}": Ends.of(array) for i, array in enumerate(arrays)}, kind, choice)


RANGES = {
    "bytes": (np.array([0, 255], np.uint8), 0, 255),
    "dark bytes": (np.array([0, 9], np.uint8), 0, 255),
    "bytes of 0 and 1": (np.array([0, 1], np.uint8), 0, 1),
    "int64 up to 255": (np.array([0, 200]), 0, 255),
    "10 bits in 16": (np.array([3, 1001], np.uint16), 0, 1023),
    "12 bits in 16": (np.array([3, 4001], np.uint16), 0, 4095),
    "14 bits in 16": (np.array([3, 16_000], np.uint16), 0, 16_383),
    "16 bits": (np.array([3, 60_000], np.uint16), 0, 65_535),
    "int32": (np.array([0, 2**31 - 1], np.int32), 0, 2.0**31 - 1),
    "unit": (RAMP, 0, 1),
    "dark unit": (RAMP / 50, 0, 1),
    "unit, overshot above": (np.append(RAMP, 1.02), 0, 1),
    "unit, a highlight far above": (np.append(RAMP, 7.5), 0, 1),
    "unit, overshot below": (np.append(RAMP, -0.04), 0, 1),
    "around zero": (2 * RAMP - 1, -1, 1),
    "floats of 255": (RAMP * 255, 0, 255),
    "floats of 255, overshot": (np.append(np.rint(RAMP * 255), [-9.0, 261.0]), 0, 255),
    "floats of 12 bits": (RAMP * 4095, 0, 4095),
}


@pytest.mark.parametrize("case", RANGES)
def test_range(case: str) -> None:
    values, black, white = RANGES[case]
    found = levels(values)
    assert (found.black, found.white) == (black, white)
    assert bool(found.note) == (values.dtype.kind == "f" or white != 255)


def test_black_and_white_come_to_0_and_255_and_the_rest_is_cut_off() -> None:
    assert Levels(0, 4095).apply(np.array([0, 2048, 4095])).tolist() == [0, 128, 255]
    assert Levels(-1, 1).apply(np.array([-1.1, 0.0, 1.0])).tolist() == [0, 128, 255]
    found = Levels(0, 1).apply(np.array([0.5, 1.7]))
    assert found.tolist() == [128, 255]
    assert found.dtype == np.uint8


def test_all_parts_decide_together() -> None:
    assert levels(np.array([0, 900], np.uint16), np.array([0, 4000], np.uint16)).white == 4095
    assert levels(np.array([0.0, 1.0]), np.array([0.0, 200.0])).white == 255, "a dark part is no part in 0..1"


def test_parts_on_two_scales_are_named() -> None:
    with pytest.raises(InputError, match="'part 0' runs from 0 to 1, 'part 1' to 255; bring all images to one scale"):
        levels(RAMP, np.rint(RAMP * 255))


def test_two_scales_that_fit_equally_well_are_named_with_the_option() -> None:
    with pytest.raises(InputError, match=r"0..1 with a few values beyond, or 0..255; say which: --set dataset.levels="):
        levels(RAMP * 3)


@pytest.mark.parametrize("values", [RAMP * 5 - 2.5, np.array([-1, 255])], ids=["standardised", "negative"])
def test_normalised_values_are_refused(values: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"'part 0' runs from .* undo any normalisation first"):
        levels(values)


def test_what_is_asked_for_counts() -> None:
    found = levels(np.array([0, 4000], np.uint16), choice="0..65535")
    assert (found.black, found.white) == (0, 65_535)
    assert found.note == "The values run from 0 to 4000 and were read as 0..65535, as asked."
    assert levels(RAMP * 5 - 2.5, choice="-1..1").note.endswith("cut off there.")
