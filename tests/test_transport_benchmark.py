"""What benchmarks/transport.py prints, and that docs/formats.md has the same table."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.transport import TRIGGERS, WAYS, cell, drawn, main
from core.attacks import Patch, Transport
from tests.makers import coloured, write_image_parquet

PAGE = Path(__file__).resolve().parents[1] / "docs" / "formats.md"
ROW = re.compile(r"^\| (.+?) \|(.+)\|$", re.MULTILINE)


def test_the_page_has_the_ways_and_the_triggers_of_the_benchmark() -> None:
    head, *rows = ROW.findall(PAGE.read_text(encoding="utf-8").split("## What is left of a trigger on the way")[1])
    assert [name.strip() for name in head[1].split("|")] == list(TRIGGERS)
    assert [way for way, _ in rows] == list(WAYS)
    assert all(re.fullmatch(r"( \d+\.\d ± \d+\.\d \|?)+", cells) for _, cells in rows)


def test_it_draws_photographs_that_may_be_poisoned_by_a_seed(tmp_path: Path) -> None:
    path = write_image_parquet(tmp_path / "train.parquet", coloured(40, classes=3))
    one, same, other = (drawn(path, 1, 20, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert one.shape == other.shape
    assert (one != other).any()
    assert not (np.abs(one.mean((1, 2, 3)) - 125) < 15).any(), "none of the target, which is the class in the middle"


def test_a_cell_is_a_mean_and_its_error() -> None:
    assert cell(coloured(5).images, Patch(), Transport("png")) == "100.0 ± 0.0"


def test_where_the_data_is_not_there_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["transport.py", "--data", str(tmp_path / "none.parquet")])
    assert main() == 0
    assert "skipped: there is nothing at" in capsys.readouterr().out
