"""Models and what they make of images: `layers`, where features can be tapped, and `features`, which writes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import options
from core.cli.fitting import Column, FittingTable
from core.cli.terminal import out, progress, telling
from core.foundation.errors import InputError
from core.foundation.files import check_output, given_path

if TYPE_CHECKING:  # the commands import what they need themselves, so that --help answers at once
    from core.foundation.images import Split
    from core.models.brought import Network, Taps

Weights = Annotated[Path | None, typer.Option(help="The model's weights as .safetensors; an .onnx file holds its own.")]
Size = Annotated[
    int | None, typer.Option(help="Side of the images that the model takes, in pixels. Default: the model's, else 224.")
]
MODEL = "small or another of `options model`, torchvision:NAME, timm:NAME, or the path of an .onnx file"


def layers(
    model: Annotated[str, typer.Argument(help=f"{MODEL}.")],
    weights: Weights = None,
    size: Size = None,
    every: Annotated[bool, typer.Option("--all", help="Also the layers inside of blocks.")] = False,
    json_file: options.JsonFile = None,
    threads: options.Threads = None,
) -> None:
    """List the layers of a model of yours whose features can be taken, and suggest one. Downloads nothing."""
    from core.foundation import devices
    from core.foundation.files import write_json
    from core.models.brought import open_network

    options.check_json(json_file)
    devices.use_threads(threads)
    network = open_network(model, weights, size)
    taps = network.taps()
    if json_file is not None:
        write_json(json_file, _told(network, taps))
    out.print(_layers_table(network, taps, every))
    out.print(f"suggested: {taps.suggested}, {taps.why}", soft_wrap=True, highlight=False)


def _told(network: Network, taps: Taps) -> dict[str, Any]:
    """What `layers` says, as JSON values; all layers, whatever the table shows."""
    mean, deviation = network.statistics
    return {
        "model": network.title, "size": network.size, "channels": network.channels, "mean": mean, "std": deviation,
        "suggested": taps.suggested, "why": taps.why, "layers": taps.as_json(),
    }  # fmt: skip


def _layers_table(network: Network, taps: Taps, every: bool) -> FittingTable:
    """The layers of a brought network, from the input up. every: also those inside of blocks."""
    shown = [layer for layer in taps.layers if every or layer.main or layer.name == taps.suggested]
    hidden = len(taps.layers) - len(shown)
    return FittingTable(
        [
            Column("layer", [layer.name for layer in shown], "left"),
            Column("kind", [layer.kind for layer in shown], "left", spare=True),
            Column("for one image", [" x ".join(f"{side:,}" for side in layer.shape) for layer in shown]),
            Column("numbers a row", [f"{layer.pooled:,}" for layer in shown]),
            Column("", ["<- suggested" * (layer.name == taps.suggested) for layer in shown], "left"),
        ],
        f"{network.title}, images of {network.size}x{network.size} with {network.channels} channel{'s' * (network.channels != 1)}",
        caption=f"{hidden:,} more inside of these: --all" * bool(hidden),
    )


def features(
    source: Annotated[str, typer.Argument(metavar="RUN|PATH", help="A finished run; with --model a path of images.")],
    out_dir: Annotated[
        Path, typer.Option("--out", help="Folder for features.npy, labels.npy and what tells the rows apart.")
    ],
    layer: Annotated[
        str, typer.Option(help="Layer to look at. Default: the run's, or the one that `layers` suggests.")
    ] = "",
    model: Annotated[str, typer.Option(help=f"A model of yours: {MODEL}.")] = "",
    weights: Weights = None,
    size: Size = None,
    normalise: Annotated[
        str, typer.Option(help="auto (the model's, else imagenet), imagenet, or none: 0..1.")
    ] = "auto",
    mean: Annotated[str, typer.Option(help="Mean of each channel, of images in 0..1: 0.5,0.5,0.5.")] = "",
    std: Annotated[str, typer.Option(help="Deviation of each channel.")] = "",
    flat: Annotated[
        bool, typer.Option("--flat", help="All numbers of the layer, not their mean over positions or tokens.")
    ] = False,
    kind: Annotated[
        str, typer.Option("--as", help="Kind of images, see `data`. Default: told from what is there.")
    ] = "",
    settings: options.Settings = None,
    truth: Annotated[
        bool, typer.Option("--truth", help="Of a run, also truth.npy: what is poisoned. Not for filters.")
    ] = False,
    device: options.Device = "auto",
    threads: options.Threads = None,
    runs_dir: options.RunsDir = Path("runs"),
) -> None:
    """Write features for `scan`: of a finished run's training examples, or of images of yours through a model of yours."""
    from core.foundation import devices

    devices.use_threads(threads)
    check_output(out_dir)
    if not model:
        given = {
            "--weights": weights, "--size": size, "--mean": mean, "--std": std, "--flat": flat, "--as": kind,
            "--set": settings, "--normalise": normalise != "auto",
        }  # fmt: skip
        _check_run(source, [name for name, value in given.items() if value])
        _of_run(source, out_dir, layer, truth, device, runs_dir)
        return
    if truth:
        raise InputError("--truth is for runs, whose poison is known; leave it out with --model")
    from core.cases.reading import load_split
    from core.datasets import kind_of
    from core.experiment import parse_settings
    from core.models.brought import needs_weights, open_network

    if weights is None and needs_weights(model):
        raise InputError(
            f"{model} without weights is as it was initialised, and says nothing; give --weights FILE.safetensors"
        )
    network = open_network(model, weights, size)
    network.normalise(normalise, mean, std)
    with telling() as report:
        path = given_path(source)
        chosen, asked = kind or kind_of(path), parse_settings(settings or [], ("dataset",))["dataset"]
        split = load_split(path, chosen, asked, report=report, side=network.size)
    _of_images(split, network, out_dir, layer, flat, device)
    for one in split.reading.left_out:
        out.print(f"left out: {one.count:,} {one.what}: {one.why}", soft_wrap=True, highlight=False)
    for note in split.notes:
        out.print(f"note: {note}", soft_wrap=True, highlight=False)


def _of_images(split: Split, network: Network, out_dir: Path, layer: str, flat: bool, device: str) -> None:
    from core.training import audited, write_brought

    with progress() as bar:
        task = bar.add_task("features", total=1.0)
        written = write_brought(
            network, audited(split), out_dir, layer=layer, flat=flat, device=device,
            on_step=lambda share: bar.update(task, completed=share),
        )  # fmt: skip
    why = f", {written.why}" if written.why else ""
    mean, deviation = (", ".join(f"{value:.4g}" for value in numbers) for numbers in network.statistics)
    out.print(f"layer {written.layer.name}{why}", soft_wrap=True, highlight=False)
    out.print(
        f"images: {network.size}x{network.size}, less a mean of {mean}, by a deviation of {deviation}; if the model was "
        "trained on others: --size, --normalise, --mean and --std",
        soft_wrap=True, highlight=False,
    )  # fmt: skip
    _say(written.shape, out_dir)


def _check_run(source: str, given: list[str]) -> None:
    """Raise InputError where the options are for a model of one's own, or the run is a path of images."""
    if given:
        raise InputError(f"{given[0]} goes with --model, which says whose features are wanted")
    if "/" in source and Path(source).exists():
        raise InputError(f"{source} is a path and no run; say with which model to look at it: --model, --weights")


def _of_run(source: str, out_dir: Path, layer: str, truth: bool, device: str, runs_dir: Path) -> None:
    from core.experiment.feature_files import write_features
    from core.runs import Runs

    folder = Runs(runs_dir).open(source)
    with progress() as bar:
        task = bar.add_task("features", total=1.0)
        shape = write_features(
            folder, out_dir, layer=layer, truth=truth, device=device, on_step=lambda s: bar.update(task, completed=s)
        )
    _say(shape, out_dir)


def _say(shape: tuple[int, int], out_dir: Path) -> None:
    out.print(f"{' x '.join(f'{s:,}' for s in shape)} features written to {out_dir}", soft_wrap=True)
