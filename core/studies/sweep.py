"""Makes a series of runs: every number of poisons with every seed, one after the other. What is finished is kept.

The folder of a series holds one light run folder for each (config, status, scores, figures; no models, no features) and
series.json, which is written anew after each run, so that a page can show what is there already.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from core.experiment import RunConfig, config_of, execute, new_run, stage
from core.foundation import devices
from core.foundation.cluster import Cluster
from core.foundation.errors import InputError
from core.runs import RunFolder, Runs, Status
from core.studies import series

KEPT = ("config.json", "status.json", "result.json", "scores.parquet", "metrics.jsonl", "log.txt")
MOST_RUNS = 1000


@dataclass(frozen=True)
class Step:
    """Where a sweep stands: `done` of `total` runs, and those at work."""

    done: int
    total: int
    at_work: tuple[tuple[RunConfig, Status], ...]

    @property
    def overall(self) -> float:
        """Runs that are done, those at work by their shares."""
        return self.done + sum(status.overall for _, status in self.at_work)


def plan(config: RunConfig, poisons: Sequence[int], seeds: Sequence[int]) -> list[RunConfig]:
    """The resolved configs of a series, all seeds of the smallest number of poisons first. Raises InputError."""
    wanted = [(count, seed) for count in sorted(set(poisons)) for seed in sorted(set(seeds))]
    if not wanted:
        raise InputError("a sweep needs at least one number of poisons and one seed")
    if len(wanted) > MOST_RUNS:
        raise InputError(f"{len(wanted):,} runs are more than the {MOST_RUNS:,} of one sweep; split it")
    return [replace(config, poisons=count, seed=seed).resolved() for count, seed in wanted]


def sweep(
    configs: Sequence[RunConfig],
    out: Path,
    *,
    command: str = "",
    cluster: Cluster | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> series.Series:
    """Make the runs that are not finished yet in the folder `out`, and return the series of all of them.

    cluster: the machines that make them, as many at once as have room, each with `out` under the same path; None for this
    process, one after the other. Raises InputError where the largest number of poisons does not fit the data: that is tried
    before the first is trained. Raises Cancelled when a run at work is cancelled; finished runs, and finished stages of others,
    are kept.
    """
    there = {config_key(config_of(folder)): folder for folder in Runs(out)}
    missing = [config for config in configs if not _is_finished(there.get(config_key(config)))]
    if missing:
        stage(max(missing, key=lambda config: config.poisons or 0))  # what its data can carry, fewer poisons can too
    done, at_work = len(configs) - len(missing), dict[str, tuple[RunConfig, RunFolder]]()

    def tell(status: Status | None = None) -> None:
        """status: of the one run at work, where it is known without looking."""
        if on_step:
            working = tuple((config, status or folder.status) for config, folder in at_work.values())
            on_step(Step(done, len(configs), working))

    def begun() -> Iterator[RunFolder]:
        for config in missing:
            folder = there.get(config_key(config)) or new_run(config, Runs(out))
            if not folder.status.active:
                folder.clear_cancel()  # of the call before, which it ended
            at_work[str(folder.path)] = config, folder
            yield folder

    for place in _made_in(cluster, begun(), tell) if cluster else _made_here(begun(), tell):
        config, folder = at_work.pop(place)
        there[config_key(config)] = folder
        done += 1
        _collect(configs, there, out, command)
    tell()
    return _collect(configs, there, out, command)


def _made_here(folders: Iterator[RunFolder], tell: Callable[[Status], None]) -> Iterator[str]:
    """The paths of the runs, one after the other as they are made in this process."""
    for folder in folders:
        execute(folder, observer=tell)
        lighten(folder)
        yield str(folder.path)


def _made_in(cluster: Cluster, folders: Iterator[RunFolder], tell: Callable[[], None]) -> Iterator[str]:
    """The paths of the runs, as they get finished on the machines of a cluster."""
    items = ((str(folder.path), str(folder.path.resolve()), cluster.cpus) for folder in folders)
    with closing(cluster.results(_make, items, tell)) as finished:
        yield from finished


def _make(name: str, path: str, threads: int) -> str:
    """Make the run in the folder `path`, on whichever machine this is."""
    devices.use_threads(threads)
    folder = RunFolder(Path(path))
    execute(folder)
    lighten(folder)
    return name


def _collect(configs: Sequence[RunConfig], there: dict[str, RunFolder], out: Path, command: str) -> series.Series:
    """series.json of the runs that are finished."""
    finished = [there[config_key(c)] for c in configs if _is_finished(there.get(config_key(c)))]
    rows = tuple(series.row_of(folder.id, folder.result) for folder in finished)
    made = series.Series(out.name, series.common_config(configs[0].as_json()), rows, command)
    series.save(made, out)
    return made


def lighten(folder: RunFolder, kept: Collection[str] = KEPT) -> None:
    """Drop all files but these; as they are, what a series does not need: models, features and pictures."""
    for path in folder.path.iterdir():
        if path.name not in kept and path.is_file():
            path.unlink()


def _is_finished(folder: RunFolder | None) -> bool:
    return folder is not None and folder.status.state == "finished"


def config_key(config: RunConfig) -> str:
    """The same for configs that make the same run, whether their defaults are written out or not. Raises InputError."""
    return json.dumps(config.resolved().as_json(), sort_keys=True)
