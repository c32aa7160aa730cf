"""An audit that is taken elsewhere: all that is shown, nothing of this computer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.cases import CaseFolder
from core.cases.decisions import Decision, read_decisions, write_decisions
from core.cases.exporting import export
from core.foundation.errors import InputError
from core.runs import Status
from tests.core.cases.audits import make_audit


@pytest.fixture
def case(tmp_path: Path) -> CaseFolder:
    made = make_audit(tmp_path / "audits" / "mine")
    write_decisions(made, read_decisions(made).on_finding(1, Decision("remove")))
    (made.file("look-0") / "source.json").write_text(json.dumps({"path": str(tmp_path / "x.npy")}))
    np.save(made.file("look-0") / "features.npy", np.zeros((2_000, 200), np.float32))  # above what is taken along
    return made


def test_what_is_shown_comes_along_without_a_path_of_this_computer(case: CaseFolder, tmp_path: Path) -> None:
    taken = CaseFolder(export(case, tmp_path / "elsewhere"))
    np.testing.assert_array_equal(taken.images(), case.images())
    assert taken.load_rows().equals(case.load_rows())
    assert taken.summary["verdict"] == case.summary["verdict"]
    assert read_decisions(taken) == read_decisions(case)
    assert taken.config["path"] == "<set>"
    for file in taken.path.rglob("*.json"):
        assert json.dumps(str(tmp_path))[1:-1] not in file.read_text(encoding="utf-8"), file.name


def test_large_features_stay_behind(case: CaseFolder, tmp_path: Path) -> None:
    taken = export(case, tmp_path / "elsewhere")
    assert not (taken / "look-0" / "features.npy").exists()
    assert (taken / "look-0" / "space.npy").exists()


def test_nothing_is_written_over(case: CaseFolder, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match="already there"):
        export(case, tmp_path / "there")


def test_only_what_is_finished(case: CaseFolder, tmp_path: Path) -> None:
    case.write_status(Status("cancelled"))
    with pytest.raises(InputError, match="is cancelled"):
        export(case, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_a_damaged_shape_is_one_line(case: CaseFolder, tmp_path: Path) -> None:
    taken = CaseFolder(export(case, tmp_path / "elsewhere"))
    taken.write_json("images.json", {"shape": [1, -2]})
    with pytest.raises(InputError, match=r"images\.json is damaged"):
        taken.images()
