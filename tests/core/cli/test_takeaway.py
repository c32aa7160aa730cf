"""`clean` and `agree` as they are called."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.cases.decisions import Decision, Decisions, write_decisions
from core.cases.folder import CaseFolder
from tests.cases import make_case, snapshot
from tests.conftest import Cli
from tests.makers import check_refused

N = 30
FINDINGS = (
    {"kind": "poison", "label": 0, "rows": [0, 3], "nearest": 1},
    {"kind": "label-error", "label": 1, "rows": [1], "nearest": 2},
)


@pytest.fixture
def case(tmp_path: Path) -> CaseFolder:
    mine = tmp_path / "mine"
    mine.mkdir()
    np.save(mine / "features.npy", np.random.default_rng(0).normal(size=(N, 4)))
    np.save(mine / "labels.npy", np.arange(N) % 3)
    return make_case(tmp_path / "audit", mine, findings=FINDINGS)


def test_clean_writes_the_lists_and_the_copy_and_says_what_is_open(case: CaseFolder, tmp_path: Path, cli: Cli) -> None:
    write_decisions(case, Decisions({1: Decision("remove")}, {5: Decision("relabel", 0)}))
    outcome = cli("clean", case.path, "--out", tmp_path / "out")
    assert outcome.status == 0, outcome.err
    assert "2 rows to remove, 1 rows to relabel, 0 rows to keep" in outcome.out
    assert "1 rows of findings are not decided on; they were left as they are" in outcome.out
    assert "0 9, 1 10, 2 9" in outcome.out
    names = {path.split("/")[0] for path in snapshot(tmp_path / "out")}
    assert names == {"decisions.csv", "delete.txt", "relabel.csv", "removed.npy", "decisions.json", "cleaned"}
    assert len(np.load(tmp_path / "out" / "cleaned" / "features.npy")) == 28
    assert (tmp_path / "out" / "delete.txt").read_text() == "0\n3\n"


def test_proposed_and_a_file_of_decisions_go_before_what_was_decided(
    case: CaseFolder, tmp_path: Path, cli: Cli
) -> None:
    write_decisions(case, Decisions({}, {7: Decision("remove")}))
    assert cli("clean", case.path, "--out", tmp_path / "a", "--proposed", "--lists-only").status == 0
    assert np.flatnonzero(np.load(tmp_path / "a" / "removed.npy")).tolist() == [0, 3]
    assert not (tmp_path / "a" / "cleaned").exists()
    (tmp_path / "theirs.json").write_text(json.dumps(Decisions({}, {9: Decision("remove")}).as_json()))
    assert (
        cli("clean", case.path, "--out", tmp_path / "b", "--decisions", tmp_path / "theirs.json", "--lists-only").status
        == 0
    )
    assert np.flatnonzero(np.load(tmp_path / "b" / "removed.npy")).tolist() == [9]


def test_where_no_copy_can_be_written_the_lists_are(tmp_path: Path, cli: Cli) -> None:
    import torch

    root = tmp_path / "box"
    root.mkdir()
    torch.save(torch.rand(12, 3, 8, 8), root / "imgs")
    torch.save(torch.arange(12) % 3, root / "labels")
    case = make_case(tmp_path / "audit", root, findings=[{"kind": "poison", "label": 0, "rows": [0]}])
    outcome = cli("clean", case.path, "--out", tmp_path / "out", "--proposed")
    assert outcome.status == 0, outcome.err
    assert "no copy (a cleaned copy of a set of the kind 'toolbox' is not written" in outcome.out
    assert (tmp_path / "out" / "delete.txt").read_text() == "imgs[0]\n"
    assert not (tmp_path / "out" / "cleaned").exists()


def test_bad_input_of_clean_is_one_line_and_writes_nothing(case: CaseFolder, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "out"
    (tmp_path / "bad.json").write_text("[]")
    for words, message in (
        ([case.path], "nothing was decided in audit yet"),
        ([tmp_path, "--proposed"], "is no finished audit"),
        ([case.path, "--proposed", "--decisions", "x"], "exclude each other"),
        ([case.path, "--decisions", tmp_path / "no.json"], "does not exist"),
        ([case.path, "--decisions", tmp_path / "bad.json"], "bad.json is damaged"),
    ):
        check_refused(cli("clean", *words, "--out", out), message)
    np.save(tmp_path / "mine" / "features.npy", np.zeros((N, 4)))
    check_refused(cli("clean", case.path, "--proposed", "--out", out), "has changed since the audit")
    assert not out.exists()
    check_refused(cli("clean", case.path, "--proposed", "--out", case.path), "is not empty")


def test_agree_tells_counts_names_and_writes_all(case: CaseFolder, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "list.txt").write_text("0\n20\n99\n")
    np.save(tmp_path / "mask.npy", np.isin(np.arange(N), [0, 1, 3]))
    outcome = cli("agree", case.path, tmp_path / "list.txt", tmp_path / "mask.npy", "--json", tmp_path / "all.json")
    assert outcome.status == 0, outcome.err
    assert "here: what the findings propose" in outcome.out
    assert "list.txt: finding 1 (poison, class 0): 1 rows here alone, 0 there alone" in outcome.out
    assert "list.txt: 1 name is not of this audit: row 99" in outcome.out
    written, mask = json.loads((tmp_path / "all.json").read_text())
    assert (written["rows_both"], written["rows_only_here"], written["rows_only_there"]) == ([0], [1, 3], [20])
    assert (written["share"], written["unknown"]) == (0.9, ["row 99"])
    assert (mask["kappa"], mask["findings"]) == (1.0, [])


def test_bad_input_of_agree_is_one_line(case: CaseFolder, tmp_path: Path, cli: Cli) -> None:
    check_refused(cli("agree", case.path, tmp_path / "no.txt"), "no.txt does not exist")
    np.save(tmp_path / "short.npy", np.zeros(4, bool))
    check_refused(cli("agree", case.path, tmp_path / "short.npy"), "there are 30 rows")


def test_decisions_on_other_findings_are_refused(case: CaseFolder, tmp_path: Path, cli: Cli) -> None:
    """They name findings by their numbers, and those of another audit are other rows."""
    other = make_case(tmp_path / "other", tmp_path / "mine", findings=FINDINGS[::-1])
    write_decisions(other, Decisions({1: Decision("remove")}))
    theirs = other.file("decisions.json")
    check_refused(
        cli("clean", case.path, "--decisions", theirs, "--out", tmp_path / "out"), "was made on other findings"
    )
    check_refused(cli("agree", case.path, theirs), "was made on other findings")
    assert not (tmp_path / "out").exists()
