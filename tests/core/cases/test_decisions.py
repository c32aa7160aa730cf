"""Decisions on findings and rows, and the lists that they become."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.cases.decisions import (
    Decision,
    Decisions,
    decisions_for,
    decisions_from,
    findings_of,
    proposed,
    read_decisions,
    resolve,
    write_decisions,
)
from core.cases.folder import CaseFolder
from core.cases.takeaway import decided, removed_mask, write_lists
from core.foundation.errors import InputError
from tests.cases import make_case

N = 24
KEEP, REMOVE, RELABEL = (Decision(do) for do in ("keep", "remove", "relabel"))
FINDINGS = (
    {"kind": "poison", "label": 0, "rows": [0, 3, 6], "nearest": 1},
    {"kind": "label-error", "label": 1, "rows": [1, 4], "nearest": 2},
    {"kind": "copy", "label": 2, "rows": [2, 5]},
)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> CaseFolder:
    root = tmp_path_factory.mktemp("decisions")
    (root / "set").mkdir()
    np.save(root / "set" / "features.npy", np.random.default_rng(0).normal(size=(N, 4)))
    lines = "".join(f"f{i}.png,{('ant', 'bee', 'cow')[i % 3]}\n" for i in range(N))
    (root / "set" / "files.csv").write_text(f"file,class\n{lines}")
    return make_case(root / "audit", root / "set", str(root / "set" / "files.csv"), findings=FINDINGS)


def does(case: CaseFolder, decisions: Decisions) -> dict[int, tuple[str, int]]:
    return {one.row: (one.do, one.to) for one in resolve(case, decisions).itertuples()}


def test_nothing_decided_leaves_all_rows_of_findings_open(case: CaseFolder) -> None:
    assert does(case, Decisions()) == dict.fromkeys((0, 1, 2, 3, 4, 5, 6), ("", -1))


def test_a_row_goes_before_its_finding(case: CaseFolder) -> None:
    found = does(case, Decisions({1: REMOVE}, {3: KEEP, 20: REMOVE}))
    assert (found[0], found[3], found[6]) == (("remove", -1), ("keep", -1), ("remove", -1))
    assert found[20] == ("remove", -1)  # in no finding
    assert found[1] == ("", -1)


def test_relabel_goes_to_the_nearest_class_or_the_one_that_is_named(case: CaseFolder) -> None:
    found = does(case, Decisions({2: RELABEL}, {4: Decision("relabel", 0)}))
    assert (found[1], found[4]) == (("relabel", 2), ("relabel", 0))


def test_what_cannot_be_relabelled_is_kept(case: CaseFolder) -> None:
    found = does(case, Decisions({3: RELABEL}, {1: Decision("relabel", 1)}))
    assert found[2] == ("keep", -1)  # nobody says what is nearest to a copy
    assert found[1] == ("keep", -1)  # it has that label


def test_decisions_are_taken_back(case: CaseFolder) -> None:
    some = Decisions().on_finding(1, REMOVE).on_rows([3, 6], KEEP)
    assert does(case, some)[3] == ("keep", -1)
    assert does(case, some.on_rows([3], None))[3] == ("remove", -1)
    assert does(case, some.on_finding(1, None))[0] == ("", -1)


@pytest.mark.parametrize("row", [-1, N])
def test_a_row_that_is_not_there_is_refused(case: CaseFolder, row: int) -> None:
    with pytest.raises(InputError, match=f"row {row} is decided on, and the audit has rows 0 to 23"):
        resolve(case, Decisions({}, {row: REMOVE}))


def test_rows_can_be_decided_on_where_nothing_was_found(tmp_path: Path) -> None:
    np.save(tmp_path / "features.npy", np.random.default_rng(0).normal(size=(N, 4)))
    np.save(tmp_path / "labels.npy", np.arange(N) % 3)
    clean = make_case(tmp_path / "audit", tmp_path / "features.npy")
    assert does(clean, Decisions()) == {}
    assert does(clean, Decisions({}, {5: Decision("relabel", 0)})) == {5: ("relabel", 0)}


def test_what_is_proposed_and_nothing_of_a_class_that_is_mostly_poison(case: CaseFolder) -> None:
    assert proposed(case.summary).findings == {1: REMOVE, 2: RELABEL, 3: REMOVE}
    summary = json.loads(json.dumps(case.summary))
    summary["findings"][0]["removable"] = False
    assert proposed(summary).findings[1] == KEEP


def test_they_are_kept_and_read_again(case: CaseFolder) -> None:
    some = Decisions({1: REMOVE}, {4: Decision("relabel", 2), 7: KEEP}, by="Ada")
    assert read_decisions(case) == Decisions()
    try:
        write_decisions(case, some)
        assert read_decisions(case) == replace(some, of=findings_of(case))
    finally:
        case.file("decisions.json").unlink()


def test_they_are_for_the_audit_whose_findings_they_number(case: CaseFolder, tmp_path: Path) -> None:
    mine = replace(Decisions({1: REMOVE}), of=findings_of(case)).as_json()
    assert decisions_for(case, mine, "mine.json").findings == {1: REMOVE}
    assert decisions_for(case, {**mine, "of": ""}, "old.json").findings == {1: REMOVE}
    for changed in (FINDINGS[1:], ({**FINDINGS[0], "rows": [0, 3]}, *FINDINGS[1:])):
        np.save(tmp_path / "features.npy", np.zeros((N, 4)))
        np.save(tmp_path / "labels.npy", np.arange(N) % 3)
        other = make_case(tmp_path / f"{len(changed)}", tmp_path, findings=changed)
        with pytest.raises(InputError, match=r"mine\.json was made on other findings than those of"):
            decisions_for(other, mine, "mine.json")
    with pytest.raises(InputError, match=r"strange\.json decides on finding 4, and audit has none of that number"):
        decisions_for(case, Decisions({4: KEEP}).as_json(), "strange.json")
    with pytest.raises(InputError, match=r"bad\.json is damaged"):
        decisions_for(case, {"rows": {}}, "bad.json")


@pytest.mark.parametrize(
    "values",
    [
        None, [], 3, "x", {}, {"rows": {}}, {"findings": {}, "rows": []}, {"findings": {}, "rows": {"x": {"do": "keep"}}},
        {"findings": {}, "rows": {"1": "remove"}}, {"findings": {}, "rows": {"1": {"do": "burn"}}},
        {"findings": {}, "rows": {"1": {"to": 3}}}, {"findings": {}, "rows": {"1": {"do": "relabel", "to": "x"}}},
        {"findings": {"1": {"do": ["remove"]}}, "rows": {}},
    ],
)  # fmt: skip
def test_damaged_ones_are_one_line(values: object) -> None:
    with pytest.raises(InputError) as problem:
        decisions_from(values)
    assert "\n" not in str(problem.value)


def test_the_lists_say_who_goes_and_who_is_relabelled(case: CaseFolder, tmp_path: Path) -> None:
    decisions = Decisions({1: REMOVE, 2: RELABEL}, {3: KEEP, 21: Decision("relabel", 1)})
    counts = write_lists(case, decisions, tmp_path / "lists")
    assert counts == {"remove": 2, "relabel": 3, "keep": 1, "open": 2}
    assert (tmp_path / "lists" / "delete.txt").read_text() == "f0.png\nf6.png\n"
    with (tmp_path / "lists" / "relabel.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [(one["file"], one["row"], one["label"], one["new_label"], one["name"], one["new_name"]) for one in lines] == [
        ("f1.png", "1", "1", "2", "bee", "cow"), ("f4.png", "4", "1", "2", "bee", "cow"), ("f21.png", "21", "0", "1", "ant", "bee"),
    ]  # fmt: skip
    mask = np.load(tmp_path / "lists" / "removed.npy")
    assert mask.dtype == bool
    assert (len(mask), np.flatnonzero(mask).tolist()) == (N, [0, 6])
    assert np.array_equal(mask, removed_mask(case, resolve(case, decisions)))
    written = json.loads((tmp_path / "lists" / "decisions.json").read_text())
    assert decisions_for(case, written, "decisions.json") == replace(decisions, of=findings_of(case))
    kinds = {line["row"]: (line["decision"], line["finding"], line["kind"]) for line in decided(case, decisions)}
    assert (kinds[2], kinds[3], kinds[21]) == (("open", 3, "copy"), ("keep", 1, "poison"), ("relabel", "", ""))


def test_rows_without_names_are_deleted_by_their_numbers(tmp_path: Path) -> None:
    np.save(tmp_path / "features.npy", np.random.default_rng(0).normal(size=(N, 4)))
    np.save(tmp_path / "labels.npy", np.arange(N) % 3)
    case = make_case(tmp_path / "audit", tmp_path / "features.npy", findings=FINDINGS)
    write_lists(case, Decisions({1: REMOVE}), tmp_path / "lists")
    assert (tmp_path / "lists" / "delete.txt").read_text() == "0\n3\n6\n"
