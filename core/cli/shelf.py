"""The folder of runs, and what there is to choose from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from core.cli.options import RunsDir
from core.cli.terminal import out
from core.foundation.errors import InputError


def runs(
    runs_dir: RunsDir = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")] = False,
) -> None:
    """List the runs, the newest first."""
    from core.cli import run_tables
    from core.runs import Runs

    found = list(Runs(runs_dir))
    if as_json:
        for folder in found:
            typer.echo(json.dumps(run_tables.run_line(folder)))
    elif found:
        out.print(run_tables.runs_table(found))
    else:
        out.print(f"no runs in {runs_dir} yet; make one: python -m core run", soft_wrap=True)


def export(
    run_id: str,
    out_dir: Annotated[Path, typer.Option("--out", help="Folder below which the run is copied.")],
    runs_dir: RunsDir = Path("runs"),
) -> None:
    """Copy what is needed to look at a finished run, without the models and features, to hand it to somebody."""
    from core.runs import Runs

    out.print(f"copied to {Runs(runs_dir).open(run_id).export(out_dir)}", soft_wrap=True)


def cancel(run_id: str, runs_dir: RunsDir = Path("runs")) -> None:
    """Stop a run that waits or works, wherever it was started. What is finished is kept; `resume` goes on from there."""
    from core.runs import Runs

    folder = Runs(runs_dir).open(run_id)
    if not folder.status.active:
        raise InputError(f"{run_id} is {folder.status.state}; there is nothing to cancel")
    folder.request_cancel()
    out.print(f"{run_id} stops within a few seconds; what is finished is kept", soft_wrap=True)


def delete(run_id: str, runs_dir: RunsDir = Path("runs")) -> None:
    """Remove the folder of a run that is not active, with everything in it."""
    from core.runs import Runs

    Runs(runs_dir).open(run_id).delete()
    out.print(f"{run_id} is deleted", soft_wrap=True)


def options(
    group: Annotated[
        str | None,
        typer.Argument(help="dataset, sampling, attack, poisoning, transport, model, training, defense or seeds."),
    ] = None,
) -> None:
    """List every data set, attack, model and defense of one class with its parameters, for --set, and the presets of training."""
    from core.cli import option_tables

    for table in option_tables.option_tables(group):
        out.print(table)
