"""What a path holds, told before anything is done with it: `data`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from core.cli import options
from core.cli.fitting import Column, FittingTable
from core.cli.terminal import out, telling

SHOWN = 20  # classes, up to which each has a line
_SPLITS = {
    "given": "{kind}: {train[images]:,} training and {test[images]:,} test images, as the set divides them",
    "made": "{kind}: {train[images]:,} training and {test[images]:,} test images, held out here",
    "none": "{kind}: {train[images]:,} images",
}


def data(
    path: Annotated[Path, typer.Argument(help="Images or features: a folder or a file of any form that is read here.")],
    kind: Annotated[
        str,
        typer.Option("--as", help="folder, parquet, arrays, toolbox or features. Default: told from what is there."),
    ] = "",
    json_file: options.JsonFile = None,
    settings: options.Settings = None,
    seed: Annotated[int, typer.Option(help="Fixes which images are held out where there is no test part.")] = 0,
    threads: options.Threads = None,
) -> None:
    """Tell what would be read: classes, counts, shape, columns, levels, and what is left out and why. Changes nothing."""
    from core.cases.reading import FEATURES, kind_at
    from core.datasets import DATASETS, account
    from core.experiment import parse_settings
    from core.foundation import devices
    from core.foundation.files import given_path, write_json

    devices.use_threads(threads)
    options.check_json(json_file)
    chosen = kind or kind_at(path)
    if chosen == FEATURES:
        _tell_features(path, json_file)
        return
    options_of = parse_settings(settings or [], ("dataset",))["dataset"] | {"path": str(given_path(path))}
    with telling() as report:
        told = account(DATASETS.make(chosen, options_of).load(seed, report))
    if json_file is not None:
        write_json(json_file, told)
    out.print(Text.assemble((_SPLITS[told["split"]].format(**told), "bold")), soft_wrap=True)
    out.print(_classes(told))
    for line in _lines(told):
        out.print(line, soft_wrap=True, highlight=False, markup=False)


def _tell_features(path: Path, json_file: Path | None) -> None:
    from core.audit.described import describe
    from core.audit.readers import read_features
    from core.audit.table import as_table
    from core.foundation.files import write_json

    with out.status(f"reading {path.name}"), read_features(path) as features:
        told: dict[str, Any] = {
            "kind": "features", "rows": int(features.rows.shape[0]), "columns": int(features.rows.shape[1]), "form": features.form,
            "column": features.column, "left_out": [{"what": f"column '{name}'", "count": 1, "why": why} for name, why in features.left_out.items()],
            "notes": [*features.notes, *describe(as_table(features.rows))],
        }  # fmt: skip
    if json_file is not None:
        write_json(json_file, told)
    where = f", column '{told['column']}'" if told["column"] else ""
    out.print(
        f"features: {told['rows']:,} rows of {told['columns']:,}, {told['form']}{where}", style="bold", soft_wrap=True
    )
    for one in told["left_out"]:
        out.print(f"left out: {one['what']}: {one['why']}", soft_wrap=True, highlight=False, markup=False)
    for note in told["notes"]:
        out.print(f"note: {note}", soft_wrap=True, highlight=False, markup=False)


def _classes(told: dict[str, Any]) -> FittingTable:
    names, train, test = told["class_names"], told["train"]["per_class"], (told["test"] or {}).get("per_class")
    shown = range(len(names)) if len(names) <= SHOWN else [*range(SHOWN - 1), len(names) - 1]
    columns = [
        Column("class", [names[i] for i in shown], "left", prose=True),
        Column("training images", [f"{train[i]:,}" for i in shown]),
        Column("mean level", [_level(told["levels"][i]) for i in shown]),
    ]
    if test:
        columns.insert(2, Column("test images", [f"{test[i]:,}" for i in shown]))
        columns.append(Column("in test", [_level(told["test_levels"][i]) for i in shown], spare=True))
    return FittingTable(columns)


def _level(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def _lines(told: dict[str, Any]) -> list[str]:
    height, width, channels = told["image_shape"]
    lines = [
        f"images: {width}x{height}, {channels} channel{'s' * (channels > 1)}; levels are means, 0 black to 255 white"
    ]
    if (rest := len(told["class_names"]) - SHOWN) > 0:
        lines.insert(0, f"{rest:,} more classes before the last; --json has all")
    if told["columns"]:
        lines.append("columns: images in '{image}', labels in '{label}'".format(**told["columns"]))
    lines += [f"left out: {one['count']:,} {one['what']}: {one['why']}" for one in told["left_out"]]
    return [*lines, *(f"note: {note}" for note in told["notes"])]
