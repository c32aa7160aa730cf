"""Commands for questions that one run does not answer: `sweep` makes a series of runs, `study` refits one.

Registered with the others by core.cli, which must be loaded before any of them is called.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from core.errors import InputError

RunsDir = Annotated[Path, typer.Option("--runs-dir", help="Where run folders are kept.", envvar="SPECTRE_LENS_RUNS")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; default: cores - 1, or OMP_NUM_THREADS.")]


def register(app: typer.Typer) -> None:
    app.command()(sweep)
    app.command()(study)
    app.command(hidden=True)(study_work)


def sweep(
    poisons: Annotated[str, typer.Option(help="Numbers of poisons, as 5,15,50,150.")],
    out_dir: Annotated[Path, typer.Option("--out", help="Folder for the light run folders and series.json.")],
    seeds: Annotated[str, typer.Option(help="Seeds, as 0,1,2: each number of poisons is run with each.")] = "0,1,2",
    dataset: Annotated[str, typer.Option(help="Which images; `options dataset` lists them.")] = "digits",
    data: Annotated[Path | None, typer.Option(help="Path of the images, for data sets that take one.")] = None,
    attack: Annotated[str, typer.Option(help="Which trigger; `options attack` lists them.")] = "patch",
    source: Annotated[str | None, typer.Option(help="Class to turn, number or name; several: 0,3; or any.")] = None,
    target: Annotated[str | None, typer.Option(help="Class they shall be taken for, number or name.")] = None,
    model: Annotated[str, typer.Option(help="Which network; `options model` lists them.")] = "small",
    preset: Annotated[str | None, typer.Option(help="Training as published; `options training` lists them.")] = None,
    epochs: Annotated[int | None, typer.Option(min=0, help="Passes over the training set.")] = None,
    layer: Annotated[str, typer.Option(help="Layer whose features are used. Default: the model's.")] = "",
    defense: Annotated[str, typer.Option(help="Whose removal the models are retrained on.")] = "spectre",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="GROUP.NAME=VALUE", help="Any other option; see `options`.")
    ] = None,
    retrain: Annotated[bool, typer.Option(help="Retrain each without what was removed; doubles the time.")] = False,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Make runs that differ in poisons and seed alone, one after the other. A sweep that was stopped goes on."""
    from core import cli, devices, filtering
    from core.config import RunConfig, parse_settings
    from core.recipes import preset_options
    from core.studies import sweep as work

    devices.use_threads(threads)
    counts, wanted = numbers(poisons, "--poisons"), numbers(seeds, "--seeds")
    groups: dict[str, dict[str, Any]] = parse_settings(settings or [])
    if data is not None:
        groups["dataset"]["path"] = str(data.expanduser().resolve())
    groups["training"] = {**preset_options(preset), **groups["training"]}
    if epochs is not None:
        groups["training"]["epochs"] = epochs
    config = RunConfig(
        dataset=dataset, dataset_options=groups["dataset"], attack=attack, attack_options=groups["attack"],
        model=model, model_options=groups["model"], training=groups["training"], layer=layer, defense=defense,
        defense_options=groups["defense"], device=device, retrain=retrain, sampling=groups["sampling"],
        poisoning=groups["poisoning"], seeds=groups["seeds"],
    )  # fmt: skip
    filtering.check_output(out_dir)
    with cli._telling() as report:
        config, _ = cli._with_classes(config, source, target, report)
    configs = work.plan(config, counts, wanted)
    with cli._progress() as bar:
        task = bar.add_task("checking the largest", total=float(len(configs)))

        def show(step: work.Step) -> None:
            status = step.status
            words = f"run {min(step.done + 1, step.total)} of {step.total}: {step.config.poisons} poisons, seed {step.config.seed}"
            bar.update(task, description=words, completed=step.done + (status.overall if status else 0.0))

        made = work.sweep(configs, out_dir, command=sweep_command(configs[0].command(), counts, wanted), on_step=show)
    cli.out.print(_series_table(made))
    cli.out.print(f"{len(made.rows)} runs, figures in {out_dir / 'series.json'}", soft_wrap=True)


def sweep_command(run_command: str, poisons: list[int], seeds: list[int]) -> str:
    """The command of a series from that of one of its runs; without --out, which is the reader's choice."""
    words = shlex.split(run_command)
    words[words.index("run")] = "sweep"
    for name, values in (("--poisons", poisons), ("--seed", seeds)):
        place = words.index(name)
        words[place : place + 2] = [f"{name.rstrip('s')}s", ",".join(map(str, values))]
    words = [word for word in words if word != "--no-retrain"] + ["--retrain"] * ("--no-retrain" not in words)
    return " ".join(shlex.quote(word) for word in words)


def numbers(text: str, option: str) -> list[int]:
    """ "5,15" -> [5, 15], each once and in order. Raises InputError."""
    words = [word.strip() for word in text.split(",")]
    if not all(re.fullmatch("[0-9]{1,9}", word) for word in words):
        raise InputError(f"{option} '{text}' is not of the form 5,15,50: whole numbers with commas between them")
    return sorted({int(word) for word in words})


def _series_table(made: Any) -> Any:
    """Attack success and what SPECTRE found, one line for each number of poisons."""
    from rich.table import Table

    from core.studies.intervals import over_runs

    table = Table(title=f"{made.rows[0]['victims']} -> {made.rows[0]['goal']}", title_justify="left")
    for heading in ("poisons", "runs", "attack success", *(f"{title}: found" for title in made.defenses.values())):
        table.add_column(heading, justify="right")
    for count in made.poisons:
        rows = [row for row in made.rows if row["poisons"] == count]
        shares = [[(r["before"]["attack_combined"]["count"], r["before"]["attack_combined"]["total"]) for r in rows]]
        for key in made.defenses:
            found = [r["defenses"][key]["true_positive_rate"] for r in rows]
            shares.append([(f["count"], f["total"]) for f in found])
        table.add_row(str(count), str(len(rows)), *(_ranged(over_runs(share)) for share in shares))
    table.caption = "mean over the seeds; in brackets 95 %: Student's t over three seeds or more, Wilson where they agree or for one"
    return table


def _ranged(found: Any) -> str:
    if found is None:
        return "-"
    mean = f"{100 * found.centre:.0f} %"
    return mean if found.kind == "none" else f"{mean} ({100 * found.low:.0f} to {100 * found.high:.0f})"


def study(
    run_id: str,
    budgets: Annotated[bool, typer.Option("--budgets", help="Refit each defense at wrong numbers of poisons.")] = False,
    layers: Annotated[bool, typer.Option("--layers", help="SPECTRE at every layer of the model and every k.")] = False,
    into: Annotated[
        Path | None, typer.Option(help="Another folder for the result, for instance an exported copy of the run.")
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    runs_dir: RunsDir = Path("runs"),
) -> None:
    """What would a wrong budget have cost, and does the layer matter? Stored in the run, for the Compare page."""
    from core import cli, devices
    from core.runs import Runs

    devices.use_threads(threads)
    kinds = _kinds(budgets, layers)
    folder = Runs(runs_dir).open(run_id)
    with cli._progress() as bar:
        task = bar.add_task("starting", total=1.0)
        for kind in kinds:
            found = _make(
                folder, kind, into, device, lambda text, share: bar.update(task, description=text, completed=share)
            )
            for line in _lines(kind, found):
                cli.out.print(line)
    cli.out.print(f"written to {into or folder.path}", soft_wrap=True)


def study_work(
    run_id: str,
    budgets: Annotated[bool, typer.Option("--budgets")] = False,
    layers: Annotated[bool, typer.Option("--layers")] = False,
    runs_dir: RunsDir = Path("runs"),
    threads: Threads = None,
) -> None:
    """Do a study that the dashboard started in the background, and tell where it stands."""
    from core import devices
    from core.runs import Runs
    from core.studies import store

    devices.use_threads(threads)
    kinds, runs = _kinds(budgets, layers), Runs(runs_dir)
    folder = runs.open(run_id)
    with store.reporting(folder, runs) as progress:
        for i, kind in enumerate(kinds):
            _make(folder, kind, None, "auto", lambda text, share, i=i: progress(text, (i + share) / len(kinds)))


def _kinds(budgets: bool, layers: bool) -> list[str]:
    kinds = ["budgets"] * budgets + ["layers"] * layers
    if not kinds:
        raise InputError("choose what to study: --budgets, --layers or both")
    return kinds


def _make(folder: Any, kind: str, into: Path | None, device: str, progress: Any) -> dict[str, Any]:
    """Do one study of a finished run and write it. Raises InputError, Cancelled."""
    from core.files import write_json
    from core.studies import store
    from core.studies.budgets import study_budgets
    from core.studies.layers import study_layers

    if folder.status.state != "finished":
        raise InputError(f"{folder.id} is {folder.status.state}; only finished runs can be studied")
    if into is not None and not into.is_dir():
        raise InputError(f"{into} is no folder; name one that is there")
    if reason := store.missing(folder, kind):
        raise InputError(reason)
    found = (study_budgets if kind == "budgets" else study_layers)(folder, progress, device)
    try:
        write_json((into or folder.path) / store.file_of(kind), found)
    except OSError as problem:
        raise InputError(f"{into or folder.path} cannot be written to ({problem.strerror})") from None
    return found


def _lines(kind: str, found: dict[str, Any]) -> list[Any]:
    """A study as a table for the terminal."""
    from rich.table import Table

    from core.outcomes import share_text

    small = f"{found['n']:,} rows, seed {found['seed']}, {found['device']}, {found['seconds']:.0f} s"
    if kind == "budgets":
        table = Table(title=f"{found['true']} poisons are there", title_justify="left", caption=small)
        keys = list(found["rows"][0]["defenses"])
        for heading in ("assumed", *(found["rows"][0]["defenses"][key]["title"] for key in keys)):
            table.add_column(heading, justify="right")
        for row in found["rows"]:
            cells = [row["defenses"][key] for key in keys]
            table.add_row(f"{row['assumed']:,}", *(f"{_found(c)}, {c['removed']:,} removed" for c in cells))
        return [table]
    table = Table(title="SPECTRE at each layer, with the k it takes there", title_justify="left", caption=small)
    for heading in ("layer", "features", "k", "poison removed", "clean removed"):
        table.add_column(heading, justify="left" if heading == "layer" else "right")
    for row in found["rows"]:
        best = row["chosen"]
        rates = (share_text(_with_value(best[name])) for name in ("true_positive_rate", "false_positive_rate"))
        table.add_row(row["layer"], f"{row['columns']:,}", str(best["k"]), *rates)
    return [table]


def _found(found: dict[str, Any]) -> str:
    share = found["true_positive_rate"]
    return f"{share['count']:,} of {share['total']:,} found"


def _with_value(share: dict[str, Any]) -> dict[str, Any]:
    return {**share, "value": share["count"] / share["total"] if share["total"] else None}
