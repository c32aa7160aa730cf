"""`report`: an audit or a run by its folder or its id."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.cases import CaseFolder
from core.runs import Status
from tests.conftest import Cli
from tests.core.cases.audits import make_audit
from tests.makers import check_refused


@pytest.fixture
def audit(tmp_path: Path) -> CaseFolder:
    return make_audit(tmp_path / "audits" / "made", kinds=("poison",), per_class=20)


def test_an_audit_by_its_folder_gets_both_forms_beside_it(audit: CaseFolder, cli: Cli) -> None:
    outcome = cli("report", audit.path, "--pdf")
    assert outcome.status == 0, outcome.err
    assert audit.file("report.html").read_bytes().startswith(b"<!DOCTYPE html>")
    assert audit.file("report.pdf").read_bytes().startswith(b"%PDF-")
    assert outcome.out.count("written to ") == 2


def test_an_audit_by_its_id(audit: CaseFolder, tmp_path: Path, cli: Cli) -> None:
    outcome = cli("report", "made", "--audits-dir", tmp_path / "audits", "--out", tmp_path / "it.html")
    assert outcome.status == 0, outcome.err
    assert "looks poisoned" in (tmp_path / "it.html").read_text(encoding="utf-8")
    assert not audit.file("report.html").exists()


def test_a_bundled_run_is_written_where_one_stands(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = cli("report", "digits-patch-10")
    assert outcome.status == 0, outcome.err
    assert "SPECTRE removes 10 of 10 poisons" in (tmp_path / "digits-patch-10.html").read_text(encoding="utf-8")


def test_what_is_neither_is_refused(tmp_path: Path, cli: Cli) -> None:
    for name in ("nothing", "../audits", str(tmp_path)):
        check_refused(cli("report", name), "no folder of an audit or a run")


def test_what_is_not_finished_is_refused(audit: CaseFolder, cli: Cli) -> None:
    audit.write_status(Status("cancelled"))
    check_refused(cli("report", audit.path), "is cancelled; a report is of what is finished")


def test_a_file_that_is_no_html_is_refused(audit: CaseFolder, tmp_path: Path, cli: Cli) -> None:
    check_refused(cli("report", audit.path, "--out", tmp_path / "it.txt"), "give the name of an .html")
    check_refused(cli("report", audit.path, "--out", tmp_path / "none" / "it.html"), "in a folder that exists")


def test_a_damaged_audit_is_one_line(audit: CaseFolder, cli: Cli) -> None:
    audit.file("summary.json").write_text("{")
    check_refused(cli("report", audit.path), "summary.json is damaged")
