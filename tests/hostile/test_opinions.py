"""Door: reports of others, held beside an audit: decisions, lists, findings, folders of audits."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.cases.agreement import Said, said_there
from core.cases.folder import CaseFolder
from tests.hostile.cases import BROKEN, ESCAPE, FORMULA, MARKUP, check_line, refused

N = 24
FILES = [f"x/{i}.png" for i in range(N)]


def audit(folder: Path) -> CaseFolder:
    """As far as an opinion is held beside it."""
    folder.mkdir()
    frame = pd.DataFrame({"row": np.arange(N), "label": 0, "file": FILES})
    frame.to_parquet(folder / "rows.parquet", index=False)
    (folder / "findings.csv").write_text("row,label,kind,score,nearest_label,finding\n1,0,poison,2.5,1,1\n")
    (folder / "summary.json").write_text('{"findings": []}')
    return CaseFolder(folder)


def decisions(rows: Any = None, findings: Any = None, **more: Any) -> Callable[[Path], Any]:
    told = {"rows": rows or {}, "findings": findings or {}, **more}
    return lambda path: path.write_text(json.dumps(told))


def text(content: str) -> Callable[[Path], Any]:
    return lambda path: path.write_text(content)


def edited(name: str, content: str) -> Callable[[Path], Any]:
    """Another audit, one file of which was edited by hand."""

    def write(path: Path) -> None:
        audit(path).file(name).write_text(content)

    return write


KEEP = {"do": "keep"}
REFUSED: dict[str, tuple[str, Callable[[Path], Any], tuple[str, ...]]] = {
    "nothing": ("d.json", lambda p: None, ("does not exist",)),
    "0 bytes of JSON": ("d.json", text(""), ("d.json",)),
    "0 bytes of a list": ("d.txt", text(""), ("names no row and no file",)),
    "brackets in brackets": ("d.json", text("[" * 100_000), ("d.json",)),
    "objects in objects": ("d.json", text('{"rows":' * 50_000), ("d.json",)),
    "a number without end": ("d.json", text(f'{{"rows": {{}}, "findings": {{}}, "x": {"9" * 5000}}}'), ("d.json",)),
    "JSON in UTF-16": ("d.json", lambda p: p.write_text("{}", "utf-16"), ("damaged",)),
    "no object": ("d.json", text('"remove"'), ("damaged",)),
    "nothing decided": ("d.json", text("null"), ("damaged",)),
    "lists for objects": ("d.json", decisions(rows=[1, 2]), ("damaged",)),
    "a row beyond 64 bits": ("d.json", decisions({str(2**70): KEEP}), ("damaged",)),
    "a row of 5,000 figures": ("d.json", decisions({"9" * 5000: KEEP}), ("damaged",)),
    "a row below 0": ("d.json", decisions({"-5": KEEP}), ("damaged",)),
    "a row that is not there": ("d.json", decisions({"24": KEEP}), ("row 24",)),
    "a row in words": ("d.json", decisions({"first": KEEP}), ("damaged",)),
    "a label without end": ("d.json", text('{"rows": {"1": {"do": "relabel", "to": 1e999}}, "findings": {}}'), ("damaged",)),
    "a label that is no number": ("d.json", text('{"rows": {"1": {"do": "relabel", "to": NaN}}, "findings": {}}'), ("damaged",)),
    "a label beyond 64 bits": ("d.json", decisions({"1": {"do": "relabel", "to": 2**70}}), ("damaged",)),
    "a label and a half": ("d.json", decisions({"1": {"do": "relabel", "to": 1.5}}), ("damaged",)),
    "a label in a list": ("d.json", decisions({"1": {"do": "relabel", "to": [1]}}), ("damaged",)),
    "a decision of markup": ("d.json", decisions({"1": {"do": MARKUP}}), ("is no decision",)),
    "a decision of an escape": ("d.json", decisions({"1": {"do": ESCAPE}}), ("is no decision",)),
    "a decision of 1 MB": ("d.json", decisions({"1": {"do": "x" * 2**20}}), ("is no decision",)),
    "a decision that is a list": ("d.json", decisions({"1": {"do": ["remove"]}}), ("is no decision",)),
    "names of nobody": ("d.txt", text(f"{MARKUP}\n{FORMULA}\n"), ("this audit has none of them",)),
    "a name of 1 MB": ("d.txt", text("n" * 2**20), ("this audit has none of them",)),
    "names that climb": ("d.txt", text("../../../etc/passwd\n"), ("this audit has none of them",)),
    "rows of 5,000 figures": ("d.txt", text("9" * 5000 + "\n"), ("this audit has none of them",)),
    "more cells than names": ("d.csv", text('row,decision\n1,remove,2,3\n2,"keep\n'), ("d.csv",)),
    "a quote in the heading": ("d.csv", text('file,"row,label",x\na,b,c\n'), ("d.csv",)),
    "bytes of zero": ("d.csv", lambda p: p.write_bytes(b"row\0,\0\n" * 9), ("d.csv",)),
    "a mask of another length": ("d.npy", lambda p: np.save(p, np.zeros(5)), ("one truth value a row",)),
    "a pipe": ("d.txt", lambda p: os.mkfifo(p), ("does not exist",)),
    "an empty folder": ("d", lambda p: p.mkdir(), ("no finished audit",)),
    "an audit, its rows a text": ("d", edited("rows.parquet", "rows"), ("rows.parquet cannot be read",)),
    "an audit, its findings a text": ("d", edited("findings.csv", BROKEN), ("findings.csv cannot be read",)),
    "an audit, its findings elsewhere": ("d", edited("findings.csv", "row,label,kind,score,nearest_label,finding\n99,0,poison,2.5,1,1\n"), ()),
    "an audit, its decisions a list": ("d", edited("decisions.json", "[]"), ("damaged",)),
    "an audit, its summary a list": ("d", edited("summary.json", "[]"), ("summary.json is damaged",)),
    "an audit, its summary empty": ("d", edited("summary.json", "{}"), ("d",)),
}  # fmt: skip


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("name", "write", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_an_opinion_is_refused(name: str, write: Callable[[Path], Any], words: tuple[str, ...], tmp_path: Path) -> None:
    case = audit(tmp_path / "audit")
    write(tmp_path / name)
    refused(lambda: said_there(case, tmp_path / name), *words)


@pytest.mark.parametrize("name", [MARKUP, FORMULA, ESCAPE, "../../../etc/passwd", "n" * 9000])
def test_what_others_name_is_told_and_nothing_more(name: str, tmp_path: Path) -> None:
    (tmp_path / "d.txt").write_text(f"x/1.png\n{name}\n")
    said: Said = said_there(audit(tmp_path / "audit"), tmp_path / "d.txt")
    assert np.flatnonzero(said.flagged).tolist() == [1]
    assert said.unknown == (name,)
    check_line(said.what)
