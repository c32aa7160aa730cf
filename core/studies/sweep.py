"""Makes a series of runs: every number of poisons with every seed, one after the other. What is finished is kept.

The folder of a series holds one light run folder for each (config, status, scores, figures; no models, no features) and
series.json, which is written anew after each run, so that a page can show what is there already.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.experiment import RunConfig, config_of, execute, new_run, stage
from core.foundation.errors import InputError
from core.runs import RunFolder, Runs, Status
from core.studies import series

KEPT = ("config.json", "status.json", "result.json", "scores.parquet", "metrics.jsonl", "log.txt")
MOST_RUNS = 1000


@dataclass(frozen=True)
class Step:
    """Where a sweep stands: `done` of `total` runs, and the status of the one at work."""

    done: int
    total: int
    config: RunConfig
    status: Status | None


def plan(config: RunConfig, poisons: Sequence[int], seeds: Sequence[int]) -> list[RunConfig]:
    """The resolved configs of a series, all seeds of the smallest number of poisons first. Raises InputError."""
    wanted = [(count, seed) for count in sorted(set(poisons)) for seed in sorted(set(seeds))]
    if not wanted:
        raise InputError("a sweep needs at least one number of poisons and one seed")
    if len(wanted) > MOST_RUNS:
        raise InputError(f"{len(wanted):,} runs are more than the {MOST_RUNS:,} of one sweep; split it")
    return [replace(config, poisons=count, seed=seed).resolved() for count, seed in wanted]


def sweep(
    configs: Sequence[RunConfig], out: Path, *, command: str = "", on_step: Callable[[Step], None] | None = None
) -> series.Series:
    """Make the runs that are not finished yet in the folder `out`, and return the series of all of them.

    Raises InputError where the largest number of poisons does not fit the data: that is tried before the first is trained.
    Raises Cancelled when the run at work is cancelled; finished runs, and finished stages of it, are kept.
    """
    there = {_key(config_of(folder)): folder for folder in Runs(out)}
    missing = [config for config in configs if not _is_finished(there.get(_key(config)))]
    if missing:
        stage(max(missing, key=lambda config: config.poisons or 0))  # what its data can carry, fewer poisons can too
    for config in configs:
        folder = there.get(_key(config))
        if _is_finished(folder):
            continue
        folder = folder or new_run(config, Runs(out))
        if not folder.status.active:
            folder.clear_cancel()  # of the call before, which it ended
        done = len([c for c in configs if _is_finished(there.get(_key(c)))])

        def observe(status: Status, done: int = done, config: RunConfig = config) -> None:
            if on_step:
                on_step(Step(done, len(configs), config, status))

        execute(folder, observer=observe)
        lighten(folder)
        there[_key(config)] = folder
        _collect(configs, there, out, command)
    if on_step:
        on_step(Step(len(configs), len(configs), configs[-1], None))
    return _collect(configs, there, out, command)


def _collect(configs: Sequence[RunConfig], there: dict[str, RunFolder], out: Path, command: str) -> series.Series:
    """series.json of the runs that are finished."""
    finished = [there[_key(c)] for c in configs if _is_finished(there.get(_key(c)))]
    rows = tuple(series.row_of(folder.id, folder.result) for folder in finished)
    made = series.Series(out.name, series.common_config(configs[0].as_json()), rows, command)
    series.save(made, out)
    return made


def lighten(folder: RunFolder) -> None:
    """Drop what a series does not need: models, features and pictures."""
    for path in folder.path.iterdir():
        if path.name not in KEPT and path.is_file():
            path.unlink()


def _is_finished(folder: RunFolder | None) -> bool:
    return folder is not None and folder.status.state == "finished"


def _key(config: RunConfig) -> str:
    return json.dumps(config.resolved().as_json(), sort_keys=True)
