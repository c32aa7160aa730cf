"""The command line: `python -m core ...`, or `spectre-lens ...` where the package is installed.

Bad input gets one line that says what is wrong and what to do, exit status 2, and nothing is written.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from core import cli_challenge, cli_study
from core.errors import Cancelled, InputError

if TYPE_CHECKING:  # the commands import what they need themselves, so that --help answers at once
    from core.config import RunConfig
    from core.datasets import Report
    from core.images import Split
    from core.pipeline import Staged
    from core.runs import RunFolder

# What Typer raises for a wrong option; its own copy of Click in new versions, Click itself in older ones.
USAGE_ERROR: type[Exception] = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")

WHOLE = re.compile(r"-?[0-9]+")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Poison an image classifier, look inside it, and watch robust statistics find and remove the poison.",
)
app.add_typer(cli_challenge.app, name="challenge")
out = Console()
err = Console(stderr=True)

RunsDir = Annotated[Path, typer.Option("--runs-dir", help="Where run folders are kept.", envvar="SPECTRE_LENS_RUNS")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; default: cores - 1, or OMP_NUM_THREADS.")]


def main() -> None:
    """Entry point: run a command, and turn everything a user can mend into one line and exit status 2."""
    try:
        status = app(standalone_mode=False)
    except InputError as problem:
        status = _complain(str(problem))
    except USAGE_ERROR as problem:
        message = problem.format_message()  # type: ignore[attr-defined]
        status = _complain(f"{message} (--help lists the options)") if message else 2  # none: help was shown
    except (Cancelled, typer.Abort, KeyboardInterrupt):
        err.print("cancelled")
        status = 130
    sys.exit(status if isinstance(status, int) else 0)


def _complain(message: str) -> int:
    err.print(f"error: {' '.join(message.split())}", style="bold red", highlight=False, soft_wrap=True, markup=False)
    return 2


@app.command()
def run(
    dataset: Annotated[str, typer.Option(help="Which images; `options dataset` lists them.")] = "digits",
    data: Annotated[Path | None, typer.Option(help="Path of the images, for data sets that take one.")] = None,
    attack: Annotated[str, typer.Option(help="Which trigger; `options attack` lists them.")] = "patch",
    poisons: Annotated[int | None, typer.Option(help="Images to poison. Default: what the data set suggests.")] = None,
    budget: Annotated[
        int | None, typer.Option(help="Poisons that the defenses expect. Default: as many as there are.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Class to turn, number or name; several: 0,3; or any.")] = None,
    target: Annotated[str | None, typer.Option(help="Class they shall be taken for, number or name.")] = None,
    model: Annotated[str, typer.Option(help="Which network; `options model` lists them.")] = "small",
    preset: Annotated[str | None, typer.Option(help="Training as published; `options training` lists them.")] = None,
    epochs: Annotated[int | None, typer.Option(min=0, help="Passes over the training set.")] = None,
    layer: Annotated[str, typer.Option(help="Layer whose features are used. Default: the model's.")] = "",
    defense: Annotated[str, typer.Option(help="Whose removal the model is retrained on.")] = "spectre",
    seed: Annotated[int, typer.Option(help="Fixes every random choice.")] = 0,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="GROUP.NAME=VALUE", help="Any other option; see `options`.")
    ] = None,
    retrain: Annotated[bool, typer.Option(help="Retrain without the removed images and judge again.")] = True,
    device: Device = "auto",
    threads: Threads = None,
    runs_dir: RunsDir = Path("runs"),
) -> None:
    """Poison a data set, train on it, find the poison, remove it, retrain. Prints the run's id and a closing table."""
    from core import devices
    from core.config import RunConfig, parse_settings
    from core.cost import estimate
    from core.outcomes import duration
    from core.pipeline import stage
    from core.recipes import preset_options
    from core.runs import Runs

    devices.use_threads(threads)
    groups: dict[str, dict[str, Any]] = parse_settings(settings or [])
    if data is not None:
        groups["dataset"]["path"] = str(data.expanduser().resolve())
    groups["training"] = {**preset_options(preset), **groups["training"]}
    if epochs is not None:
        groups["training"]["epochs"] = epochs
    config = RunConfig(
        dataset=dataset, dataset_options=groups["dataset"], attack=attack, attack_options=groups["attack"],
        poisons=poisons, budget=budget, model=model, model_options=groups["model"], training=groups["training"], layer=layer,
        defense=defense, defense_options=groups["defense"], seed=seed, device=device, retrain=retrain,
        sampling=groups["sampling"], poisoning=groups["poisoning"], seeds=groups["seeds"],
    )  # fmt: skip
    with _telling() as report:
        config, split = _with_classes(config, source, target, report)
        staged = stage(config, split, report)
    for note in staged.split.notes:
        out.print(f"note: {note}", soft_wrap=True, highlight=False)
    with out.status("estimating what it will cost"):
        expected = estimate(staged)
    folder = Runs(runs_dir).create(staged.config, expected.as_json())
    out.print(f"run [bold]{folder.id}[/bold]", soft_wrap=True)
    err.print(f"about {duration(expected.total)} on {devices.describe(devices.resolve(device))}", soft_wrap=True)
    _carry_out(folder, staged)
    out.print(f"run [bold]{folder.id}[/bold] is in {folder.path}", soft_wrap=True)


def _with_classes(
    config: RunConfig, source: str | None, target: str | None, report: Report
) -> tuple[RunConfig, Split | None]:
    """Class names to numbers. Only names need the data, which is then handed on, so that it is loaded once."""
    from dataclasses import replace

    from core.pipeline import load

    sources = None if source is None else [] if source == "any" else [name.strip() for name in source.split(",")]
    asked = [*(sources or []), *([] if target is None else [target])]
    split = None
    if not all(WHOLE.fullmatch(text) for text in asked):
        split = load(config.resolved(), report)
    names = split.train.class_names if split else ()

    def number(text: str) -> int:
        if WHOLE.fullmatch(text):
            return int(text)
        if text not in names:
            raise InputError(f"there is no class '{text}'; the classes are: {', '.join(names[:20])}")
        return names.index(text)

    if sources is not None and [source] != sources and source in names:  # a class whose name has a comma
        sources = [str(source)]
    numbers = None if sources is None else [number(name) for name in sources]
    return replace(config, source=numbers, target=None if target is None else number(target)), split


@app.command(name="filter")
def filter_features(
    features: Annotated[Path, typer.Argument(help="(n, d) numbers in .npy: rows that carry one label.")],
    poisons: Annotated[str, typer.Option(help="How many poisons to expect, or auto for an estimate.")],
    out_dir: Annotated[Path, typer.Option("--out", help="Folder for scores.npy, removed.npy and summary.json.")],
    method: Annotated[str, typer.Option(help="spectre, spectral, clustering or mahalanobis.")] = "spectre",
    alpha: Annotated[float, typer.Option(help="Sharpness of the QUE score.")] = 4.0,
    k: Annotated[str, typer.Option(help="Principal components, or auto.")] = "auto",
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Score features of your own and mark the rows that look poisoned."""
    from core import devices, filtering, report

    devices.use_threads(threads)
    count = filtering.parse_poisons(poisons)
    defense = filtering.make_defense(method, count or 0, alpha, k, device)
    filtering.check_output(out_dir)
    table = filtering.load_array(features)
    size = f"{' x '.join(f'{s:,}' for s in table.shape)} features"
    guess = None
    if count is None:
        with _progress() as bar:
            task = bar.add_task(f"estimating the number of poisons in {size}", total=None)
            guess = filtering.estimate(table, defense, lambda i, n: bar.update(task, completed=i, total=n))
        defense.set_params(n_poisons=guess.poisons)
    with out.status(f"{defense.title} on {size}"):
        summary = filtering.run_filter(table, defense, guess)
    filtering.write_filter(out_dir, defense, summary)
    verdict = f"{summary['removed']:,} of {summary['n']:,} rows look poisoned"
    out.print(f"[bold]{defense.title}[/bold]: {verdict}", soft_wrap=True)
    out.print(report.filter_table(summary))
    for note in report.filter_notes(summary):
        out.print(note, soft_wrap=True, highlight=False)
    out.print(f"written to {out_dir}", soft_wrap=True)


@app.command()
def scan(
    features: Annotated[Path, typer.Argument(help="(n, d) numbers in .npy: rows of all classes, in any order.")],
    labels: Annotated[Path, typer.Argument(help="(n,) whole numbers in .npy: the label of each row.")],
    poisons: Annotated[int, typer.Option(help="How many poisons to expect in the poisoned class.")],
    out_dir: Annotated[Path, typer.Option("--out", help="Folder for classes.csv, removed.npy and summary.json.")],
    label: Annotated[int | None, typer.Option(help="Filter this class, whether it stands out or not.")] = None,
    level: Annotated[float, typer.Option(help="Share of clean data sets in which a class may be suspected.")] = 0.05,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes, 0.6 GB each. Default: by cores and classes.")
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Find the class that looks poisoned, and mark its rows to remove. A scan that was stopped goes on."""
    from core import devices, filtering, report
    from core.scanning import State, scan_files

    devices.use_threads(threads)
    filtering.check_output(out_dir)
    with _progress(TimeRemainingColumn()) as bar:
        task = bar.add_task("reading", total=None)

        def show(state: State) -> None:
            if state.classes == state.resumed and (state.resumed or state.started_anew):
                earlier = f"going on: {state.resumed:,} of {state.total_classes:,} classes were finished before"
                out.print(
                    earlier if state.resumed else "starting anew: an earlier scan had other inputs", soft_wrap=True
                )
            words = f"class {state.classes:,} of {state.total_classes:,}"
            bar.update(task, description=words, completed=state.rows, total=state.total_rows)

        try:
            summary = scan_files(
                features, labels, poisons, out_dir,
                label=label, level=level, workers=workers, device=device, on_state=show,
            )  # fmt: skip
        except KeyboardInterrupt:  # Typer would end without a word
            err.print("finished classes are kept: the same command goes on from there")
            raise Cancelled from None
    out.print(f"[bold]{summary['verdict']}[/bold]", soft_wrap=True, highlight=False)
    out.print(report.scan_table(summary))
    for line in report.scan_lines(summary):
        out.print(line, soft_wrap=True, highlight=False)
    out.print(f"written to {out_dir}", soft_wrap=True)


@app.command()
def features(
    run_id: str,
    out_dir: Annotated[Path, typer.Option("--out", help="Folder for features.npy, labels.npy and ids.npy.")],
    layer: Annotated[str, typer.Option(help="Layer to look at. Default: the run's.")] = "",
    truth: Annotated[bool, typer.Option("--truth", help="Also truth.npy: what is poisoned. Not for filters.")] = False,
    device: Device = "auto",
    threads: Threads = None,
    runs_dir: RunsDir = Path("runs"),
) -> None:
    """Write the features of every training example of a finished run, for `scan` or tools of your own."""
    from core import devices, filtering
    from core.feature_files import write_features
    from core.runs import Runs

    devices.use_threads(threads)
    filtering.check_output(out_dir)
    folder = Runs(runs_dir).open(run_id)
    with _progress() as bar:
        task = bar.add_task("features", total=1.0)
        shape = write_features(
            folder, out_dir, layer=layer, truth=truth, device=device, on_step=lambda s: bar.update(task, completed=s)
        )
    out.print(f"{' x '.join(f'{s:,}' for s in shape)} features written to {out_dir}", soft_wrap=True)


@app.command()
def runs(
    runs_dir: RunsDir = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")] = False,
) -> None:
    """List the runs, the newest first."""
    from core import report
    from core.runs import Runs

    found = list(Runs(runs_dir))
    if as_json:
        for folder in found:
            typer.echo(json.dumps(report.run_line(folder)))
    elif found:
        out.print(report.runs_table(found))
    else:
        out.print(f"no runs in {runs_dir} yet; make one: python -m core run", soft_wrap=True)


@app.command()
def export(
    run_id: str,
    out_dir: Annotated[Path, typer.Option("--out", help="Folder below which the run is copied.")],
    runs_dir: RunsDir = Path("runs"),
) -> None:
    """Copy what is needed to look at a finished run, without the models and features, to hand it to somebody."""
    from core.runs import Runs

    out.print(f"copied to {Runs(runs_dir).open(run_id).export(out_dir)}", soft_wrap=True)


@app.command()
def cancel(run_id: str, runs_dir: RunsDir = Path("runs")) -> None:
    """Stop a run that waits or works, wherever it was started. What is finished is kept; `resume` goes on from there."""
    from core.runs import Runs

    folder = Runs(runs_dir).open(run_id)
    if not folder.status.active:
        raise InputError(f"{run_id} is {folder.status.state}; there is nothing to cancel")
    folder.request_cancel()
    out.print(f"{run_id} stops within a few seconds; what is finished is kept", soft_wrap=True)


@app.command()
def delete(run_id: str, runs_dir: RunsDir = Path("runs")) -> None:
    """Remove the folder of a run that is not active, with everything in it."""
    from core.runs import Runs

    Runs(runs_dir).open(run_id).delete()
    out.print(f"{run_id} is deleted", soft_wrap=True)


@app.command()
def options(
    group: Annotated[
        str | None, typer.Argument(help="dataset, sampling, attack, poisoning, model, training, defense or seeds.")
    ] = None,
) -> None:
    """List every data set, attack, model and defense with its parameters, for --set, and the presets of training."""
    from core import report

    for table in report.option_tables(group):
        out.print(table)


@app.command()
def preview(
    dataset: Annotated[str, typer.Option(help="Which images; `options dataset` lists them.")] = "signs",
    data: Annotated[Path | None, typer.Option(help="Path of the images, for data sets that take one.")] = None,
    attack: Annotated[str, typer.Option(help="Which trigger, or all.")] = "all",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="GROUP.NAME=VALUE", help="Any other option; see `options`.")
    ] = None,
    images: Annotated[int, typer.Option(min=1, max=16, help="How many images of each attack.")] = 4,
    prepare: Annotated[
        bool, typer.Option(help="Train the attacker's own model where an attack has one, for the exact picture.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Fixes every random choice.")] = 0,
    device: Device = "auto",
    threads: Threads = None,
    out_file: Annotated[Path, typer.Option("--out", help="The picture, a .png.")] = Path("attacks.png"),
) -> None:
    """Draw what an attack does to images: clean, poisoned, and ten times the difference, side by side."""
    from core import devices
    from core.attacks import ATTACKS
    from core.config import RunConfig, parse_settings
    from core.files import replacing
    from core.pictures import sheet
    from core.pipeline import load
    from core.preview import preview as look
    from core.workshop import Workshop

    devices.use_threads(threads)
    if out_file.suffix.lower() != ".png" or not out_file.parent.is_dir():
        raise InputError(f"{out_file} cannot be written; give the name of a .png in a folder that exists")
    groups: dict[str, dict[str, Any]] = parse_settings(settings or [])
    if data is not None:
        groups["dataset"]["path"] = str(data.expanduser().resolve())
    configs = [
        RunConfig(
            dataset=dataset, dataset_options=groups["dataset"], attack=key, attack_options=groups["attack"],
            sampling=groups["sampling"], poisoning=groups["poisoning"], training=groups["training"], seed=seed, device=device,
        ).resolved()
        for key in (ATTACKS if attack == "all" else [attack])
    ]  # fmt: skip
    with _telling() as report:
        split = load(configs[0], report)
    with _progress() as bar:
        task = bar.add_task("", total=1.0)
        parts = []
        for config in configs:
            title = ATTACKS[config.attack].title
            bar.update(task, description=title, completed=0.0)
            where = devices.resolve(device)
            workshop = Workshop(config, split, where, lambda s: bar.update(task, completed=s)) if prepare else None
            shown = look(config, split.train, images, resources=workshop)
            parts.append((title, (shown.clean, shown.poisoned, shown.difference)))
    with replacing(out_file) as aside:
        sheet(parts).save(aside, "PNG")
    out.print(f"written to {out_file}", soft_wrap=True)


@app.command()
def demo(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the dashboard.")] = 8501,
) -> None:
    """Open the dashboard on the bundled, finished runs: no training, no GPU."""
    from importlib.util import find_spec

    if find_spec("streamlit") is None:
        raise InputError("the dashboard needs streamlit; install it with: pip install -r requirements.txt")
    page = Path(__file__).resolve().parents[1] / "dashboard" / "app.py"
    arguments = [sys.executable, "-m", "streamlit", "run", str(page)]
    # said here too: an installed package has no .streamlit/config.toml beside it
    arguments += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    out.print(f"opening http://localhost:{port} - Ctrl-C ends it", soft_wrap=True)
    os.chdir(page.parents[1])  # where .streamlit/config.toml lies
    os.execv(sys.executable, arguments)


@app.command(hidden=True)
def work(run_id: str, runs_dir: RunsDir = Path("runs"), threads: Threads = None) -> None:
    """Do the work of a queued run: what the dashboard starts in the background."""
    from core import devices, jobs
    from core.runs import Runs

    devices.use_threads(threads)
    store = Runs(runs_dir)
    jobs.work(store.open(run_id), store)


@app.command()
def resume(run_id: str, threads: Threads = None, runs_dir: RunsDir = Path("runs")) -> None:
    """Go on with a run that was stopped, from its last finished stage."""
    from core import devices
    from core.runs import Runs

    devices.use_threads(threads)
    folder = Runs(runs_dir).open(run_id)
    if folder.status.active:
        raise InputError(f"{run_id} is already {folder.status.state}")
    folder.clear_cancel()
    _carry_out(folder, None)


def _carry_out(folder: RunFolder, staged: Staged | None) -> None:
    """Run what is left of a run under a progress bar, and print the closing table."""
    from core import report
    from core.jobs import hearing
    from core.pipeline import execute

    with _progress() as bar, hearing(folder):
        task = bar.add_task("starting", total=1.0)
        result = execute(folder, staged, lambda s: bar.update(task, completed=s.overall, description=s.message))
    for renderable in report.closing_table(folder.id, result):
        out.print(renderable)


@contextmanager
def _telling() -> Iterator[Report]:
    """A bar that says what takes long while data is loaded; it shows nothing where nothing does."""
    with _progress() as bar:
        task = bar.add_task("loading images", total=None)

        def report(message: str, share: float | None) -> None:
            bar.update(task, description=message, completed=share or 0.0, total=None if share is None else 1.0)

        yield report


def _progress(*more: ProgressColumn) -> Progress:
    columns: tuple[ProgressColumn, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        *more,
    )
    # the time left is estimated over an hour at most: a single step can take minutes
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal, speed_estimate_period=3600)


cli_study.register(app)
