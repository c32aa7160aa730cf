from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.audit.readers import base, gather, read_features
from tests.core.audit.readers import makers
from tests.core.audit.readers.makers import EXACT, HALF, Writer
from tests.helpers import anisotropic
from tests.makers import Outcome

Cli = Callable[..., Outcome]
DATA = anisotropic(120, 8, 8, strength=9.0)
ROWS = DATA.rows.astype(np.float32)


@pytest.mark.parametrize("write", EXACT.values(), ids=EXACT.keys())
def test_every_form_gives_the_same_numbers_in_the_same_order(write: Writer, tmp_path: Path) -> None:
    with read_features(write(tmp_path, ROWS)) as found:
        np.testing.assert_array_equal(found.rows.astype(np.float32), ROWS)
        assert found.rows.dtype in (np.float32, np.float64)


@pytest.mark.parametrize("write", HALF.values(), ids=HALF.keys())
def test_two_bytes_a_number_are_enough(write: Writer, tmp_path: Path) -> None:
    with read_features(write(tmp_path, ROWS)) as found:
        np.testing.assert_allclose(found.rows.astype(np.float32), ROWS, rtol=2**-7)
        assert found.rows.dtype in (np.float16, np.float32)


@pytest.mark.parametrize("write", [*EXACT.values(), *HALF.values()], ids=[*EXACT, *HALF])
def test_a_large_table_is_mapped_and_leaves_nothing_behind(
    write: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "LIMIT", 1000)
    monkeypatch.setattr(base, "BATCH", 100)
    (scratch := tmp_path / "scratch").mkdir()
    with read_features(write(tmp_path, ROWS), scratch=scratch) as found:
        assert isinstance(found.rows, np.memmap)
        np.testing.assert_allclose(found.rows.astype(np.float32), ROWS, rtol=2**-7)
    assert list(scratch.iterdir()) == []


def test_a_table_that_is_forgotten_takes_its_file_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "LIMIT", 1000)
    (scratch := tmp_path / "scratch").mkdir()
    found = read_features(EXACT["parquet, lists"](tmp_path, ROWS), scratch=scratch)
    assert len(list(scratch.iterdir())) == 1
    del found
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("form", ["npy", "safetensors", "safetensors with labels"])
def test_what_can_be_mapped_where_it_is_is_not_copied(form: str, tmp_path: Path) -> None:
    found = read_features(EXACT[form](tmp_path, ROWS))
    assert isinstance(found.rows, np.memmap)
    assert str(found.rows.filename) == str(found.files[0])


GIVEN = ["parquet, lists", "csv", "hdf5", "parts of parquet", "npz with labels"]
GIVEN_HALF = ["parquet, half", "npy, bare pairs of bytes", "safetensors, bfloat16"]


@pytest.mark.parametrize("name", GIVEN + GIVEN_HALF)
def test_filter_removes_what_it_removes_of_a_plain_array(name: str, tmp_path: Path, cli: Cli) -> None:
    path = (EXACT | HALF)[name](tmp_path, ROWS)
    plain = read_features(path).rows.astype(np.float32)
    np.save(tmp_path / "plain.npy", plain)
    summaries: list[dict[str, Any]] = []
    removed = []
    for file, out in ((path, tmp_path / "a"), (tmp_path / "plain.npy", tmp_path / "b")):
        outcome = cli("filter", file, "--poisons", 8, "--device", "cpu", "--out", out)
        assert (outcome.status, outcome.err) == (0, "")
        removed.append(np.load(out / "removed.npy"))
        summaries.append(json.loads((out / "summary.json").read_text()))
    np.testing.assert_array_equal(removed[0], removed[1])
    assert removed[0][DATA.poison].all()
    assert [(s["n"], s["d"]) for s in summaries] == [ROWS.shape] * 2
    assert not list(tmp_path.glob(".rows-*"))


def test_the_summary_says_what_was_read_and_the_terminal_too(tmp_path: Path, cli: Cli) -> None:
    columns = {"id": np.arange(120), "file": makers.files(120), "embedding": makers.lists(ROWS)}
    path = makers.parquet(tmp_path / "x.parquet", columns)
    outcome = cli("filter", path, "--poisons", 8, "--out", tmp_path / "out")
    read = json.loads((tmp_path / "out" / "summary.json").read_text())["read"]
    assert read == {
        "form": "parquet", "files": ["x.parquet"], "column": "embedding", "rows": 120, "features": 8, "dtype": "float32",
        "left_out": {"id": "int64", "file": "string"}, "notes": [],
    }  # fmt: skip
    first = outcome.out.splitlines()[0]
    assert first == "read: x.parquet, column 'embedding', 120 x 8 float32; left out: id (int64), file (string)"
    lines = (tmp_path / "out" / "findings.csv").read_text().splitlines()
    assert lines[0].endswith(",finding,file")
    for line in lines[1:]:
        assert line.endswith(f"cat/{int(line.split(',')[0]):03d}.jpg")


def test_a_row_of_a_part_is_told_by_file_and_row(tmp_path: Path, cli: Cli) -> None:
    path = EXACT["parts of parquet"](tmp_path, ROWS)
    found = read_features(path)
    assert [found.place(row) for row in (0, 9, 10, 20, 119)] == [
        "part-0.parquet, row 0", "part-0.parquet, row 9", "part-1.parquet, row 0", "part-2.parquet, row 0", "part-11.parquet, row 9",
    ]  # fmt: skip
    assert cli("filter", path, "--poisons", 8, "--out", tmp_path / "out").status == 0
    for line in (tmp_path / "out" / "findings.csv").read_text().splitlines()[1:]:
        row = int(line.split(",")[0])
        assert line.endswith(f'"part-{row // 10}.parquet, row {row % 10}"')


def test_a_plain_array_has_no_column_of_files(tmp_path: Path, cli: Cli) -> None:
    assert cli("filter", EXACT["npy"](tmp_path, ROWS), "--poisons", 8, "--out", tmp_path / "out").status == 0
    head = (tmp_path / "out" / "findings.csv").read_text().splitlines()[0]
    assert head == "row,label,kind,score,nearest_label,finding"
