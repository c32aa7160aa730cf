"""What the commands share: the terminal, options that several of them take, bars that say what takes long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from core.datasets import Report

out = Console()
err = Console(stderr=True)

RunsDir = Annotated[Path, typer.Option("--runs-dir", help="Where run folders are kept.", envvar="SPECTRE_LENS_RUNS")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; default: cores - 1, or OMP_NUM_THREADS.")]
DataSet = Annotated[str, typer.Option(help="Which images; `options dataset` lists them.")]
Data = Annotated[Path | None, typer.Option(help="Path of the images, for data sets that take one.")]
AttackName = Annotated[str, typer.Option(help="Which trigger; `options attack` lists them.")]
Source = Annotated[str | None, typer.Option(help="Class to turn, number or name; several: 0,3; or any.")]
Target = Annotated[str | None, typer.Option(help="Class they shall be taken for, number or name.")]
ModelName = Annotated[str, typer.Option(help="Which network; `options model` lists them.")]
Preset = Annotated[str | None, typer.Option(help="Training as published; `options training` lists them.")]
Epochs = Annotated[int | None, typer.Option(min=0, help="Passes over the training set.")]
Layer = Annotated[str, typer.Option(help="Layer whose features are used. Default: the model's.")]
DefenseName = Annotated[str, typer.Option(help="Whose removal the model is retrained on.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="GROUP.NAME=VALUE", help="Any other option; see `options`.")
]


@contextmanager
def telling() -> Iterator[Report]:
    """A bar that says what takes long while data is loaded; it shows nothing where nothing does."""
    with progress() as bar:
        task = bar.add_task("loading images", total=None)

        def report(message: str, share: float | None) -> None:
            bar.update(task, description=message, completed=share or 0.0, total=None if share is None else 1.0)

        yield report


def progress(*more: ProgressColumn) -> Progress:
    columns: tuple[ProgressColumn, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        *more,
    )
    # the time left is estimated over an hour at most: a single step can take minutes
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal, speed_estimate_period=3600)
