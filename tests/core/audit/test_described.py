from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.audit import described
from core.audit.described import describe
from core.audit.table import as_table
from tests.makers import Outcome

Cli = Callable[..., Outcome]
LOGITS = np.random.default_rng(0).standard_normal((300, 10)) * 3
SHARES = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
UNIT = LOGITS / np.linalg.norm(LOGITS, axis=1, keepdims=True)
DEAD = np.where(np.isin(np.arange(10), (2, 7)), 0, LOGITS)
CUT = np.where(np.isin(np.arange(300), (4, 9, 11))[:, None], 65504, LOGITS).astype(np.float16)
KINDS = [np.float64, np.float32, np.float16]


def only(table: np.ndarray) -> str:
    (words,) = describe(table)
    return words


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_are_told_with_what_to_give_instead(kind: type) -> None:
    words = only(SHARES.astype(kind))
    assert words.startswith("the rows are probabilities")
    assert "Give the logits, or better the layer before" in words


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_length_one_are_told(kind: type) -> None:
    assert only(UNIT.astype(kind)).startswith("the rows have length one")
    assert only((-UNIT).astype(kind)).startswith("the rows have length one")


def test_dead_columns_are_counted() -> None:
    assert only(DEAD).startswith("2 of 10 columns are all zero: ")
    almost = DEAD.copy()
    almost[-1, 2] = 1e-3
    assert only(almost).startswith("1 of 10 columns")


def test_rows_at_the_limit_of_half_precision_are_counted() -> None:
    assert only(CUT).startswith("3 rows hold 65504")
    assert only(CUT.astype(np.float32)).startswith("3 rows hold 65504"), "as they are after a conversion, too"


@pytest.mark.parametrize(
    "table",
    [LOGITS, np.abs(LOGITS), SHARES * 2, SHARES - 1e-2 * np.eye(10)[np.arange(300) % 10], np.ones((300, 1)), LOGITS.astype(np.float16)],
    ids=["logits", "above zero", "shares of two", "some below zero", "one column", "half precision"],
)  # fmt: skip
def test_nothing_is_said_of_ordinary_features(table: np.ndarray) -> None:
    assert describe(table) == []


def test_a_few_odd_rows_change_nothing() -> None:
    some = SHARES.copy()
    some[:2] = 0
    assert only(some).startswith("the rows are probabilities")


def test_of_a_large_table_as_many_rows_are_looked_at_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(described, "LOOKED_AT", 1000)
    np.save(tmp_path / "x.npy", DEAD)
    table = as_table(np.load(tmp_path / "x.npy", mmap_mode="r"))
    assert only(table).startswith("2 of 10 columns are all zero in 100 rows looked at, spread over the table: ")  # type: ignore[arg-type]


def test_values_that_are_not_finite_are_left_to_the_checks() -> None:
    assert describe(np.where(np.eye(300, 10) > 0, np.nan, LOGITS)) == []


def test_the_analyst_is_told_by_filter_and_scan(tmp_path: Path, cli: Cli) -> None:
    np.save(tmp_path / "x.npy", SHARES)
    np.save(tmp_path / "y.npy", np.arange(300) % 3)
    for words in (["filter", tmp_path / "x.npy"], ["scan", tmp_path / "x.npy", tmp_path / "y.npy"]):
        said = cli(*words, "--poisons", 5, "--out", tmp_path / "out")
        assert (said.status, said.err) == (0, "")
        assert "note: the rows are probabilities" in said.out
        assert said.out.index("probabilities") < said.out.index("written to")
        notes = json.loads((tmp_path / "out" / "summary.json").read_text())["read"]["notes"]
        assert notes[0].startswith("the rows are probabilities")
