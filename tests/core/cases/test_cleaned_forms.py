"""Every set that is read as images is cleaned too: one row goes, one gets another class, and what is read again is that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.cases.cleaned import write_cleaned
from core.cases.decisions import Decision, Decisions
from tests.cases import make_case, snapshot
from tests.core.datasets.test_brought import CASES


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_what_is_read_is_cleaned(name: str, tmp_path: Path) -> None:
    brought = CASES[name]
    (tmp_path / "set").mkdir()
    made = brought.make(tmp_path / "set")
    path = made if isinstance(made, Path) else tmp_path / "set"
    case = make_case(tmp_path / "audit", path, kind=brought.kind, options=brought.options)
    labels = case.load_rows()["label"].to_numpy()
    sizes = np.bincount(labels)
    largest = int(sizes.argmax())
    gone, moved = np.flatnonzero(labels == largest)[:2].tolist()
    other = (largest + 1) % len(sizes)
    before = snapshot(path) if path.is_dir() else path.read_bytes()
    decisions = Decisions({}, {gone: Decision("remove"), moved: Decision("relabel", other)})
    told = write_cleaned(case, decisions, tmp_path / "out")
    expected = sizes.copy()
    expected[largest] -= 2
    expected[other] += 1
    names = case.read_json("data.json")["class_names"]
    assert told["per_class"] == {n: int(c) for n, c in zip(names, expected, strict=True)}
    assert (snapshot(path) if path.is_dir() else path.read_bytes()) == before
