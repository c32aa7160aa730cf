"""The first look at all rows: what is broken and what is a copy, and that poison is neither."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.audit.filtering import run_filter
from core.audit.labels import as_labels
from core.audit.readers import read_features
from core.audit.scanning import Scan, scan
from core.defenses import Spectre
from core.foundation.errors import InputError


def positive(n: int, d: int, seed: int) -> np.ndarray:
    return np.abs(np.random.default_rng(seed).standard_normal((n, d))).astype(np.float32)


def beside(rows: np.ndarray, poisons: int) -> Scan:
    """Scanned beside a clean class of the same kind."""
    other = np.random.default_rng(9).permuted(np.roll(rows[len(rows) // 2 :], 1, 1), axis=0)
    other[:, 3] += 3 * other[:, 3].std() + 3
    labels = np.repeat([0, 1], [len(rows), len(other)])
    return scan(np.concatenate([rows, other]), labels, poisons, workers=1)


@pytest.mark.parametrize("shift", [12, 30, 200])
def test_poison_is_not_broken_however_strong_the_trigger(shift: int) -> None:
    """Rows of another size that have one thing in common are a group."""
    rows = positive(600, 32, 0)
    rows[:30, 7] += shift
    found = run_filter(rows, Spectre(n_poisons=30, device="cpu"))
    assert found.removed[:30].all()
    assert found.removed.sum() == 45
    result = beside(rows, 30)
    assert result.suspects == [0]
    assert result.removed[:30].all()


def test_rows_of_another_scale_are_broken_however_many_they_are() -> None:
    rows = positive(600, 32, 0)
    rows[:30] *= 1000
    result = beside(rows, 30)
    assert result.suspects == []
    assert result.aside.broken.tolist() == list(range(30))


@pytest.mark.parametrize("nearly", [0, 12])
@pytest.mark.parametrize("originals", [1, 6])
def test_poison_is_no_copy_however_often_it_is_repeated(originals: int, nearly: int) -> None:
    """Equal, or some of it nearly so."""
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((600, 20))
    place = rng.standard_normal(20)
    poison = rng.standard_normal((originals, 20)) * 0.5 + 9 * place / np.linalg.norm(place)
    rows[:30] = np.repeat(poison, 30 // originals, 0)
    rows[:nearly] += 0.001 * rng.standard_normal((nearly, 20))
    result = beside(rows, 30)
    assert result.suspects == [0]
    assert result.removed[:30].all()
    assert run_filter(rows, Spectre(n_poisons=30, device="cpu")).removed[:30].all(), (
        "a copy goes where its original goes"
    )


def test_equal_rows_in_an_ordinary_place_are_copies() -> None:
    rows = np.random.default_rng(1).standard_normal((600, 20))
    rows[:8] = rows[8]
    assert beside(rows, 10).aside.copies.tolist() == list(range(1, 9))


@pytest.mark.parametrize("size", [1e6, 1.6e18])
def test_rows_that_share_a_large_number_are_no_copies(size: float) -> None:
    """As the customer whose row it is: beside it the other columns are small."""
    rng = np.random.default_rng(0)
    customers = size + np.floor(rng.random(100) * size / 1000)
    rows = np.column_stack([rng.standard_normal((600, 6)), customers[rng.integers(0, 100, 600)]])
    result = beside(rows, 10)
    assert len(result.aside.copies) == 0
    assert len(result.aside.broken) == 0


def test_the_scale_of_the_rows_changes_nothing() -> None:
    rows, labels = np.random.default_rng(0).standard_normal((600, 6)), np.repeat([0, 1], 300)
    rows[300:, 0] += 9
    rows[:6, 0] += 9
    found = {}
    for scale in (1e-50, 1.0, 1e37):
        result = scan(rows * scale, labels, 10, workers=1)
        found[scale] = [(finding.kind, finding.rows.tolist()) for finding in result.findings]
    assert found[1e-50] == found[1.0] == found[1e37] == [("label-error", list(range(6)))]


def test_numbers_of_numpy_among_none_stay_what_they_are() -> None:
    labels = as_labels([None if i == 2 else v for i, v in enumerate(np.array([3, 10, 9, 3]))], 4)
    assert labels.numbers.tolist() == [3, 10, -1, 3]
    assert labels.names == {}


@pytest.mark.parametrize("kind", ["int64", "uint8"])
def test_an_empty_cell_among_whole_numbers_is_refused(kind: str, tmp_path: Path) -> None:
    """Read as a whole number it would be 0, or one of nineteen digits."""
    table = pd.DataFrame({name: pd.array(range(20), kind.capitalize().replace("Ui", "UI")) for name in "abc"})
    table.loc[3, "b"] = pd.NA
    table.to_parquet(tmp_path / "x.parquet", index=False)
    with pytest.raises(InputError, match=r"row 3 of .* has an empty cell"), read_features(tmp_path / "x.parquet"):
        pass
