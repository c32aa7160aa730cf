"""`audit`: from somebody's file to a folder with findings, masks and a report."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import options
from core.cli.fitting import Column, FittingTable
from core.cli.terminal import out, progress
from core.foundation.errors import InputError
from core.foundation.files import check_output

if TYPE_CHECKING:
    from core.cases import CaseConfig, CaseFolder

AuditsDir = Annotated[Path, typer.Option("--audits-dir", help="Where audits are kept.", envvar="SPECTRE_LENS_AUDITS")]


def audit(
    path: Annotated[Path, typer.Argument(help="Images or features of any form, or an archive of them; see `data`.")],
    labels: Annotated[
        str, typer.Argument(help="Of features: a file, or the name of a column. Default: what lies beside them.")
    ] = "",
    out_dir: Annotated[Path, typer.Option("--out", help="Folder for the findings, the masks and the report.")] = ...,  # type: ignore[assignment]
    kind: Annotated[str, typer.Option("--as", help="Kind, see `data`. Default: told from what is there.")] = "",
    column: Annotated[str, typer.Option(help="Which column holds the features, where there are several.")] = "",
    images: Annotated[str, typer.Option(help="Of features: pictures of the same rows, to look at.")] = "",
    text: Annotated[str, typer.Option(help="Of features: a column of words to show for each row.")] = "",
    model: Annotated[
        str, typer.Option(help="torchvision:NAME, timm:NAME or an .onnx file. Default: a model is trained here.")
    ] = "",
    weights: Annotated[str, typer.Option(help="Its weights as .safetensors.")] = "",
    size: Annotated[int | None, typer.Option(help="Side of the images that it takes, in pixels.")] = None,
    normalise: Annotated[str, typer.Option(help="auto, imagenet or none.")] = "auto",
    mean: Annotated[str, typer.Option(help="Mean of each channel, of images in 0..1.")] = "",
    std: Annotated[str, typer.Option(help="Deviation of each channel.")] = "",
    flat: Annotated[
        bool, typer.Option("--flat", help="All numbers of a layer, not their mean over positions.")
    ] = False,
    layer: Annotated[
        list[str] | None, typer.Option(help="Layer to look at; several times for several, the first decides.")
    ] = None,
    architecture: Annotated[str, typer.Option(help="Of the model that is trained here.")] = "small",
    epochs: options.Epochs = None,
    poisons: Annotated[
        str, typer.Option(help="Assumed in a poisoned class: a number, a share as 2%, or auto.")
    ] = "auto",
    label: Annotated[str, typer.Option(help="Filter this class, whether it stands out or not.")] = "",
    level: Annotated[float, typer.Option(help="Share of clean sets in which any class may be suspected.")] = 0.05,
    settings: options.Settings = None,
    seed: Annotated[int, typer.Option(help="Of the training, and of what is held out.")] = 0,
    device: options.Device = "auto",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes, 0.6 GB each. Default: by cores.")] = None,
    threads: options.Threads = None,
) -> None:
    """Audit somebody else's data: findings with a reason each, masks, and a report. One that was stopped goes on."""
    from core.cases import CaseConfig, execute
    from core.experiment import parse_settings
    from core.foundation import devices
    from core.jobs import hearing

    devices.use_threads(threads)
    config = CaseConfig(
        str(path), labels, kind, column, images, text, model, weights, size, normalise, mean, std, flat, tuple(layer or ()),
        architecture, epochs, poisons, label, level, parse_settings(settings or [], ("dataset",))["dataset"], seed, device, workers,
    ).checked()  # fmt: skip
    check_output(out_dir)
    new, made = not (out_dir / "config.json").is_file(), not out_dir.is_dir()
    case = _begin(out_dir, config)
    with progress() as bar, _undone(case, new, made), hearing(case):
        task = bar.add_task("starting", total=1.0)
        summary = execute(case, lambda s: bar.update(task, completed=s.overall, description=s.message))
    tell(case, summary)
    out.print(f"written to {out_dir}", soft_wrap=True)


def audit_work(case_id: str, audits_dir: AuditsDir = Path("audits"), threads: options.Threads = None) -> None:
    """Do the work of a queued audit: what the dashboard starts in the background."""
    from core import jobs
    from core.cases.folder import Cases
    from core.foundation import devices

    devices.use_threads(threads)
    store = Cases(audits_dir)
    jobs.work(store.open(case_id), store, _execute)


def _execute(case: CaseFolder) -> None:
    from core.cases import execute  # brings torch, for which a job that waits has no use yet

    execute(case)


def _begin(out_dir: Path, config: CaseConfig) -> CaseFolder:
    """The folder of the audit, new or to be gone on with. Raises InputError where it holds something else."""
    from core.cases import CaseFolder

    case = CaseFolder(out_dir.absolute())
    if case.file("config.json").is_file():
        if case.config != config.as_json():
            raise InputError(f"{out_dir} holds an audit with other settings; choose another folder")
        if case.status.active:
            raise InputError(f"the audit in {out_dir} is already {case.status.state}")
        case.clear_cancel()
        return case
    if out_dir.is_dir() and any(out_dir.iterdir()):
        raise InputError(f"{out_dir} is not empty, and holds no audit; choose another folder")
    out_dir.mkdir(parents=True, exist_ok=True)
    case.write_json("config.json", config.as_json())
    return case


@contextmanager
def _undone(case: CaseFolder, new: bool, made: bool) -> Iterator[None]:
    """Where what was given cannot even be read, a new audit leaves nothing: no folder that another try would have to avoid.

    made: whether the folder was made for it.
    """
    try:
        yield
    except InputError:
        if new and not case.result:
            shutil.rmtree(case.path, ignore_errors=True)
            case.path.with_name(f".{case.path.name}.lock").unlink(missing_ok=True)
            if not made:
                case.path.mkdir()
        raise


def tell(case: CaseFolder, summary: dict[str, Any]) -> None:
    """The verdict, the findings, and what was not looked at."""
    data = case.read_json("data.json")
    for note in data["notes"]:
        out.print(f"note: {note}", soft_wrap=True, highlight=False)
    for line in data["carries"]["told"]:
        out.print(f"beforehand: {line}", soft_wrap=True, highlight=False)
    out.print(summary["verdict"], style="bold", soft_wrap=True, highlight=False)
    findings = summary["findings"]
    if findings:
        out.print(_table(findings))
    for finding in findings[:20]:
        out.print(f"{finding['finding']}. {finding['in_words']}", soft_wrap=True, highlight=False)
    for one in summary["only_elsewhere"]:
        out.print(f"at {one['layer']} alone: class {one['label']}, {one['in_words']}", soft_wrap=True, highlight=False)
    for note in summary["notes"]:
        out.print(f"note: {note}", soft_wrap=True, highlight=False)
    for one in summary["not_looked_at"]:
        out.print(f"not looked at: {one['what']}: {one['why']}", soft_wrap=True, highlight=False)


def _table(findings: list[dict[str, Any]]) -> FittingTable:
    shown = findings[:20]
    return FittingTable(
        [
            Column("", [str(one["finding"]) for one in shown]),
            Column("class", [one.get("name") or str(one["label"]) for one in shown], "left", prose=True),
            Column("kind", [one["title"] for one in shown], "left"),
            Column("rows", [f"{one['rows']:,}" for one in shown]),
            Column("p-value", ["" if one["p_value"] is None else f"{one['p_value']:.2g}" for one in shown]),
            Column("proposed", [one["proposed"] for one in shown], "left", spare=True),
        ],
        caption=f"{len(findings) - 20:,} more in findings.csv" * (len(findings) > 20),
    )
