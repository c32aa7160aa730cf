"""Things to look at: what an attack does to images, and the dashboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.experiments import with_classes
from core.cli.options import Data, DataSet, Device, Settings, Source, Target, Threads, dataset_of
from core.cli.terminal import out, progress, telling
from core.foundation.errors import InputError
from core.foundation.files import given_path

if TYPE_CHECKING:
    from core.experiment import RunConfig

SHOWN = (
    "dataset",
    "sampling",
    "attack",
    "poisoning",
    "transport",
    "training",
    "seeds",
)  # settings that a picture depends on
ROOT = Path(__file__).resolve().parents[2]


def preview(
    dataset: DataSet = None,
    data: Data = None,
    attack: Annotated[str, typer.Option(help="Which trigger, or all.")] = "all",
    source: Source = None,
    target: Target = None,
    settings: Settings = None,
    images: Annotated[int, typer.Option(min=1, max=16, help="How many images of each attack.")] = 4,
    prepare: Annotated[
        bool, typer.Option(help="Train the attacker's own model where an attack has one, for the exact picture.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Fixes every random choice.")] = 0,
    device: Device = "auto",
    threads: Threads = None,
    out_file: Annotated[Path, typer.Option("--out", help="The picture, a .png.")] = Path("attacks.png"),
) -> None:
    """Draw what an attack does to images: clean, poisoned, and ten times the difference, side by side.

    With --set transport.format=jpeg and the like, as they arrive, and with what is left of the trigger.
    """
    from core.attacks import ATTACKS
    from core.experiment import RunConfig, Workshop, load, parse_settings
    from core.experiment.preview import preview as look
    from core.foundation import devices
    from core.foundation.files import replacing
    from core.foundation.pictures import sheet

    devices.use_threads(threads)
    if out_file.suffix.lower() != ".png" or not out_file.parent.is_dir():
        raise InputError(f"{out_file} cannot be written; give the name of a .png in a folder that exists")
    groups: dict[str, dict[str, Any]] = parse_settings(settings or [], SHOWN)
    if data is not None:
        groups["dataset"]["path"] = str(given_path(data).resolve())
    configs = [
        RunConfig(
            dataset=dataset_of(dataset, data, "signs"), dataset_options=groups["dataset"], attack=key, attack_options=groups["attack"],
            sampling=groups["sampling"], poisoning=groups["poisoning"], transport=groups["transport"], training=groups["training"],
            seeds=groups["seeds"], seed=seed, device=device,
        )
        for key in (ATTACKS if attack == "all" else [attack])
    ]  # fmt: skip
    if attack != "all":
        configs[0].check_settings()
    with telling() as report:
        split = load(configs[0].resolved(), report)
        configs = [with_classes(config, source, target, report, split)[0].resolved() for config in configs]
    if source is None and target is None:
        configs = [_of_classes_there(config, len(split.train.class_names)) for config in configs]
    with progress() as bar:
        task = bar.add_task("", total=1.0)
        parts = []
        for config in configs:
            title = ATTACKS[config.attack].title
            bar.update(task, description=title, completed=0.0)
            where = devices.resolve(device)
            workshop = Workshop(config, split, where, lambda s: bar.update(task, completed=s)) if prepare else None
            shown = look(config, split.train, images, resources=workshop)
            if shown.left is not None:
                title = f"{title}: {100 * shown.left:.0f} % of the trigger is left"
            parts.append((title, (shown.clean, shown.poisoned, shown.difference)))
    with replacing(out_file) as aside:
        sheet(parts).save(aside, "PNG")
    if way := configs[0].make_transport().in_words():
        for title, _ in parts:
            out.print(title, soft_wrap=True)
        out.print(f"all images travel {way}", soft_wrap=True)
    out.print(f"written to {out_file}", soft_wrap=True)


def _of_classes_there(config: RunConfig, classes: int) -> RunConfig:
    """The same from the first class to the second, where the set has not the classes that sets of its kind suggest. config: resolved."""
    from dataclasses import replace

    goal = config.make_goal()
    if max(*goal.sources, goal.target, 0) < classes:
        return config
    return replace(config, source=goal.sources and (0,), target=1)


def demo(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the dashboard.")] = 8501,
) -> None:
    """Open the dashboard on the bundled, finished runs: no training, no GPU."""
    from core.cli.serving import serve

    serve("app.py", port)
