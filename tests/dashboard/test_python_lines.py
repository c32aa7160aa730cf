"""The Python that stands beside a result runs, from the project's folder, and gives what is shown."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.challenges import open_challenge
from core.experiment import config_of
from core.runs import RunFolder
from core.studies import series, store
from dashboard import data
from dashboard.audit import shelf
from dashboard.challenge import truth
from dashboard.compare import defenses, light, poisons, runs, study
from dashboard.runs import details

RUN = "digits-patch-10"


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """Runs lines as a reader would, and gives their names. No run is carried out."""
    monkeypatch.setattr("core.experiment.execute", lambda run: run.config)
    monkeypatch.setenv("SPECTRE_LENS_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)  # what they make lands there; what they read comes along
    (tmp_path / "assets").symlink_to(data.ROOT / "assets")

    def played(lines: str) -> dict[str, Any]:
        names: dict[str, Any] = {}
        exec(compile(lines, "the page", "exec"), names)
        return names

    return played


def test_a_run_is_read_and_made_again(play: Callable[[str], dict[str, Any]]) -> None:
    run = data.open_run(data.bundled()[RUN])
    names = play(data.python_lines(run))
    assert list(names["scores"]["id"]) == list(run.ids)
    assert config_of(names["again"]) == config_of(data.bundled()[RUN]).resolved()
    assert names["again"].path.parent == Path("runs")


def test_a_run_of_ones_own_is_read_from_where_it_lies(play: Callable[[str], dict[str, Any]], tmp_path: Path) -> None:
    shutil.copytree(data.bundled()[RUN].path, tmp_path / "runs" / "mine")
    names = play(data.python_lines(data.open_run(data.finished()["mine"])))
    assert names["run"].path == tmp_path / "runs" / "mine"


def test_the_lines_of_the_list_make_a_run_again(
    play: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("core.experiment.execute", lambda run: run.write_json("result.json", bundled.result))
    bundled = data.bundled()[RUN]
    _, python = details.lines(bundled)
    names = play(python)
    assert config_of(names["run"]) == config_of(bundled).resolved()
    assert str(bundled.result["before"]["attack_combined"]) in capsys.readouterr().out


@pytest.mark.parametrize("count", [None, 12])
def test_what_defenses_share_is_printed(
    count: int | None, play: Callable[[str], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    run = data.open_run(data.bundled()[RUN])
    names = play(defenses._python(run, ["spectre", "spectral"], count))
    found = run.result["defenses"]
    expected = {key: count or found[key]["removed"] for key in ("spectre", "spectral")}
    assert {key: int(mask.sum()) for key, mask in names["removed"].items()} == expected
    assert "('spectre',)" in capsys.readouterr().out


def test_runs_side_by_side_are_read(play: Callable[[str], dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    play(runs._python(list(data.bundled())))
    told = capsys.readouterr().out
    for name, run in data.bundled().items():
        share = run.result["before"]["attack_combined"]
        assert f"{name} { {key: share[key] for key in ('count', 'total')} }" in told


@pytest.mark.parametrize("kind", ["budgets", "layers"])
def test_a_study_is_made(
    kind: str,
    play: Callable[[str], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen: list[RunFolder] = []

    def made(run: RunFolder, tell: Callable[[str, float], None]) -> str:
        seen.append(run)
        tell("half of it", 0.5)
        return "done"

    monkeypatch.setattr(f"core.studies.{kind}.study_{kind}", made)
    command, python = study.reproduce(data.open_run(data.bundled()[RUN]), kind)
    assert command.endswith(f"python -m core study {RUN} --{kind}")
    names = play(python)
    assert names["found"] == "done"
    assert seen[0].result == data.bundled()[RUN].result
    assert "50% half of it" in capsys.readouterr().out
    assert store.file_of(kind) in {"study-budgets.json", "study-layers.json"}


def test_a_bundled_series_is_read(play: Callable[[str], dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    one = light.all_series()["signs-patch"]
    names = play(poisons._python(one))
    assert names["made"] == one
    assert capsys.readouterr().out.count("Interval(") == len(one.poisons)


def test_a_series_of_runs_made_one_by_one_is_read(play: Callable[[str], dict[str, Any]], tmp_path: Path) -> None:
    for seed in (5, 6, 7):
        folder = tmp_path / "runs" / f"seed-{seed}"
        shutil.copytree(data.bundled()[RUN].path, folder)
        for name in ("config.json", "result.json"):
            values = json.loads((folder / name).read_text())
            (folder / name).write_text(json.dumps({**values, "seed": seed}))
    (one,) = [one for one in light.all_series().values() if {row["seed"] for row in one.rows} >= {5, 6, 7}]
    assert light.home_of(one) is None
    assert {row["seed"] for row in play(poisons._python(one))["made"].rows} == {row["seed"] for row in one.rows}
    assert isinstance(one, series.Series)


def test_a_challenge_is_read_with_its_truth(play: Callable[[str], dict[str, Any]]) -> None:
    names = play(truth._python(open_challenge(data.ROOT / "assets" / "challenges" / "a-digits")))
    assert names["challenge"].id == "a-digits"
    assert names["truth"].poison


def test_an_audit_is_read(play: Callable[[str], dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    view = shelf.open_case(shelf.everything()["signs-two-poisoned"])
    names = play(shelf.python_lines(view))
    assert capsys.readouterr().out.strip() == view.summary["verdict"]
    assert len(names["findings"]) == sum(finding["rows"] for finding in view.findings)
