"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.foundation.errors import InputError

RunsDir = Annotated[Path, typer.Option("--runs-dir", help="Where run folders are kept.", envvar="SPECTRE_LENS_RUNS")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1, help="CPU threads; default: cores - 1, or OMP_NUM_THREADS; a long training measures how many are best."
    ),
]
EngineName = Annotated[
    str, typer.Option("--engine", help="Where the work is done: local, or ray, a cluster of several machines.")
]
Address = Annotated[
    str,
    typer.Option(help="Of the Ray cluster: auto, HOST:PORT, or local, which starts one on this machine."),
]
Gpus = Annotated[
    float, typer.Option("--gpus", min=0.0, help="Share of a GPU that each task of the cluster gets, as 0.25.")
]
DataSet = Annotated[
    str | None,
    typer.Option("--dataset", "--as", help="Which images; `options dataset` lists them. Default: what --data holds."),
]
Data = Annotated[Path | None, typer.Option(help="Path of images of your own; `data` tells what would be read.")]
AttackName = Annotated[str, typer.Option(help="Which trigger; `options attack` lists them.")]
Source = Annotated[
    str | None,
    typer.Option(
        help="Class to turn, name or number from 0; several: 0,3; or any. A name wins, #3 is always the number."
    ),
]
Target = Annotated[str | None, typer.Option(help="Class they shall be taken for, name or number.")]
ModelName = Annotated[str, typer.Option(help="Which network; `options model` lists them.")]
Preset = Annotated[
    str | None, typer.Option(help="A recipe of training, two of them published; `options training` lists them.")
]
Epochs = Annotated[int | None, typer.Option(min=0, help="Passes over the training set.")]
Layer = Annotated[str, typer.Option(help="Layer whose features are used. Default: the model's.")]
DefenseName = Annotated[str, typer.Option(help="Whose removal the model is retrained on.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="GROUP.NAME=VALUE", help="Any other option; see `options`.")
]
JsonFile = Annotated[Path | None, typer.Option("--json", help="File for the same as JSON.")]


def check_json(file: Path | None) -> None:
    """Raise InputError, before anything is read, where a file for JSON cannot be written."""
    if file is not None and not file.absolute().parent.is_dir():
        raise InputError(f"{file} cannot be written: there is no such folder")
    if file is not None and file.is_dir():
        raise InputError(f"{file} is a folder; give the name of a file in it")


def dataset_of(dataset: str | None, data: Path | None, otherwise: str) -> str:
    """Key of the data set: what is asked for, else what lies at the path, else the command's own. Raises InputError."""
    if dataset is not None or data is None:
        return dataset or otherwise
    from core.datasets import kind_of

    return kind_of(data)
