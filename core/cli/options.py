"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
