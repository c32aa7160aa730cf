"""Questions that one run does not answer: `study` refits its defenses at wrong budgets, and at every layer and k."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.cli.fitting import Column, FittingTable
from core.cli.options import Device, RunsDir, Threads
from core.cli.terminal import out, progress
from core.foundation.errors import InputError


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
    from core.foundation import devices
    from core.runs import Runs

    devices.use_threads(threads)
    kinds = _kinds(budgets, layers)
    folder = Runs(runs_dir).open(run_id)
    with progress() as bar:
        task = bar.add_task("starting", total=1.0)
        for kind in kinds:
            found = _make(
                folder, kind, into, device, lambda text, share: bar.update(task, description=text, completed=share)
            )
            out.print(_table(kind, found))
    out.print(f"written to {into or folder.path}", soft_wrap=True)


def study_work(
    run_id: str,
    budgets: Annotated[bool, typer.Option("--budgets")] = False,
    layers: Annotated[bool, typer.Option("--layers")] = False,
    runs_dir: RunsDir = Path("runs"),
    threads: Threads = None,
) -> None:
    """Do a study that the dashboard started in the background, and tell where it stands."""
    from core.foundation import devices
    from core.runs import Runs
    from core.studies import store

    devices.use_threads(threads)
    kinds, runs = _kinds(budgets, layers), Runs(runs_dir)
    folder = runs.open(run_id)
    with store.reporting(folder, runs) as tell:
        for i, kind in enumerate(kinds):
            _make(folder, kind, None, "auto", lambda text, share, i=i: tell(text, (i + share) / len(kinds)))


def _kinds(budgets: bool, layers: bool) -> list[str]:
    kinds = ["budgets"] * budgets + ["layers"] * layers
    if not kinds:
        raise InputError("choose what to study: --budgets, --layers or both")
    return kinds


def _make(folder: Any, kind: str, into: Path | None, device: str, tell: Any) -> dict[str, Any]:
    """Do one study of a finished run and write it. Raises InputError, Cancelled."""
    from core.foundation.files import write_json
    from core.studies import store
    from core.studies.budgets import study_budgets
    from core.studies.layers import study_layers

    if folder.status.state != "finished":
        raise InputError(f"{folder.id} is {folder.status.state}; only finished runs can be studied")
    if into is not None and not into.is_dir():
        raise InputError(f"{into} is no folder; name one that is there")
    if reason := store.missing(folder, kind):
        raise InputError(reason)
    found = (study_budgets if kind == "budgets" else study_layers)(folder, tell, device)
    try:
        write_json((into or folder.path) / store.file_of(kind), found)
    except OSError as problem:
        raise InputError(f"{into or folder.path} cannot be written to ({problem.strerror})") from None
    return found


def _table(kind: str, found: dict[str, Any]) -> FittingTable:
    """A study as a table for the terminal."""
    from core.runs import share_text

    small = f"{found['n']:,} rows, seed {found['seed']}, {found['device']}, {found['seconds']:.0f} s"
    rows = found["rows"]
    if kind == "budgets":
        return FittingTable(
            [
                Column("assumed", [f"{row['assumed']:,}" for row in rows]),
                *(
                    Column(about["title"], [_found(row["defenses"][key]) for row in rows], prose=True, spare=True)
                    for key, about in rows[0]["defenses"].items()
                ),
            ],
            f"{found['true']} poisons are there",
            caption=small,
        )
    best = [row["chosen"] for row in rows]
    return FittingTable(
        [
            Column("layer", [row["layer"] for row in rows], "left"),
            Column("features", [f"{row['columns']:,}" for row in rows]),
            Column("k", [str(one["k"]) for one in best]),
            Column("poison removed", [share_text(_with_value(one["true_positive_rate"])) for one in best]),
            Column("clean removed", [share_text(_with_value(one["false_positive_rate"])) for one in best]),
        ],
        "SPECTRE at each layer, with the k it takes there",
        caption=small,
    )


def _found(found: dict[str, Any]) -> str:
    share = found["true_positive_rate"]
    return f"{share['count']:,} of {share['total']:,} found, {found['removed']:,} removed"


def _with_value(share: dict[str, Any]) -> dict[str, Any]:
    return {**share, "value": share["count"] / share["total"] if share["total"] else None}
