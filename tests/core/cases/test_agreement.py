"""What others say of the same rows: every form it is brought in, names that are not known, and the figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from core.audit.csv_files import write_csv
from core.cases.agreement import Agreement, compare, kappa, own_decisions
from core.cases.decisions import Decision, Decisions, proposed, write_decisions
from core.cases.folder import CaseFolder
from core.cases.takeaway import write_lists
from core.foundation.errors import InputError
from tests.cases import make_case

N = 30
FINDINGS = (
    {"kind": "poison", "label": 0, "rows": [0, 3, 6, 9], "nearest": 1},
    {"kind": "label-error", "label": 1, "rows": [1, 4], "nearest": 2},
    {"kind": "second-group", "label": 2, "rows": [2, 5]},
)


def features(root: Path, *, named: bool) -> Path:
    root.mkdir()
    np.save(root / "features.npy", np.random.default_rng(0).normal(size=(N, 4)))
    np.save(root / "labels.npy", np.arange(N) % 3)
    if named:
        (root / "files.csv").write_text("file\n" + "".join(f"train/{'abc'[i % 3]}/{i // 3}.png\n" for i in range(N)))
    return root


@pytest.fixture(scope="module", params=[True, False], ids=["files", "rows"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> CaseFolder:
    root = tmp_path_factory.mktemp("agree")
    return make_case(root / "audit", features(root / "set", named=request.param), findings=FINDINGS)


def called(case: CaseFolder, row: int) -> str:
    return case.load_rows()["file"][row] or str(row)


def told(case: CaseFolder, other: Path) -> Agreement:
    return compare(case, proposed(case.summary), other)


def check(found: Agreement, both: int, here: int, there: int) -> None:
    assert found.counts == {"both": both, "only_here": here, "only_there": there, "neither": N - both - here - there}


def test_a_mask(case: CaseFolder, tmp_path: Path) -> None:
    mask = np.zeros(N, bool)
    mask[[0, 3, 20]] = True
    np.save(tmp_path / "mask.npy", mask)
    found = told(case, tmp_path / "mask.npy")
    check(found, 2, 4, 1)
    assert found.rows("only_there").tolist() == [20]
    assert found.rows("only_here").tolist() == [1, 4, 6, 9]
    (tmp_path / "mask.csv").write_text("removed\n" + "".join(f"{int(one)}\n" for one in mask))
    check(told(case, tmp_path / "mask.csv"), 2, 4, 1)


def test_lists_of_this_program_come_back_as_they_went(case: CaseFolder, tmp_path: Path) -> None:
    write_lists(case, proposed(case.summary), tmp_path / "lists")
    for name in ("decisions.json", "decisions.csv"):
        check(told(case, tmp_path / "lists" / name), 6, 0, 0)
    check(told(case, tmp_path / "lists" / "delete.txt"), 4, 2, 0)  # which holds the removed ones alone
    check(told(case, tmp_path / "lists" / "relabel.csv"), 2, 4, 0)
    check(told(case, case.file("findings.csv")), 6, 0, 0)


def test_rows_that_somebody_keeps_are_touched_and_not_flagged(case: CaseFolder, tmp_path: Path) -> None:
    theirs = Decisions({1: Decision("keep")}, {20: Decision("remove")}, by="Ada")
    (tmp_path / "theirs.json").write_text(json.dumps(theirs.as_json()))
    found = told(case, tmp_path / "theirs.json")
    check(found, 0, 6, 1)
    assert found.there.what == "decisions of Ada"
    assert np.flatnonzero(found.there.touched).tolist() == [0, 3, 6, 9, 20]
    assert found.as_json()["touched"] == 9  # of the findings 8, kept ones too, and row 20


def test_plain_lists_and_tables_and_the_names_that_are_not_known(case: CaseFolder, tmp_path: Path) -> None:
    lines = [called(case, 0), called(case, 20), "train/a/77.png" if called(case, 0) != "0" else "77"]
    (tmp_path / "list.txt").write_text("\n".join(lines) + "\n")
    found = told(case, tmp_path / "list.txt")
    check(found, 1, 5, 1)
    assert found.there.unknown == (lines[2] if "/" in lines[2] else "row 77",)
    heading = "Filename" if "/" in lines[0] else "row"
    (tmp_path / "list.csv").write_text(f"why;{heading}\n" + "".join(f"seen;{line}\n" for line in lines))
    again = told(case, tmp_path / "list.csv")
    assert (again.counts, again.there.unknown) == (found.counts, found.there.unknown)


def test_another_audit_is_matched_by_files_else_by_rows(case: CaseFolder, tmp_path: Path) -> None:
    named = called(case, 0) != "0"
    other = make_case(
        tmp_path / "other",
        features(tmp_path / "set", named=named),
        findings=[{"kind": "poison", "label": 0, "rows": [0, 12]}],
    )
    check(told(case, other.path), 1, 5, 1)
    write_decisions(other, Decisions({}, {12: Decision("remove")}))
    check(told(case, other.path), 0, 6, 1)


def test_lists_come_back_where_names_would_be_formulas(tmp_path: Path) -> None:
    """A quote guards such names in our own lists."""
    root = features(tmp_path / "set", named=False)
    (root / "files.csv").write_text("file\n" + "".join(f"+{i % 3}/{i}.png\n" for i in range(N)))
    case = make_case(tmp_path / "audit", root, findings=FINDINGS)
    write_lists(case, proposed(case.summary), tmp_path / "lists")
    assert "'+0/0.png" in (tmp_path / "lists" / "decisions.csv").read_text()
    check(told(case, tmp_path / "lists" / "decisions.csv"), 6, 0, 0)


def test_rows_of_another_number_without_names_are_refused(tmp_path: Path) -> None:
    case = make_case(tmp_path / "audit", features(tmp_path / "set", named=False), findings=FINDINGS)
    (tmp_path / "small").mkdir()
    np.save(tmp_path / "small" / "features.npy", np.random.default_rng(0).normal(size=(12, 4)))
    np.save(tmp_path / "small" / "labels.npy", np.arange(12) % 3)
    other = make_case(tmp_path / "other", tmp_path / "small", findings=[{"kind": "poison", "label": 0, "rows": [0]}])
    with pytest.raises(InputError, match="12 rows and this one 30"):
        told(case, other.path)


@pytest.fixture(scope="module")
def folder_case(tmp_path_factory: pytest.TempPathFactory) -> CaseFolder:
    root = tmp_path_factory.mktemp("agree")
    return make_case(root / "audit", features(root / "set", named=True), findings=FINDINGS)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("train/a/0.png", True),
        ("./train/a/0.png", True),
        ("train\\a\\0.png", True),
        ("/elsewhere/set/train/a/0.png", True),
        ("a/0.png", True),  # the end of one path alone
        ("0.png", False),  # the end of three
        ("d/0.png", False),
        ("test/a/0.png", False),  # another part
    ],
)
def test_two_paths_are_one_file_where_one_ends_as_the_other(
    folder_case: CaseFolder, tmp_path: Path, name: str, known: bool
) -> None:
    (tmp_path / "list.txt").write_text(f"{called(folder_case, 20)}\n{name}\n")
    found = told(folder_case, tmp_path / "list.txt")
    assert found.rows("both").tolist() == ([0] if known else [])
    assert found.there.unknown == (() if known else (name,))


def test_a_list_of_other_data_is_refused(case: CaseFolder, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("nothing.jpg\nof-it.jpg\n")
    with pytest.raises(InputError, match=r"list.txt names 2 rows, and this audit has none .*'nothing.jpg'"):
        told(case, tmp_path / "list.txt")


def test_disagreements_are_told_by_finding(case: CaseFolder, tmp_path: Path) -> None:
    np.save(tmp_path / "mask.npy", np.isin(np.arange(N), [0, 3, 2, 20]))
    found = {one["finding"]: one for one in told(case, tmp_path / "mask.npy").findings}
    assert found[1] == {
        "finding": 1,
        "label": 0,
        "kind": "poison",
        "rows": 4,
        "both": 2,
        "only_here": 2,
        "only_there": 0,
    }
    assert (found[2]["only_here"], found[3]["only_there"], found[0]["only_there"]) == (2, 1, 1)


def test_kappa_is_that_of_scikit_learn_and_undefined_where_nothing_differs() -> None:
    rng = np.random.default_rng(0)
    for p in (0.05, 0.3, 0.9):
        a = rng.random(200) < p
        b = np.where(rng.random(200) < 0.8, a, rng.random(200) < p)
        assert kappa(a, b) == pytest.approx(cohen_kappa_score(a, b))
    assert kappa(np.zeros(9, bool), np.zeros(9, bool)) is None
    assert kappa(np.zeros(0, bool), np.zeros(0, bool)) is None


def test_own_decisions_are_taken_where_there_are_any(case: CaseFolder) -> None:
    assert own_decisions(case)[1] == "what the findings propose"
    try:
        write_decisions(case, Decisions({}, {5: Decision("remove")}))
        decided, what = own_decisions(case)
        assert (list(decided.rows), what) == ([5], "what was decided")
    finally:
        case.file("decisions.json").unlink()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.txt", None, "does not exist"),
        ("empty.txt", "\n \n", "names no row"),
        ("d.json", '{"rows": {"1": {"do": "burn"}}, "findings": {}}', "'burn' is no decision"),
        ("d.json", "[1]", "d.json is damaged"),
        ("d.json", "nonsense", "d.json"),
        ("mask.npy", "nonsense", "mask.npy"),
        ("a-folder", "", "no finished audit"),
    ],
)
def test_bad_input_is_one_line(case: CaseFolder, tmp_path: Path, name: str, content: str | None, message: str) -> None:
    if name == "a-folder":
        (tmp_path / name).mkdir()
    elif content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message) as problem:
        told(case, tmp_path / name)
    assert "\n" not in str(problem.value)


def test_a_table_that_says_nothing_of_some_rows_counts_each_row_once(case: CaseFolder, tmp_path: Path) -> None:
    write_csv(
        tmp_path / "d.csv",
        ("row", "decision"),
        [{"row": 0, "decision": "remove"}, {"row": 0, "decision": "keep"}, {"row": 3, "decision": "open"}],
    )
    found = told(case, tmp_path / "d.csv")
    check(found, 1, 5, 0)
    assert np.flatnonzero(found.there.touched).tolist() == [0]
