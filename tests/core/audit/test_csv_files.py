from __future__ import annotations

from pathlib import Path

from core.audit.csv_files import write_csv


def test_no_cell_of_a_list_is_a_formula_and_numbers_stay_numbers(tmp_path: Path) -> None:
    record = {"row": 3, "score": "-1.5", "file": "=cmd|' /C calc'!A0", "name": "@x", "more": "left out"}
    write_csv(tmp_path / "x.csv", ("row", "score", "name", "file"), [record])
    assert (tmp_path / "x.csv").read_text() == "row,score,name,file\n3,-1.5,'@x,'=cmd|' /C calc'!A0\n"
