"""Tables that are drawn with the right answer beside each: what is in them, and that verdicts.py counts by it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import drawn_tables, verdicts
from benchmarks.drawn_tables import BROKEN, CASES, COPY, GROUP, LABEL_ERROR, POISON, write_tables
from core.audit.scanning import scan


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tables")
    write_tables(out, [3], list(CASES))
    return out / "seed-3"


def loaded(tables: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows, labels, kind = (np.load(tables / name / f"{part}.npy") for part in ("features", "labels", "kind"))
    return rows, labels, kind


def test_what_is_expected_is_where_the_poison_is(tables: Path) -> None:
    expected = json.loads((tables / "expected.json").read_text())
    assert list(expected) == list(CASES)
    for name, answer in expected.items():
        rows, labels, kind = loaded(tables, name)
        assert rows.dtype == np.float32
        assert len(rows) == len(labels) == len(kind)
        assert np.isfinite(rows).all()
        assert sorted(set(labels[kind == POISON].tolist())) == answer["poisoned"]


@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("two-triggers", POISON, 40), ("mostly-poison", POISON, 450), ("sixty-classes", POISON, 6), ("label-errors", LABEL_ERROR, 5),
        ("copies", COPY, 30), ("track", COPY, 30), ("zeros", BROKEN, 1), ("saturated", BROKEN, 1), ("clean", GROUP, 0),
    ],
)  # fmt: skip
def test_each_case_holds_what_it_is_named_after(tables: Path, name: str, kind: int, count: int) -> None:
    assert (loaded(tables, name)[2] == kind).sum() == count


def test_poison_lies_as_far_away_as_it_says(tmp_path: Path) -> None:
    """In deviations of its class: twelve by its mean, up to the error of a mean of twenty rows half as wide."""
    table = drawn_tables.Table(0, 0, 12.0).poison(0, 20)
    assert table.shape.name == "normal"
    label = table.classes[0]
    away = (table.rows[-1].mean(0) - table.shape.centres[label]) / table.shape.scale
    assert np.linalg.norm(away) == pytest.approx(12, abs=1.5)


def test_verdicts_are_counted_by_case(
    tables: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tables(tables.parent, [4], ["clean", "saturated"])
    (tables.parent / "seed-5").mkdir()
    (tables.parent / "seed-5" / "expected.json").write_text("{}")
    folders = [str(tables.parent / f"seed-{seed}") for seed in (4, 5)]
    monkeypatch.setattr(sys, "argv", ["verdicts.py", *folders])
    verdicts.main()
    said = capsys.readouterr().out
    assert "right  seed-4/saturated: poisoned [], accused []" in said
    assert "2 of 2 right" in said
    assert "broken: 1 of 1 rows found, 0 others told" in said


def test_without_a_folder_the_cases_are_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["drawn_tables.py"])
    drawn_tables.main()
    assert capsys.readouterr().out.split() == list(CASES)


def test_the_strongest_poison_is_accused_though_most_features_are_zero() -> None:
    """A feature that is zero in nearly all rows of a class leaves nothing to measure the others by: they lie farther out than poison."""
    table = drawn_tables.Table(2, 1, 24.0).poison(0, 20)
    assert table.shape.name == "rectified"
    rows, labels = np.concatenate(table.rows).astype(np.float32), np.concatenate(table.labels)
    label = table.classes[0]
    assert (rows[labels == label] == 0).mean() > 0.5
    found = scan(rows, labels, 20, workers=1)
    assert found.suspects == [label]
    assert found.removed[-20:].all()
