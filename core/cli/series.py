"""A series of runs: `sweep`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import options
from core.cli.engines import ADDRESS, opened
from core.cli.experiments import assemble, with_classes
from core.cli.fitting import Column, FittingTable
from core.cli.terminal import out, progress, telling
from core.foundation.errors import InputError
from core.foundation.files import check_output

if TYPE_CHECKING:
    from core.studies import sweep as work


SEEDS = "0,1,2"
# Options of one experiment, which a file that describes a grid says itself.
OF_ONE = (
    "poisons",
    "seeds",
    "dataset",
    "attack",
    "source",
    "target",
    "model",
    "preset",
    "epochs",
    "layer",
    "defense",
    "settings",
    "retrain",
    "device",
)


def sweep(
    context: typer.Context,
    out_dir: Annotated[
        Path, typer.Option("--out", help="Folder for the light run folders, and series.json or grid.parquet.")
    ],
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE.toml]", help="A grid of experiments, in place of the options of one."),
    ] = None,
    poisons: Annotated[str | None, typer.Option(help="Numbers of poisons, as 5,15,50,150.")] = None,
    seeds: Annotated[str, typer.Option(help="Seeds, as 0,1,2: each number of poisons is run with each.")] = SEEDS,
    dataset: options.DataSet = None,
    data: options.Data = None,
    attack: options.AttackName = "patch",
    source: options.Source = None,
    target: options.Target = None,
    model: options.ModelName = "small",
    preset: options.Preset = None,
    epochs: options.Epochs = None,
    layer: options.Layer = "",
    defense: options.DefenseName = "spectre",
    settings: options.Settings = None,
    retrain: Annotated[bool, typer.Option(help="Retrain each without what was removed; doubles the time.")] = False,
    device: options.Device = "auto",
    threads: options.Threads = None,
    engine: options.EngineName = "local",
    address: options.Address = ADDRESS,
    gpus: options.Gpus = 0.0,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Of a grid: end after so many; the next call goes on from there.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Of a grid: try once more what failed before.")] = False,
) -> None:
    """Make runs that differ in poisons and seed alone, one after the other or on a cluster. A sweep that was stopped goes on.

    With FILE.toml: a grid of experiments, each looked at by every defense at every layer; docs/evidence.md says what may stand there.
    """
    from core.foundation import devices
    from core.studies import sweep as work

    devices.use_threads(threads)
    if file is not None:
        from core.cli.grids import sweep_grid

        if named := _given(context, OF_ONE):
            raise InputError(f"{named[0]} is of one experiment, and {file} says what there is to make; write it there")
        check_output(out_dir)
        with opened(engine, address, threads, gpus) as cluster:
            return sweep_grid(file, out_dir, data, minutes, again, cluster)
    if poisons is None:
        raise InputError("a sweep needs --poisons, or a file that describes a grid")
    if minutes is not None or again:
        raise InputError("--minutes and --again are of a grid; give the file that describes it")
    counts, wanted = numbers(poisons, "--poisons"), numbers(seeds, "--seeds")
    config = assemble(
        settings, preset, epochs, data, dataset=dataset, attack=attack, model=model, layer=layer, defense=defense,
        device=device, retrain=retrain,
    )  # fmt: skip
    check_output(out_dir)
    with telling() as report:
        config, _ = with_classes(config, source, target, report)
    configs = work.plan(config, counts, wanted)
    with opened(engine, address, threads, gpus) as cluster, progress() as bar:
        task = bar.add_task("checking the largest", total=float(len(configs)))

        def show(step: work.Step) -> None:
            bar.update(task, description=_in_words(step), completed=step.overall)

        command = sweep_command(configs[0].command(), counts, wanted)
        made = work.sweep(configs, out_dir, command=command, cluster=cluster, on_step=show)
    out.print(_series_table(made))
    out.print(f"{len(made.rows)} runs, figures in {out_dir / 'series.json'}", soft_wrap=True)


def _given(context: typer.Context, names: Iterable[str]) -> list[str]:
    """Which options somebody wrote, also where it is what would have been taken anyway; as they are written."""
    written = {one.name: one.opts[0] for one in context.command.params if one.name}
    sources = {name: context.get_parameter_source(name) for name in names}
    return [written[name] for name, source in sources.items() if source is not None and source.name != "DEFAULT"]


def _in_words(step: work.Step) -> str:
    if len(step.at_work) == 1:
        config = step.at_work[0][0]
        return f"run {step.done + 1} of {step.total}: {config.poisons} poisons, seed {config.seed}"
    return f"{step.done} of {step.total} runs made" + (f", {len(step.at_work)} at work" if step.at_work else "")


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


def _series_table(made: Any) -> FittingTable:
    """Attack success and what SPECTRE found, one line for each number of poisons."""
    from core.studies.intervals import interval_text, over_runs

    groups = [[row for row in made.rows if row["poisons"] == count] for count in made.poisons]

    def ranges(*path: str) -> list[str]:
        """Of the shares that lie there in the rows, one for each number of poisons."""
        return [interval_text(over_runs([_share(row, *path) for row in rows])) for rows in groups]

    return FittingTable(
        [
            Column("poisons", [str(count) for count in made.poisons]),
            Column("runs", [str(len(rows)) for rows in groups]),
            Column("attack success", ranges("before", "attack_combined")),
            *(
                Column(f"{title}: found", ranges("defenses", key, "true_positive_rate"), spare=True)
                for key, title in made.defenses.items()
            ),
        ],
        f"{made.rows[0]['victims']} -> {made.rows[0]['goal']}",
        caption="mean over the seeds; in brackets 95 %: Student's t over three seeds or more, Wilson where they agree or for one",
    )


def _share(row: Mapping[str, Any], *path: str) -> tuple[int, int]:
    share = reduce(getitem, path, row)
    return share["count"], share["total"]
