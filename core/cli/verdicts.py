"""Features of your own in, verdicts out: `filter` and `scan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import TimeRemainingColumn
from rich.text import Text

from core.cli import options
from core.cli.engines import ADDRESS, opened
from core.cli.options import Device, Threads
from core.cli.terminal import err, out, progress
from core.foundation.errors import Cancelled
from core.foundation.files import check_output

FORMS = ".npy, .npz, parquet, Arrow, .safetensors, HDF5, CSV, or a folder with its parts"
Column = Annotated[
    str | None,
    typer.Option(help="Which column, array, tensor or data set holds the features, where there are several."),
]


def filter_features(
    features: Annotated[Path, typer.Argument(help=f"A table of rows that carry one label: {FORMS}.")],
    poisons: Annotated[
        str,
        typer.Option(help="How many poisons to expect: a number, a share of the rows as 2%, or auto for an estimate."),
    ],
    out_dir: Annotated[
        Path, typer.Option("--out", help="Folder for scores.npy, removed.npy, findings.csv and summary.json.")
    ],
    column: Column = None,
    method: Annotated[
        str,
        typer.Option(help="A defense of one class: spectre, spectral, clustering, ...; `options defense` lists them."),
    ] = "spectre",
    alpha: Annotated[float, typer.Option(help="Sharpness of the QUE score.")] = 4.0,
    k: Annotated[str, typer.Option(help="Principal components, or auto.")] = "auto",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="defense.NAME=VALUE", help="Another option of the method; `options defense` lists them."
        ),
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(help="What another tool removed of these rows: truth values, True = removed.")
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Score features of your own and mark the rows that look poisoned."""
    from core.audit import filtering
    from core.audit.assumed import assumed
    from core.audit.described import describe
    from core.audit.masks import agreement, read_mask
    from core.audit.readers import read_features
    from core.cli import audit_tables
    from core.foundation import devices

    devices.use_threads(threads)
    wanted = assumed(poisons)
    more = None
    if settings:  # imported then alone, for all of the training comes along
        from core.experiment import parse_settings

        more = parse_settings(settings, ("defense",))["defense"]
    defense = filtering.make_defense(method, wanted.count or 0, alpha, k, device, more)
    scratch = check_output(out_dir)
    with out.status(f"reading {features}"):
        read = read_features(features, column, scratch=scratch, finite=True)
    with read:
        table = read.rows
        mask = read_mask(compare, table.shape[0] if table.ndim else 1) if compare else None
        size = f"{' x '.join(f'{s:,}' for s in table.shape)} features"
        guess = None
        if wanted.share is not None:
            defense.set_params(n_poisons=wanted.of(table.shape[0] if table.ndim else 1))
        elif wanted.automatic:
            with progress() as bar:
                task = bar.add_task(f"estimating the number of poisons in {size}", total=None)
                guess = filtering.estimate(table, defense, lambda i, n: bar.update(task, completed=i, total=n))
            defense.set_params(n_poisons=guess.poisons)
        with out.status(f"{defense.title} on {size}"):
            found = filtering.run_filter(table, defense, guess)
        found.summary["read"] = read.as_json(describe(table))
        other = agreement(compare, mask, found.removed) if compare and mask is not None else None
        found.summary.update({"compared": other.as_json()} if other else {})
        filtering.write_filter(out_dir, found, read)
    summary = found.summary
    for line in audit_tables.read_lines(summary["read"]):
        out.print(line, soft_wrap=True, highlight=False)
    verdict = f"{summary['removed']:,} of {summary['n']:,} rows look poisoned"
    out.print(Text.assemble((defense.title, "bold"), f": {verdict}"), soft_wrap=True)
    out.print(audit_tables.filter_table(summary))
    for note in [*audit_tables.filter_notes(summary), *([other.in_words()] if other else [])]:
        out.print(note, soft_wrap=True, highlight=False)
    out.print(f"written to {out_dir}", soft_wrap=True)


def scan(
    features: Annotated[
        str,
        typer.Argument(
            help=f"A table of rows of all classes, in any order: {FORMS}; or the address of an .npy, as s3://BUCKET/NAME."
        ),
    ],
    labels: Annotated[
        str,
        typer.Argument(
            help="The label of each row, numbers or words: a file of the same forms, the address of an .npy, or the name of a "
            "column of the table."
        ),
    ],
    poisons: Annotated[
        str,
        typer.Option(
            help="How many poisons to expect in a poisoned class: a number, a share of its rows as 2%, or auto for as "
            "many as form groups."
        ),
    ],
    out_dir: Annotated[
        Path, typer.Option("--out", help="Folder for classes.csv, findings.csv, removed.npy and summary.json.")
    ],
    column: Column = None,
    label: Annotated[
        str | None, typer.Option(help="Filter this class, by number or name, whether it stands out or not.")
    ] = None,
    level: Annotated[float, typer.Option(help="Share of clean data sets in which any class may be suspected.")] = 0.05,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes, 0.6 GB each. Default: by cores and classes.")
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    engine: options.EngineName = "local",
    address: options.Address = ADDRESS,
    gpus: options.Gpus = 0.0,
) -> None:
    """Find the classes that look poisoned, mark their rows to remove, and tell label errors, copies and broken rows from them.

    A scan that was stopped goes on.
    """
    from core.audit.scanning import State, scan_files
    from core.cli import audit_tables
    from core.foundation import devices

    devices.use_threads(threads)
    scratch = check_output(out_dir)
    with opened(engine, address, threads, gpus) as cluster, progress(TimeRemainingColumn()) as bar:
        task = bar.add_task("reading", total=None)

        def show(state: State) -> None:
            if state.reading:
                bar.update(task, description="first look at all rows", completed=state.rows, total=state.total_rows)
                return
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
                column=column, scratch=scratch, label=label, level=level, workers=workers, device=device,
                cluster=cluster, on_state=show,
            )  # fmt: skip
        except KeyboardInterrupt:  # Typer would end without a word
            err.print("finished classes are kept: the same command goes on from there")
            raise Cancelled from None
    for line in audit_tables.read_lines(summary["read"]):
        out.print(line, soft_wrap=True, highlight=False)
    out.print(summary["verdict"], style="bold", soft_wrap=True, highlight=False)
    out.print(audit_tables.scan_table(summary))
    for line in audit_tables.scan_lines(summary):
        out.print(line, soft_wrap=True, highlight=False)
    out.print(f"written to {out_dir}", soft_wrap=True)
