"""A grid of experiments from a file: `sweep FILE.toml`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.experiments import assemble, with_classes
from core.cli.fitting import Column, FittingTable
from core.cli.terminal import out, progress, telling
from core.foundation.errors import InputError

if TYPE_CHECKING:
    from core.datasets import Report
    from core.experiment import RunConfig
    from core.foundation.cluster import Cluster
    from core.foundation.images import Split
    from core.studies.evidence.making import Outcome, Step
    from core.studies.evidence.plan import Experiment, Plan

MAX_BYTES = 2**20
WORDS = ("dataset", "attack", "source", "target", "model", "preset", "layer")  # options of `run` of the same names
NUMBERS = ("poisons", "seeds")
LISTS = (*NUMBERS, "layers", "labelled_layers", "retrain", "set")
FLAGS = ("retrain_always",)
KNOWN = ("name", "epochs", *WORDS, *LISTS, *FLAGS)


def read_plan(file: Path, data: Path | None, report: Report) -> Plan:
    """The plan that a TOML file describes. data: images in place of those it names. Raises InputError in one line."""
    from core.studies.evidence.plan import Plan

    values = _parsed(file)
    if unknown := set(values) - {"title", "about", "defaults", "experiment"}:
        raise InputError(
            f"{file} has an unknown entry '{min(unknown)}'; known are title, about, defaults and experiment"
        )
    defaults, experiments = values.get("defaults", {}), values.get("experiment", [])
    if not isinstance(defaults, dict) or not isinstance(experiments, list):
        raise InputError(f"{file}: defaults is a table, and every experiment one below [[experiment]]")
    made = list(_experiments(file, defaults, experiments, data, report))
    return Plan.of(str(values.get("title", file.stem)), made, " ".join(str(values.get("about", "")).split()))


def _parsed(file: Path) -> dict[str, Any]:
    try:
        if not file.is_file() or file.stat().st_size > MAX_BYTES:
            raise InputError(f"{file} is no file, or larger than 1 MB; give a TOML file that describes a grid")
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except InputError:
        raise
    except (OSError, ValueError, RecursionError) as problem:
        raise InputError(f"{file} cannot be read as TOML ({problem})") from None


def _experiments(
    file: Path, defaults: Mapping[str, Any], experiments: Iterable[Any], data: Path | None, report: Report
) -> Iterator[Experiment]:
    """As they stand, with numbers for the names of classes; the data of one source is read once."""
    from core.studies.evidence.plan import Experiment

    read: dict[str, Split] = {}
    for own in experiments:
        config, values = _config(file, defaults, own, data)
        place = json.dumps([config.dataset, config.dataset_options], sort_keys=True)
        config, split = with_classes(config, values.get("source"), values.get("target"), report, read.get(place))
        if split is not None:
            read[place] = split
        given: dict[str, Any] = {name: tuple(values[name]) for name in LISTS if name != "set" and name in values}
        given |= {name: values[name] for name in FLAGS if name in values}
        yield Experiment(own["name"], config, **given)


def _config(file: Path, defaults: Mapping[str, Any], own: Any, data: Path | None) -> tuple[RunConfig, dict[str, Any]]:
    """The config of one experiment, its classes still open, and its checked values."""
    if not isinstance(own, dict) or not isinstance(own.get("name"), str):
        raise InputError(f"{file}: every experiment needs a name")
    where = f"{file}, '{own['name']}'"
    values = {**defaults, **own, "set": [*_list(where, defaults, "set"), *_list(where, own, "set")]}
    if unknown := set(values) - set(KNOWN):
        raise InputError(f"{where}: unknown entry '{min(unknown)}'; known are {', '.join(KNOWN)}")
    for word in WORDS:
        if not isinstance(values.get(word, ""), str):
            raise InputError(f"{where}: {word} is a word, not {values[word]!r}")
    epochs = values.get("epochs")
    if epochs is not None and (type(epochs) is not int or epochs < 0):
        raise InputError(f"{where}: epochs is a whole number, not {epochs!r}")
    for name in FLAGS:
        if not isinstance(values.get(name, False), bool):
            raise InputError(f"{where}: {name} is true or false, not {values[name]!r}")
    for name in LISTS:
        _list(where, values, name)
    settings, dataset = values["set"], values.get("dataset")
    if data is not None:
        from core.datasets import kind_of

        dataset = kind_of(data)
        settings = [*(s for s in settings if not s.startswith("dataset.")), f"dataset.path={data}"]
    config = assemble(
        settings, values.get("preset"), epochs, None, dataset=dataset, attack=values.get("attack", "patch"),
        model=values.get("model", "small"), layer=values.get("layer", ""), retrain=False,
    )  # fmt: skip
    return config, values


def _list(where: str, values: Mapping[str, Any], name: str) -> list[Any]:
    found, kind = values.get(name, []), int if name in NUMBERS else str
    if not isinstance(found, list) or not all(type(one) is kind for one in found):
        raise InputError(f"{where}: {name} is a list of {'whole numbers' if kind is int else 'words'}, not {found!r}")
    return found


def sweep_grid(
    file: Path, out_dir: Path, data: Path | None, minutes: float | None, again: bool, cluster: Cluster | None
) -> None:
    """Make what is missing of the grid that a file describes, for so many minutes, and print where it stands."""
    from core.studies.evidence.making import make

    with telling() as report:
        plan = read_plan(file, data, report)
    with progress() as bar:
        task = bar.add_task("looking at what is there", total=float(len(plan.trainings)))

        def show(step: Step) -> None:
            done = step.done + sum(status.overall for _, status in step.at_work)
            bar.update(task, description=_in_words(step), completed=done)

        made = make(plan, out_dir, minutes=minutes, again=again, cluster=cluster, on_step=show)
    if made.finished:
        out.print(_table(plan, made))
    for line in _failures(made):
        out.print(line, soft_wrap=True, highlight=False)
    out.print(
        f"{made.finished} of {made.total} trainings made, {made.failed} failed, {made.left} left; figures in {out_dir / 'grid.parquet'}",
        soft_wrap=True,
    )


def _in_words(step: Step) -> str:
    from core.runs import duration

    told = f"training {min(step.done + 1, step.total)} of {step.total}"
    told += f", {step.failed} failed" if step.failed else ""
    if len(step.at_work) == 1:
        training = step.at_work[0][0]
        told += f": {training.experiment}, {training.config.poisons} poisons, seed {training.config.seed}"
    elif step.at_work:
        told += f": {len(step.at_work)} at work"
    return told + (f"; about {duration(step.seconds)} left" if step.seconds else "")


def _failures(made: Outcome) -> list[str]:
    failed = made.table[made.table["state"] == "failed"]
    named = zip(failed["experiment"], failed["poisons"], failed["seed"], failed["message"], strict=True)
    return [f"failed: {name}, {poisons} poisons, seed {seed}: {message}" for name, poisons, seed, message in named]


def _table(plan: Plan, made: Outcome) -> FittingTable:
    """One line for each experiment and number of poisons: attack success, and what each defense found at the network's layer."""
    from core.studies.evidence import summary
    from core.studies.intervals import interval_text

    ordered = summary.cells(made.table, [one.name for one in plan.experiments])
    titles = {key: title for cell in ordered for key, title in cell.titles.items()}
    return FittingTable(
        [
            Column("experiment", [cell.experiment for cell in ordered], "left"),
            Column("poisons", [f"{cell.poisons:,}" for cell in ordered]),
            Column("seeds", [str(cell.seeds) for cell in ordered]),
            Column("attack success", [interval_text(cell.attack) for cell in ordered]),
            *(
                Column(f"{title}: found", [interval_text(cell.found(key)) for cell in ordered], spare=True)
                for key, title in titles.items()
            ),
        ],
        plan.title,
        caption="mean over the seeds, at the network's usual layer, or, of defenses that compare all classes, at theirs; in brackets 95 %: "
        "Student's t over three seeds or more, Wilson where they agree or for one, none for two",
    )
