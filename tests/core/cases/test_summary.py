"""The verdict of several looks: who sees what, and what was not looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.audit.csv_files import write_csv
from core.cases.config import CaseConfig
from core.cases.folder import CaseFolder
from core.cases.summary import not_looked_at, whole_summary

COLUMNS = ("row", "label", "kind", "score", "nearest_label", "finding")
Found = tuple[int, str, list[int]]  # label, kind, rows


def look(case: CaseFolder, number: int, found: list[Found]) -> dict[str, Any]:
    """What a look leaves, and its summary."""
    case.file(f"look-{number}").mkdir(parents=True)
    lines = [
        {"row": r, "label": label, "kind": kind, "score": 1, "nearest_label": "", "finding": i}
        for i, (label, kind, rows) in enumerate(found, 1)
        for r in rows
    ]
    write_csv(case.file(f"look-{number}/findings.csv"), COLUMNS, lines)
    told = [
        {"label": label, "kind": kind, "rows": len(rows), "in_words": f"{len(rows)} rows"}
        for label, kind, rows in found
    ]
    classes = [{"label": label, "objective": 1.0, "reason": ""} for label in range(4)]
    return {"findings": told, "classes": classes, "n": 100, "level": 0.05, "verdict": "x"}


@pytest.fixture
def case(tmp_path: Path) -> CaseFolder:
    case = CaseFolder(tmp_path / "a")
    case.path.mkdir()
    case.write_json("data.json", {"what": "images", "carries": {"told": ["t"]}, "sha256": "s", "left_out": []})
    case.write_json("result.json", {"layers": ["pooled", "block2", "block3"], "seconds": {}})
    return case


CONFIG = CaseConfig("/set", layers=("pooled", "block2", "block3"))


def whole(case: CaseFolder, *found: list[Found]) -> dict[str, Any]:
    return whole_summary(case, CONFIG, [look(case, i, one) for i, one in enumerate(found)])


def test_a_finding_names_all_layers_that_see_it(case: CaseFolder) -> None:
    rows = list(range(10))
    summary = whole(
        case, [(1, "poison", rows), (2, "copy", [50, 51])], [(1, "poison", rows[:6])], [(2, "copy", [51, 50, 52])]
    )
    poison, copy = summary["findings"]
    assert poison["layers"] == ["pooled", "block2"]
    assert copy["layers"] == ["pooled", "block3"]
    assert [one["finding"] for one in summary["findings"]] == [1, 2]
    assert summary["only_elsewhere"] == []


@pytest.mark.parametrize(
    "other",
    [
        (2, "poison", list(range(10))),  # another label
        (1, "second-group", list(range(10))),  # another kind
        (1, "poison", list(range(6, 20))),  # 4 of 10 rows
    ],
)
def test_what_another_layer_alone_sees_is_told_apart(case: CaseFolder, other: Found) -> None:
    summary = whole(case, [(1, "poison", list(range(10)))], [other], [])
    assert summary["findings"][0]["layers"] == ["pooled"]
    (alone,) = summary["only_elsewhere"]
    assert (alone["layer"], alone["label"], alone["kind"], alone["rows"]) == (
        "block2",
        other[0],
        other[1],
        len(other[2]),
    )


def test_one_layer_alone_names_none(case: CaseFolder) -> None:
    case.write_json("result.json", {"layers": ["pooled"], "seconds": {}})
    summary = whole(case, [(1, "poison", [1, 2])])
    assert "layers" not in summary["findings"][0]
    assert summary["findings"][0]["proposed"] == "remove"
    assert summary["command"] == CONFIG.command()


def test_what_was_not_looked_at_has_a_reason_each() -> None:
    data = {
        "what": "features",
        "rows": 120,
        "per_class": [60, 20, 20],
        "left_out": [{"what": "column 'id'", "count": 1, "why": "it counts"}],
    }
    classes = [
        {"label": 0, "objective": 2.0, "reason": ""},
        {"label": 1, "objective": None, "reason": "too few rows"},
        {"label": 3, "objective": None, "reason": "too few rows"},
    ]
    found = {one["what"]: one for one in not_looked_at(data, {"classes": classes, "n": 120}, CaseConfig("/x"), 1)}
    assert found["classes 1, 3 by themselves"]["why"] == "too few rows"
    assert found["rows without a label"]["count"] == 20
    assert "the images themselves" in found
    assert "column 'id'" not in found  # it is no row, and told with what was read
    assert "other layers" not in found  # nobody knows any of brought features
    assert "which rows lie with another class" not in found


def test_of_images_what_was_passed_over_is_told_and_of_one_class_what_it_cannot_show() -> None:
    data = {
        "what": "images",
        "not_looked_at": [{"what": "the test images", "count": 9, "why": "w"}],
        "left_out": [{"what": "files *.heic", "count": 3, "why": "h"}],
    }
    classes = [{"label": 0, "objective": 2.0, "reason": ""}]
    found = {one["what"]: one for one in not_looked_at(data, {"classes": classes, "n": 100}, CONFIG, 3)}
    one_layer = {one["what"] for one in not_looked_at(data, {"classes": classes, "n": 100}, CONFIG, 1)}
    assert one_layer - set(found) == {"other layers"}
    assert {
        "the test images",
        "files *.heic",
        "which rows lie with another class",
        "marks in the pictures",
        "a model trained without the rows",
    } == set(found)
