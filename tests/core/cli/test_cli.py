from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from safetensors import SafetensorError

from core.attacks import ATTACKS
from core.datasets import DATASETS
from core.defenses import DEFENSES
from core.experiment import GROUPS, RunConfig, config_of, new_run
from core.foundation.params import describe
from core.models import MODELS
from core.runs import RunFolder, Runs, Status
from core.training import Recipe
from tests.helpers import anisotropic, gaussian
from tests.makers import Outcome, check_refused

Cli = Callable[..., Outcome]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def in_a_process(*words: object) -> Outcome:
    command = [sys.executable, "-m", "core", *map(str, words)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}  # as a user has it
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment)
    return Outcome(done.returncode, done.stdout, done.stderr)


# --- the process itself: exit status and stderr


def test_filter_in_a_process_succeeds_and_is_silent_on_stderr(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", anisotropic(100, 6, 5).rows)
    outcome = in_a_process("filter", tmp_path / "x.npy", "--poisons", 5, "--device", "cpu", "--out", tmp_path / "out")
    assert outcome.status == 0
    assert outcome.err == ""
    assert (tmp_path / "out" / "removed.npy").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["filter", "nowhere.npy", "--poisons", "5", "--out", "x"], "nowhere.npy does not exist"),
        (["run", "--epochs", "-1"], "--epochs"),
        pytest.param(["run", "--attack", "laser"], "unknown attack 'laser'", marks=pytest.mark.slow),  # as the first
    ],
)
def test_bad_input_in_a_process_is_one_line_and_status_2(words: list[str], message: str) -> None:
    check_refused(in_a_process(*words), message)


# --- run


def small_run(picture_folder: Path, runs_dir: Path, *more: object) -> list[object]:
    settings = ["--set", "dataset.size=16", "--set", "model.width=4", "--set", "training.batch_size=16"]
    words = [
        "run",
        "--dataset",
        "folder",
        "--data",
        picture_folder,
        "--poisons",
        6,
        "--epochs",
        1,
        "--runs-dir",
        runs_dir,
    ]
    return [*words, *settings, "--device", "cpu", *more]


def test_run_prints_its_id_and_a_closing_table(picture_folder: Path, runs_dir: Path, cli: Cli) -> None:
    outcome = cli(*small_run(picture_folder, runs_dir, "--source", "class a", "--target", "2", "--seed", 5))
    assert outcome.status == 0, outcome.err
    (run,) = Runs(runs_dir)
    assert run.status.state == "finished"
    config = config_of(run)
    assert (config.source, config.target, config.seed, config.poisons) == ((0,), 2, 5, 6)
    assert (config.training["epochs"], config.training["batch_size"], config.model_options) == (1, 16, {"width": 4})
    assert config.dataset_options["path"] == str(picture_folder.resolve())
    lines = outcome.out.splitlines()
    assert lines[0] == f"run {run.id}"
    for words in (
        "class a -> class c, 6 poisons",
        "clean accuracy",
        "SPECTRE",
        "attack, one trigger",
        "(256 features)",
    ):
        assert words in outcome.out
    assert "not retrained" not in outcome.out


def test_run_without_retraining_says_so(picture_folder: Path, runs_dir: Path, cli: Cli) -> None:
    outcome = cli(*small_run(picture_folder, runs_dir, "--no-retrain", "--defense", "spectral", "--layer", "pooled"))
    assert outcome.status == 0, outcome.err
    (run,) = Runs(runs_dir)
    assert tuple(run.config[name] for name in ("retrain", "defense", "layer")) == (False, "spectral", "pooled")
    assert "not retrained" in outcome.out


BAD_RUNS: dict[str, tuple[list[Any], tuple[str, ...]]] = {
    "unknown data set": (["--dataset", "cifar"], ("unknown data set 'cifar'; choose from: digits",)),
    "unknown attack": (["--attack", "laser"], ("unknown attack 'laser'; choose from: patch",)),
    "unknown model": (["--model", "alexnet"], ("unknown model 'alexnet'; choose from: small",)),
    "unknown defense": (["--defense", "prayer"], ("unknown defense 'prayer'; choose from: spectre",)),
    "unknown layer": (["--layer", "block9"], ("model small has no layer 'block9'; choose from: block1",)),
    "unknown device": (["--device", "abacus"], ("device", "abacus")),
    "too many poisons": (["--poisons", 1000], ("1000 poisons asked for, but class '7' has",)),
    "negative poisons": (["--poisons", -3], ("-3 poisons: the count cannot be negative",)),
    "source is target": (["--source", 3, "--target", 3], ("source and target are both class 3",)),
    "source by name is target": (["--source", "3", "--target", "3"], ("source and target are both class 3",)),
    "unknown class by number": (["--source", 10], ("source class 10 does not exist; the classes are 0 to 9",)),
    "unknown class by name": (["--target", "cat"], ("there is no class 'cat'; the classes are: 0, 1, 2",)),
    "empty class": (["--target", ""], ("there is no class ''",)),
    "negative class": (["--source", -1], ("source class -1 does not exist",)),
    "class with two signs": (["--source=--5"], ("'--5'",)),
    "class with a raised digit": (["--source", "²"], ("'²'",)),
    "set without value": (["--set", "attack.size"], ("--set attack.size is not of the form GROUP.NAME=VALUE",)),
    "set of an unknown group": (["--set", "weapon.size=3"], ("is not of the form",)),
    "set of an unknown name": (["--set", "attack.sise=3"], ("attack patch has no parameter 'sise'; it has: size",)),
    "set of a bad value": (["--set", "attack.size=big"], ("attack patch: size = big is not a whole number",)),
    "set beyond a limit": (["--set", "training.epochs=-1"], ("training: epochs = -1 must be between 0 and 1000",)),
    "set of the budget": (["--set", "defense.n_poisons=3"], ("use --poisons",)),
    "patch too large": (["--set", "attack.size=40"], ("does not fit 32x32 images",)),
    "seed": (["--seed", -1], ("seed -1 must lie between 0 and 4294967295",)),
    "epochs": (["--epochs", -1], ("--epochs",)),
    "nothing to take without epochs": (["--epochs", 0], ("epochs = 0 needs weights to take as they are",)),
    "unknown preset": (["--preset", "faster"], ("unknown preset 'faster'; choose from: fast, spectre-sgd",)),
    "no path": (["--dataset", "folder"], ("give the folder of images: --data PATH",)),
    "path that is not there": (["--dataset", "folder", "--data", "/nowhere"], ("/nowhere is not a folder",)),
    "path for a set without": (
        ["--dataset", "digits", "--data", "/nowhere"],
        ("data set digits has no parameter 'path'",),
    ),
    "path of no kind": (["--data", "/nowhere"], ("/nowhere does not exist",)),
    "unknown option": (["--colour", "red"], ("--colour", "--help")),
    "argument too many": (["digits"], ("digits",)),
}


@pytest.mark.parametrize(("options", "words"), BAD_RUNS.values(), ids=BAD_RUNS.keys())
def test_a_run_that_does_not_fit_is_refused_in_one_line_and_nothing_is_written(
    options: list[Any], words: tuple[str, ...], runs_dir: Path, cli: Cli
) -> None:
    check_refused(cli("run", *options, "--runs-dir", runs_dir), *words)
    assert not runs_dir.exists()


def test_a_runs_folder_that_cannot_be_written_to_is_named(picture_folder: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "file").write_text("in the way")
    outcome = cli(*small_run(picture_folder, tmp_path / "file"))
    check_refused(outcome, "cannot write runs to", "choose another --runs-dir")


def test_a_diverging_training_is_one_line_and_a_failed_run(picture_folder: Path, runs_dir: Path, cli: Cli) -> None:
    wild = ["--set", "training.learning_rate=10", "--set", "training.weight_decay=1"]
    outcome = cli(*small_run(picture_folder, runs_dir, "--epochs", 30, *wild))
    assert outcome.status == 2
    errors = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "lower learning_rate" in errors[0]
    assert "Traceback" not in outcome.err
    assert [run.status.state for run in Runs(runs_dir)] == ["failed"]


def test_names_of_classes_and_markup_are_printed_as_they_are(runs_dir: Path, cli: Cli) -> None:
    check_refused(cli("run", "--target", "[red]cat[/red]", "--runs-dir", runs_dir), "'[red]cat[/red]'")


# --- runs


def fake_run(runs_dir: Path, seed: int = 0, result: dict[str, Any] | None = None) -> RunFolder:
    run = new_run(RunConfig(seed=seed), Runs(runs_dir))
    if result is not None:
        run.write_json("result.json", result)
    return run


def share(count: int, total: int) -> dict[str, Any]:
    return {"count": count, "total": total, "value": count / total}


RESULT = {
    "before": {"attack_single": share(33, 36)},
    "after": {"attack_single": share(1, 36)},
    "defenses": {"spectre": {"true_positive_rate": share(9, 10)}, "spectral": {"true_positive_rate": share(0, 10)}},
}


def test_runs_of_an_empty_place_says_what_to_do(runs_dir: Path, cli: Cli) -> None:
    outcome = cli("runs", "--runs-dir", runs_dir)
    assert outcome.status == 0
    assert outcome.out == f"no runs in {runs_dir} yet; make one: python -m core run\n"
    assert cli("runs", "--runs-dir", runs_dir, "--json") == Outcome(0, "", "")
    assert not runs_dir.exists()


def test_runs_lists_each_with_its_figures(runs_dir: Path, cli: Cli) -> None:
    finished, waiting = fake_run(runs_dir, 0, RESULT), fake_run(runs_dir, 1)
    outcome = cli("runs", "--runs-dir", runs_dir)
    assert (outcome.status, outcome.err) == (0, "")
    line = next(line for line in outcome.out.splitlines() if finished.id in line)
    assert line.split("│")[2].strip() == "92 % -> 3 % of 36"
    assert [cell.strip() for cell in line.split("│")[3:]] == ["9/10", "0/10"]
    assert waiting.id in outcome.out


def test_runs_as_json_is_one_object_a_line(runs_dir: Path, cli: Cli) -> None:
    finished, waiting = fake_run(runs_dir, 0, RESULT), fake_run(runs_dir, 1)
    lines = {row["id"]: row for row in map(json.loads, cli("runs", "--runs-dir", runs_dir, "--json").out.splitlines())}
    assert set(lines) == {finished.id, waiting.id}
    assert lines[waiting.id]["state"] == "queued"
    assert "attack_before" not in lines[waiting.id]
    assert lines[finished.id]["attack_before"] == share(33, 36)
    assert lines[finished.id]["attack_after"] == share(1, 36)
    assert lines[finished.id]["removed"]["spectre"] == share(9, 10)


def test_one_damaged_run_does_not_hide_the_others(runs_dir: Path, cli: Cli) -> None:
    good, bad = fake_run(runs_dir, 0, RESULT), fake_run(runs_dir, 1)
    bad.file("result.json").write_text('{"before": ')
    for form in ([], ["--json"]):
        outcome = cli("runs", "--runs-dir", runs_dir, *form)
        assert outcome.status == 0, outcome.err
        assert good.id in outcome.out
        assert bad.id in outcome.out


def test_the_variable_names_the_runs_folder(runs_dir: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    run = fake_run(runs_dir)
    monkeypatch.setenv("SPECTRE_LENS_RUNS", str(runs_dir))
    assert run.id in cli("runs").out


# --- cancel and delete


def test_an_active_run_is_told_to_stop(runs_dir: Path, cli: Cli) -> None:
    run = fake_run(runs_dir)
    run.write_status(Status("running", heartbeat=time.time()))
    outcome = cli("cancel", run.id, "--runs-dir", runs_dir)
    assert (outcome.status, outcome.err) == (0, "")
    assert run.cancel_requested
    check_refused(cli("delete", run.id, "--runs-dir", runs_dir), "cancel it first")
    assert run.path.exists()


def test_an_ended_run_is_not_cancelled_but_deleted(runs_dir: Path, cli: Cli) -> None:
    run = fake_run(runs_dir)
    run.write_status(Status("finished"))
    check_refused(cli("cancel", run.id, "--runs-dir", runs_dir), "is finished", "nothing to cancel")
    assert not run.cancel_requested
    assert cli("delete", run.id, "--runs-dir", runs_dir).status == 0
    assert not run.path.exists()
    check_refused(cli("delete", run.id, "--runs-dir", runs_dir), "there is no run")


# --- resume


def test_resume_goes_on_with_a_cancelled_run(picture_folder: Path, runs_dir: Path, cli: Cli) -> None:
    assert cli(*small_run(picture_folder, runs_dir, "--no-retrain")).status == 0
    (run,) = Runs(runs_dir)
    result = run.result
    del result["seconds"]["defend"]
    run.write_json("result.json", result)
    run.file("scores.parquet").unlink()
    run.request_cancel()
    outcome = cli("resume", run.id, "--runs-dir", runs_dir)
    assert outcome.status == 0, outcome.err
    assert "SPECTRE" in outcome.out
    assert run.file("scores.parquet").exists()


@pytest.mark.parametrize("run_id", ["nothing", "../runs", "a/b"])
def test_resume_of_no_run_is_refused(run_id: str, runs_dir: Path, cli: Cli) -> None:
    check_refused(cli("resume", run_id, "--runs-dir", runs_dir), f"there is no run '{run_id}'")


def test_resume_of_an_active_run_is_refused(runs_dir: Path, cli: Cli) -> None:
    check_refused(cli("resume", fake_run(runs_dir).id, "--runs-dir", runs_dir), "is already queued")


def test_resume_of_a_run_with_a_damaged_config_is_refused(runs_dir: Path, cli: Cli) -> None:
    run = fake_run(runs_dir)
    run.file("config.json").write_text('{"seed": ')
    run.file("status.json").unlink()
    check_refused(cli("resume", run.id, "--runs-dir", runs_dir), "config.json")


# --- export


def test_export_copies_a_finished_run_and_names_the_place(runs_dir: Path, tmp_path: Path, cli: Cli) -> None:
    run = fake_run(runs_dir, 0, RESULT)
    run.write_status(Status("finished"))
    outcome = cli("export", run.id, "--out", tmp_path / "gift", "--runs-dir", runs_dir)
    assert (outcome.status, outcome.err) == (0, "")
    assert str(tmp_path / "gift" / run.id) in outcome.out
    (copy,) = Runs(tmp_path / "gift")
    assert copy.result == RESULT


def test_export_of_what_cannot_be_exported_is_refused(runs_dir: Path, tmp_path: Path, cli: Cli) -> None:
    run = fake_run(runs_dir)
    check_refused(cli("export", run.id, "--out", tmp_path / "gift", "--runs-dir", runs_dir), "is queued; only finished")
    check_refused(cli("export", "nothing", "--out", tmp_path / "gift", "--runs-dir", runs_dir), "there is no run")
    assert not (tmp_path / "gift").exists()


def test_export_below_a_file_is_refused(runs_dir: Path, tmp_path: Path, cli: Cli) -> None:
    run = fake_run(runs_dir, 0, RESULT)
    run.write_status(Status("finished"))
    (tmp_path / "file").write_text("precious")
    check_refused(cli("export", run.id, "--out", tmp_path / "file", "--runs-dir", runs_dir), "file")


# --- options, help


def test_options_lists_every_parameter_of_every_entry(cli: Cli) -> None:
    outcome = cli("options")
    assert (outcome.status, outcome.err) == (0, "")
    for catalogue, group in ((DATASETS, "dataset"), (ATTACKS, "attack"), (MODELS, "model"), (DEFENSES, "defense")):
        for key, entry in catalogue.items():
            assert f"{group}: {key}" in outcome.out
            names = {p.name for p in describe(entry)} - {"n_poisons", "device"}
            assert all(f"{group}.{name}" in outcome.out for name in names)
    assert all(f"training.{p.name}" in outcome.out for p in describe(Recipe))
    assert "defense.n_poisons" not in outcome.out, "that is what --poisons is for"


@pytest.mark.parametrize("group", GROUPS)
def test_options_of_one_group_lists_only_that(group: str, cli: Cli) -> None:
    shown = cli("options", group).out
    assert f"{group}." in shown
    assert not any(f"{other}." in shown for other in set(GROUPS) - {group})


def test_options_of_an_unknown_group_is_refused(cli: Cli) -> None:
    check_refused(cli("options", "weapons"), "unknown group 'weapons'; choose from: dataset, sampling, attack")


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["filter", "--help"]])
def test_help_is_no_error(words: list[str], cli: Cli) -> None:
    outcome = cli(*words)
    assert (outcome.status, outcome.err) == (0, "")
    assert "Usage" in outcome.out


def test_without_a_command_help_is_shown_and_no_empty_error(cli: Cli) -> None:
    outcome = cli()
    assert "Usage" in outcome.out + outcome.err
    assert "error: (" not in outcome.err


def test_an_unknown_command_is_refused(cli: Cli) -> None:
    check_refused(cli("frobnicate"), "frobnicate")


def test_a_page_is_served_with_the_settings_of_the_project():
    """An installed package has no config.toml; without static files, say, no figure would be drawn."""
    import tomllib

    from core.cli.serving import ROOT, SETTINGS

    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    del config["theme"], config["server"]["address"]  # colours alone may differ; the address is an option
    asked = {f"{part}.{name}": str(value) for part, values in config.items() for name, value in values.items()}
    assert {name: value.title() if value in ("true", "false") else value for name, value in SETTINGS.items()} == asked


def test_names_are_printed_as_they_are(tmp_path: Path, cli: Cli) -> None:
    """A folder's or a class's name is no markup, and no emoji."""
    odd = tmp_path / "[red]a[/red] :smile: [/]"
    assert cli("runs", "--runs-dir", odd).out == f"no runs in {odd} yet; make one: python -m core run\n"
    np.save(tmp_path / "x.npy", gaussian(60, 8, seed=0))
    outcome = cli("filter", tmp_path / "x.npy", "--poisons", 3, "--out", odd)
    assert outcome.status == 0, outcome.err
    assert outcome.out.endswith(f"written to {odd}\n")


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (SafetensorError("I/O error: No space left on device (os error 28)"), "No space left on device"),
        (MemoryError(), "not enough memory: fewer workers"),
        (pa.lib.ArrowException("Unknown error: Failed to launch worker thread"), "not enough memory"),
    ],
)
def test_a_full_disk_or_memory_is_one_line_and_the_run_goes_on_afterwards(
    picture_folder: Path, runs_dir: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, problem: Exception, told: str
) -> None:
    from core.models import weights

    def full(*_: object) -> None:
        raise problem

    kept = weights.save_file
    monkeypatch.setattr(weights, "save_file", full)
    words = ("run", "--data", picture_folder, "--poisons", 6, "--epochs", 1, "--no-retrain", "--runs-dir", runs_dir)
    failed = cli(*words)
    assert failed.status == 1
    line = failed.err.strip().splitlines()[-1]
    assert told in line
    assert "Traceback" not in failed.err
    (run,) = Runs(runs_dir)
    assert run.status.state == "failed"
    assert told in run.status.message
    monkeypatch.setattr(weights, "save_file", kept)
    assert cli("resume", run.id, "--runs-dir", runs_dir).status == 0
