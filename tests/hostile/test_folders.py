"""Door: the folders of runs and audits, edited by hand or made by somebody else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.cases.agreement import own_decisions, said_here
from core.cases.config import config_from
from core.cases.folder import CaseFolder, Cases
from core.cases.looks import table_of
from core.cases.reporting import report_of, write_report
from core.cases.so_far import ranked
from core.cases.space import Look, looks_of, space_of
from core.cases.takeaway import write_lists
from core.experiment import config_of
from core.models.brought import open_network
from core.runs import RunFolder, Runs
from tests.core.cases.audits import make_audit
from tests.hostile.cases import BROKEN, ESCAPE, MARKUP, Trap, npy, refused, saved

LOOK = Look(0, "block3")
Change = Callable[[Path], Any]


def put(name: str, data: bytes | str) -> Change:
    return lambda folder: (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)


def changed(name: str, **values: Any) -> Change:
    def write(folder: Path) -> None:
        said = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(said | values))

    return write


@pytest.fixture
def case(tmp_path: Path) -> CaseFolder:
    return make_audit(tmp_path / "audit", per_class=60, side=4)


def decided(case: CaseFolder) -> Any:
    return said_here(case, own_decisions(case)[0])


def lists(case: CaseFolder) -> Any:
    return write_lists(case, own_decisions(case)[0], case.path / "lists")


AUDITS: dict[str, tuple[Change, Callable[[CaseFolder], Any]]] = {
    "config, a list": (put("config.json", "[]"), lambda case: config_from(case.config)),
    "config, brackets in words": (put("config.json", '{"layers": 5}'), lambda case: config_from(case.config)),
    "config, no path": (put("config.json", "{}"), lambda case: config_from(case.config)),
    "config, a path of bytes of zero": (changed("config.json", path="a\0b"), lambda case: config_from(case.config).checked()),
    "config, a home of nobody": (changed("config.json", path="~nobody-of-that-name/x"), lambda case: config_from(case.config).checked()),
    "config, a level of infinity": (changed("config.json", level=float("inf")), lambda case: config_from(case.config).checked()),
    "config, a level in words": (changed("config.json", level=MARKUP), lambda case: config_from(case.config).checked()),
    "config, a seed below 0": (changed("config.json", seed=-1), lambda case: config_from(case.config).checked()),
    "config, a seed in a list": (changed("config.json", seed=[0]), lambda case: config_from(case.config).checked()),
    "config, epochs without end": (changed("config.json", epochs=10**12), lambda case: config_from(case.config).checked()),
    "config, an architecture of markup": (changed("config.json", architecture=MARKUP), lambda case: config_from(case.config).checked()),
    "config, a model that is a pickle": (changed("config.json", path="x", model="x.pt", weights="x.pt", epochs=None), lambda case: open_network(config_from(case.config).model)),
    "summary, a list": (put("summary.json", "[]"), decided),
    "summary, findings in a word": (changed("summary.json", findings="none"), decided),
    "summary, findings of nothing": (changed("summary.json", findings=[{}]), decided),
    "findings, 0 bytes": (put("findings.csv", b""), decided),
    "findings, no columns": (put("findings.csv", "a,b\n1,2\n"), decided),
    "findings, rows in words": (put("findings.csv", f"row,label,kind,score,nearest_label,finding\n{MARKUP},0,poison,1,1,1\n"), decided),
    "findings, rows beyond 64 bits": (put("findings.csv", f"row,label,kind,score,nearest_label,finding\n{2**70},0,poison,1,1,1\n"), decided),
    "findings, rows below 0": (put("findings.csv", "row,label,kind,score,nearest_label,finding\n-1,0,poison,1,1,1\n"), decided),
    "findings, a nearest label in words": (put("findings.csv", "row,label,kind,score,nearest_label,finding\n1,0,poison,1,x,1\n"), decided),
    "findings, bytes of no text": (put("findings.csv", b"row,label\n\xff\xfe\0\n"), decided),
    "rows, 0 bytes": (put("rows.parquet", b""), decided),
    "rows, other columns": (lambda p: pd.DataFrame({"a": [1]}).to_parquet(p / "rows.parquet"), decided),
    "rows, fewer than are found": (lambda p: pd.DataFrame({"row": [0], "label": [0], "file": [""]}).to_parquet(p / "rows.parquet"), decided),
    "decisions, a row that is not there": (put("decisions.json", '{"findings": {}, "rows": {"999": {"do": "remove"}}}'), decided),
    "decisions, brackets in brackets": (put("decisions.json", '{"rows":' * 50_000), decided),
    "mask, 0 bytes": (put("removed.npy", b""), lists),
    "mask, a trap": (lambda p: (p / "removed.npy").write_bytes(saved(np.array([Trap(p / "sprung")]))), lists),
    "mask, one number": (put("removed.npy", saved(np.int64(3))), lists),
    "mask, fewer rows": (put("removed.npy", saved(np.zeros(2, bool))), lists),
    "mask, a promise of more": (put("removed.npy", npy(f"({2**50},)", "'|b1'")), lists),
    "space, a list": (put("look-0/space.json", "[]"), lambda case: space_of(case, LOOK)),
    "space, labels in words": (changed("look-0/space.json", labels=[MARKUP]), lambda case: space_of(case, LOOK)),
    "space, rows of infinity": (put("look-0/space.json", '{"labels": [0], "starts": [0], "rows": 1e999}'), lambda case: space_of(case, LOOK)),
    "space, vectors of a trap": (lambda p: (p / "look-0" / "space.npy").write_bytes(saved(np.array([Trap(p / "sprung")]))), lambda case: space_of(case, LOOK)),
    "space, one number": (put("look-0/order.npy", saved(np.int64(3))), lambda case: space_of(case, LOOK)),
    "source, a list": (put("look-0/source.json", "[]"), lambda case: table_of(case, LOOK)),
    "source, a file elsewhere": (put("look-0/source.json", '{"path": "/etc/passwd"}'), lambda case: table_of(case, LOOK)),
    "result, a list": (put("result.json", "[]"), looks_of),
    "result, layers in a number": (put("result.json", '{"layers": 7}'), looks_of),
    "pictures, a trap": (lambda p: (p / "images.npy").write_bytes(saved(np.array([Trap(p / "sprung")]))), lambda case: case.images()),
    "pictures, a sheet without end": (lambda p: (p / "images.npy").unlink() or put("images.webp", b"RIFF")(p) or put("images.json", '{"shape": [1e99, 8, 8, 3]}')(p), lambda case: case.images()),
    "report of a list": (put("data.json", "[]"), report_of),
    "report of nothing": (put("data.json", "{}"), report_of),
    "report, names in a list": (changed("data.json", names=["a"]), report_of),
    "report, classes in a word": (changed("summary.json", classes="none"), report_of),
    "report, a level in words": (changed("summary.json", level="high"), report_of),
}  # fmt: skip


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("change", "use"), AUDITS.values(), ids=AUDITS.keys())
def test_an_audit_edited_by_hand_is_refused(
    change: Change, use: Callable[[CaseFolder], Any], case: CaseFolder, tmp_path: Path
) -> None:
    change(case.path)
    refused(lambda: use(case))
    assert not (case.path / "sprung").exists()


@pytest.mark.parametrize("line", ["[]", "{}", '{"label": "x"}', '{"label": 1e999, "n": 1, "apart": 1}', "\0"])
def test_a_line_of_what_is_known_so_far_may_be_damaged(line: str, case: CaseFolder) -> None:
    case.file("look-0").mkdir(exist_ok=True)
    case.file("look-0/so-far.jsonl").write_text(line + "\n")
    assert ranked(case, LOOK) == []


IDS = ("", ".", "..", "../audit", "a/b", "/etc", "a\0b", "A", "a b", MARKUP, ESCAPE, BROKEN, "x" * 101, "~", "%2e%2e")


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("kind", [Runs, Cases])
def test_an_id_that_is_none_opens_nothing(name: str, kind: type, tmp_path: Path) -> None:
    refused(lambda: kind(tmp_path).open(name), "there is no")


CONFIG = {"dataset": "digits", "attack": "patch", "poisons": 5, "source": 7, "target": 1}
RUNS: dict[str, tuple[Change, Callable[[RunFolder], Any]]] = {
    "config, 0 bytes": (put("config.json", b""), lambda run: config_of(run).resolved()),
    "config, a list": (put("config.json", "[]"), lambda run: config_of(run).resolved()),
    "config, no attack of that name": (changed("config.json", attack="../x"), lambda run: config_of(run).resolved()),
    "config, a data set of markup": (changed("config.json", dataset=MARKUP), lambda run: config_of(run).resolved()),
    "config, an option of nothing": (changed("config.json", attack_options={"nothing": 1}), lambda run: config_of(run).resolved()),
    "config, options in a list": (changed("config.json", attack_options=[1]), lambda run: config_of(run).resolved()),
    "config, poisons of infinity": (put("config.json", json.dumps(CONFIG)[:-1] + ', "seed": 1e999}'), lambda run: config_of(run).resolved()),
    "config, a seed in words": (changed("config.json", seed="one"), lambda run: config_of(run).resolved()),
    "config, poisons in a list": (changed("config.json", poisons=[5]), lambda run: config_of(run).resolved()),
    "config, a field of nothing": (changed("config.json", nothing=1), lambda run: config_of(run).resolved()),
    "scores, 0 bytes": (put("scores.parquet", b""), lambda run: run.load_scores()),
    "scores, a text": (put("scores.parquet", "id,label\n"), lambda run: run.load_scores()),
    "views, a trap": (lambda p: np.savez(p / "views.npz", x=np.array([Trap(p / "sprung")])), lambda run: run.load_arrays("views.npz")),
    "views, a text": (put("views.npz", "PK"), lambda run: run.load_arrays("views.npz")),
    "features, a trap": (lambda p: (p / "features.npy").write_bytes(saved(np.array([Trap(p / "sprung")]))), lambda run: run.load_array("features.npy")),
    "features, a promise of more": (put("features.npy", npy(f"({2**50},)")), lambda run: run.load_array("features.npy", mapped=True)),
    "export of a run that is not finished": (put("x", b""), lambda run: run.export(run.path.with_name("exports"))),
}  # fmt: skip


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("change", "use"), RUNS.values(), ids=RUNS.keys())
def test_a_run_edited_by_hand_is_refused(change: Change, use: Callable[[RunFolder], Any], tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.write_json("config.json", CONFIG)
    change(run.path)
    refused(lambda: use(run))
    assert not (run.path / "sprung").exists()


STATES = ("[]", "{}", "nonsense", '{"state": "done"}', '{"state": ["running"]}', '{"state": "running", "pid": "1"}', '{"state": "running", "x": 1}')  # fmt: skip


@pytest.mark.parametrize("text", STATES)
def test_a_damaged_status_reads_as_interrupted(text: str, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.file("status.json").write_text(text)
    assert run.status.state == "interrupted"


def test_a_report_is_written_into_the_audit_alone(case: CaseFolder, tmp_path: Path) -> None:
    before = {file for file in tmp_path.rglob("*") if case.path not in file.parents}
    write_report(case)
    assert {file for file in tmp_path.rglob("*") if case.path not in file.parents} == before
    assert os.listdir(case.path).count("report.html") == 1
