"""Runs from the command line: `run`, and `resume` for one that was stopped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from core.cli import options
from core.cli.terminal import err, out, progress, telling
from core.foundation.errors import InputError
from core.foundation.files import given_path

if TYPE_CHECKING:  # the commands import what they need themselves, so that --help answers at once
    from core.datasets import Report
    from core.experiment import RunConfig, Staged
    from core.foundation.images import Split
    from core.runs import RunFolder

WHOLE = re.compile(r"#?-?[0-9]+")
DEFAULT = "digits"  # without --dataset and --data


def run(
    dataset: options.DataSet = None,
    data: options.Data = None,
    attack: options.AttackName = "patch",
    poisons: Annotated[int | None, typer.Option(help="Images to poison. Default: what the data set suggests.")] = None,
    budget: Annotated[
        int | None, typer.Option(help="Poisons that the defenses expect. Default: as many as there are.")
    ] = None,
    source: options.Source = None,
    target: options.Target = None,
    model: options.ModelName = "small",
    preset: options.Preset = None,
    epochs: options.Epochs = None,
    layer: options.Layer = "",
    defense: options.DefenseName = "spectre",
    seed: Annotated[int, typer.Option(help="Fixes every random choice.")] = 0,
    settings: options.Settings = None,
    retrain: Annotated[bool, typer.Option(help="Retrain without the removed images and judge again.")] = True,
    device: options.Device = "auto",
    threads: options.Threads = None,
    runs_dir: options.RunsDir = Path("runs"),
) -> None:
    """Poison a data set, train on it, find the poison, remove it, retrain. Prints the run's id and a closing table."""
    from core.experiment import new_run, stage
    from core.experiment.cost import estimate
    from core.foundation import devices
    from core.runs import Runs, duration

    devices.use_threads(threads)
    config = assemble(
        settings, preset, epochs, data, dataset=dataset, attack=attack, poisons=poisons, budget=budget, model=model,
        layer=layer, defense=defense, seed=seed, device=device, retrain=retrain,
    )  # fmt: skip
    with telling() as report:
        config, split = with_classes(config, source, target, report)
        staged = stage(config, split, report)
    for note in staged.notes:
        out.print(f"note: {note}", soft_wrap=True, highlight=False)
    with out.status("estimating what it will cost"):
        expected = estimate(staged)
    folder = new_run(staged.config, Runs(runs_dir), expected.as_json())
    out.print(Text.assemble("run ", (folder.id, "bold")), soft_wrap=True)
    err.print(f"about {duration(expected.total)} on {devices.describe(devices.resolve(device))}", soft_wrap=True)
    _carry_out(folder, staged)
    out.print(Text.assemble("run ", (folder.id, "bold"), f" is in {folder.path}"), soft_wrap=True)


def assemble(
    settings: list[str] | None,
    preset: str | None,
    epochs: int | None,
    data: Path | None,
    dataset: str | None,
    **rest: Any,
) -> RunConfig:
    """A config from the options of the command line, classes and defaults still open. rest: further fields of RunConfig."""
    from core.experiment import RunConfig, parse_settings
    from core.training import preset_options

    groups: dict[str, dict[str, Any]] = parse_settings(settings or [])
    if data is not None:
        groups["dataset"]["path"] = str(given_path(data).resolve())
    groups["training"] = {**preset_options(preset), **groups["training"]}
    if epochs is not None:
        groups["training"]["epochs"] = epochs
    config = RunConfig(
        dataset=options.dataset_of(dataset, data, DEFAULT), dataset_options=groups["dataset"], attack_options=groups["attack"], model_options=groups["model"],
        training=groups["training"], defense_options=groups["defense"], sampling=groups["sampling"],
        poisoning=groups["poisoning"], transport=groups["transport"], seeds=groups["seeds"], **rest,
    )  # fmt: skip
    config.check_settings()
    return config


def with_classes(
    config: RunConfig, source: str | None, target: str | None, report: Report, split: Split | None = None
) -> tuple[RunConfig, Split | None]:
    """Class names to numbers. Names need the data, which is then handed on, so that it is loaded once.

    So do numbers in somebody's own images, whose classes can be called 1, 2, 3: the name wins. split: the data, where it is at hand.
    """
    from dataclasses import replace

    from core.datasets import DATASETS, BroughtSet
    from core.experiment import load

    sources = None if source is None else [] if source == "any" else [name.strip() for name in source.split(",")]
    asked = [*(sources or []), *([] if target is None else [target])]
    brought = issubclass(DATASETS[config.dataset], BroughtSet)
    if split is None and not all(WHOLE.fullmatch(text) and (text.startswith("#") or not brought) for text in asked):
        split = load(config.resolved(), report)
    names = split.train.class_names if split else ()

    def number(text: str) -> int:
        if text in names:
            return names.index(text)
        if WHOLE.fullmatch(text):
            return int(text.removeprefix("#"))
        raise InputError(f"there is no class '{text}'; the classes are: {', '.join(names[:20])}")

    if sources is not None and [source] != sources and source in names:  # a class whose name has a comma
        sources = [str(source)]
    numbers = None if sources is None else [number(name) for name in sources]
    return replace(config, source=numbers, target=None if target is None else number(target)), split


def resume(run_id: str, threads: options.Threads = None, runs_dir: options.RunsDir = Path("runs")) -> None:
    """Go on with a run that was stopped, from its last finished stage, a training from its last epoch."""
    from core.foundation import devices
    from core.runs import Runs

    devices.use_threads(threads)
    folder = Runs(runs_dir).open(run_id)
    if folder.status.active:
        raise InputError(f"{run_id} is already {folder.status.state}")
    folder.clear_cancel()
    _carry_out(folder, None)


def work(run_id: str, runs_dir: options.RunsDir = Path("runs"), threads: options.Threads = None) -> None:
    """Do the work of a queued run: what the dashboard starts in the background."""
    from core import jobs
    from core.foundation import devices
    from core.runs import Runs

    devices.use_threads(threads)
    store = Runs(runs_dir)
    jobs.work(store.open(run_id), store, _execute)


def _execute(folder: RunFolder) -> None:
    from core.experiment import execute  # brings torch, for which a job that waits has no use yet

    execute(folder)


def _carry_out(folder: RunFolder, staged: Staged | None) -> None:
    """Run what is left of a run under a progress bar, and print the closing table."""
    from core.cli import run_tables
    from core.experiment import execute
    from core.jobs import hearing

    with progress() as bar, hearing(folder):
        task = bar.add_task("starting", total=1.0)
        result = execute(folder, staged, lambda s: bar.update(task, completed=s.overall, description=s.message))
    for renderable in run_tables.closing_table(folder.id, result):
        out.print(renderable)
