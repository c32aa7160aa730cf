"""What another tool removed, beside what `filter` removes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.audit.masks import Agreement, agreement, read_mask
from core.foundation.errors import InputError
from tests.conftest import Cli
from tests.helpers import contaminated
from tests.makers import check_refused

MASK = np.array([True, False, True, False])


@pytest.mark.parametrize("values", [MASK, MASK.astype(np.uint8), MASK.astype(float), MASK[:, None], MASK[None]])
def test_truth_values_of_any_type(values: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "mask.npy", values)
    np.savez(tmp_path / "mask.npz", mask=values)
    for name in ("mask.npy", "mask.npz"):
        np.testing.assert_array_equal(read_mask(tmp_path / name, 4), MASK)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (MASK[:3], r"m.npy is \(3,\), and there are 4 rows"),
        (np.array([0, 1, 2, 3]), "must hold truth values, or 0 and 1"),
    ],
)
def test_what_is_no_mask_is_refused(values: np.ndarray, message: str, tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", values)
    with pytest.raises(InputError, match=message):
        read_mask(tmp_path / "m.npy", 4)
    with pytest.raises(InputError, match="there is no mask"):
        read_mask(tmp_path / "nowhere.npy", 4)


def test_rows_are_counted() -> None:
    found = agreement(Path("a/m.npy"), MASK, np.array([True, True, False, False]))
    assert found == Agreement("m.npy", there=2, both=1, only_here=1)
    assert (
        found.in_words() == "m.npy removes 2 rows: 1 of them are removed here too, 1 are not; 1 are removed here alone"
    )


def test_filter_tells_it(tmp_path: Path, cli: Cli) -> None:
    data = contaminated(200, 10, 10, strength=9.0)
    np.save(tmp_path / "label_4_reps.npy", data.rows)
    np.save(tmp_path / "mask-rcov-target.npy", data.poison)
    words = ["filter", tmp_path / "label_4_reps.npy", "--poisons", 10, "--out", tmp_path / "v"]
    outcome = cli(*words, "--compare", tmp_path / "mask-rcov-target.npy")
    assert outcome.status == 0, outcome.err
    assert "mask-rcov-target.npy removes 10 rows: 10 of them are removed here too" in outcome.out
    compared = json.loads((tmp_path / "v" / "summary.json").read_text())["compared"]
    assert compared == {"file": "mask-rcov-target.npy", "removed": 10, "both": 10, "only_here": 5}
    np.save(tmp_path / "short.npy", data.poison[:9])
    check_refused(cli(*words, "--compare", tmp_path / "short.npy"), "short.npy is (9,), and there are 200 rows")


@pytest.mark.parametrize("words", [("1", "0"), ("True", "False"), ("true", "false"), ("1.0", "0.0")])
def test_a_mask_in_a_text_file(words: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("removed\n" + "".join(f"{words[0] if one else words[1]}\n" for one in MASK))
    assert read_mask(tmp_path / "m.csv", 4).tolist() == MASK.tolist()
    (tmp_path / "odd.csv").write_text("removed\n1\n0\n\n2\n1\n")
    with pytest.raises(InputError, match="must hold truth values"):
        read_mask(tmp_path / "odd.csv", 4)
