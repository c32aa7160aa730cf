"""The classes that a scan has looked at so far, while it looks at others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.cases import CaseConfig, CaseFolder, execute, so_far
from core.cases.so_far import ClassSoFar
from core.cases.space import Look
from core.foundation.errors import Cancelled
from tests.core.cases.test_pipeline import POISON, POISONED, begun, poisoned_features

LOOK = Look(0, "")


@pytest.fixture
def case(tmp_path: Path) -> CaseFolder:
    case = CaseFolder(tmp_path / "a")
    case.file(LOOK.folder).mkdir(parents=True)
    return case


def one(label: int, separation: float | None, reason: str = "") -> ClassSoFar:
    return ClassSoFar(label, 100, 0 if separation is None else 9, separation, (separation or 0) > 5, 4, reason)


def test_most_apart_come_first_and_those_that_could_not_be_looked_at_last(case: CaseFolder) -> None:
    assert not so_far.is_begun(case, LOOK)
    assert so_far.ranked(case, LOOK) == []
    given = [one(3, None, "2 row(s)"), one(7, 1.5), one(1, 6.25), one(2, 1.5)]
    for each in given:
        so_far.add(case, LOOK, each)
    assert so_far.is_begun(case, LOOK)
    assert so_far.ranked(case, LOOK) == [given[2], given[3], given[1], given[0]]


def test_a_line_that_is_half_written_or_of_something_else_is_left_out(case: CaseFolder) -> None:
    so_far.add(case, LOOK, one(1, 2.0))
    with case.file(f"{LOOK.folder}/{so_far.NAME}").open("a") as lines:
        lines.write(
            '{"label": 2}\n[1]\n{"label": "x", "n": 1, "apart": 1, "separation": 1, "far": true, "k": 1, "reason": ""}\n{"label": 3, "n"'
        )
    so_far.add(case, LOOK, one(4, 3.0))  # the next process goes on after it
    assert [each.label for each in so_far.ranked(case, LOOK)] == [4, 1]


def test_an_audit_tells_its_classes_as_they_come_and_again_when_it_goes_on(tmp_path: Path, monkeypatch) -> None:
    rows, labels, _ = poisoned_features()
    np.save(tmp_path / "x.npy", rows)
    np.save(tmp_path / "y.npy", labels)
    case = begun(tmp_path / "a", CaseConfig(str(tmp_path / "x.npy"), str(tmp_path / "y.npy"), workers=1, device="cpu"))
    add, told = so_far.add, [[]]

    def watched(case: CaseFolder, look: Look, one: ClassSoFar) -> None:
        add(case, look, one)
        told.append(so_far.ranked(case, look))
        if len(told) == 4 and not told[0]:
            raise Cancelled

    monkeypatch.setattr(so_far, "add", watched)
    with pytest.raises(Cancelled):
        execute(case)
    assert [len(ranks) for ranks in told] == [0, 1, 2, 3]
    before = set(told[-1])
    told.clear()
    execute(case)
    assert [len(ranks) for ranks in told] == [1, 2, 3, 4, 5]
    assert set(told[2]) == before  # told again, not looked at again
    first = told[-1][: len(POISONED)]
    assert {each.label for each in first} == set(POISONED)
    assert all(each.far and each.apart == POISON for each in first)
    assert not so_far.is_begun(case, LOOK)  # the verdict says it now
