"""Makes the trainings of a grid that are not made yet, for as long as there is time; what is finished is kept.

The folder of a grid holds grid.parquet and plan.json (see core.studies.evidence.rows) and the folders of its runs. A call that
was stopped goes on from the table alone: the folders of finished trainings may be gone, or never have been on this machine.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from core.experiment import PREPARED, config_of, new_run
from core.foundation import devices
from core.foundation.cluster import Cluster
from core.foundation.errors import Cancelled, InputError
from core.foundation.files import claimed, write_json
from core.foundation.shortage import cause
from core.runs import HeldError, RunFolder, Runs, Status
from core.studies.evidence import rows
from core.studies.evidence.looking import LOOKS, MASKS, PICTURE, RETRAINED, SCORES, TimeIsUp, carry_out
from core.studies.evidence.plan import Key, Plan, Training
from core.studies.evidence.summary import OTHERWISE, TOGETHER
from core.studies.sweep import config_key, lighten

RUNS = "runs"  # the folder of the runs in that of the grid
KEPT = (
    "config.json", "status.json", "result.json", "metrics.jsonl", "log.txt", "model.safetensors", LOOKS, MASKS, SCORES,
    RETRAINED, PREPARED,
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """Where a grid stands: `done` of `total` trainings, `failed` of those, those at work, and the seconds that are left.

    seconds: by what trainings of the same network and data set took; None before the first is finished.
    """

    done: int
    failed: int
    total: int
    seconds: float | None
    at_work: tuple[tuple[Training, Status], ...]


@dataclass(frozen=True)
class Outcome:
    """Where a grid stands at the end of a call. table: what of it the plan asks for."""

    table: pd.DataFrame
    total: int
    finished: int
    failed: int

    @property
    def left(self) -> int:
        return self.total - self.finished - self.failed


def make(
    plan: Plan,
    out: Path,
    *,
    minutes: float | None = None,
    again: bool = False,
    cluster: Cluster | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> Outcome:
    """Make what is missing in the folder `out` and return where the grid stands then.

    minutes: after which it ends, in the middle of a training where it must; the next call goes on from its last epoch. again:
    trainings that failed before are tried once more. cluster: the machines that do it, each with `out` under the same path;
    None for this process, one after the other. A training that fails is noted in the table, and the next one begins. Raises
    InputError where `out` holds a grid of another plan or another call is at it, Cancelled when a training at work is cancelled.
    """
    until = None if minutes is None else time.time() + 60 * minutes
    with claimed(out, "sweep"):
        return _Making(plan, out, until, cluster, on_step).make(again)


class _Making:
    def __init__(
        self,
        plan: Plan,
        out: Path,
        until: float | None,
        cluster: Cluster | None,
        on_step: Callable[[Step], None] | None,
    ) -> None:
        self.plan, self.out, self.until, self.cluster, self.on_step = plan, out, until, cluster, on_step
        self.table = rows.read(out)
        self.runs = Runs(out / RUNS)
        self.folders = dict(_known(self.runs))
        self.at_work: dict[str, tuple[Training, RunFolder]] = {}

    def make(self, again: bool) -> Outcome:
        _check_same_plan(self.table[self.table["state"] != "failed"] if again else self.table, self.plan, self.out)
        write_json(self.out / rows.PLAN, _told(self.plan).as_json())
        self._count()
        settled = ("finished",) if again else ("finished", "failed")
        missing = [one for one in self.plan.trainings if self.there.get(one.key) not in settled]
        self._tell()
        made = self._in_cluster(missing, self.cluster) if self.cluster else self._here(missing)
        for place, problem in made:
            training, folder = self.at_work.pop(place)
            self._collect(training, folder, problem)
            self._count()
            self._tell()
        return self._outcome()

    def _count(self) -> None:
        """What the table holds; anew whenever it has changed, for it is told twice a second."""
        self.there = keys(self.table)
        self.seconds_left = _seconds_left(self.table, self.plan, self.there)

    def _here(self, missing: list[Training]) -> Iterator[tuple[str, str]]:
        """(path, why it failed) of each run as it is made in this process."""
        for path, _, training in self._begun(missing):
            try:
                folder = self.at_work[path][1]
                yield path, _made(folder, training, self.until, self._tell)
            except TimeIsUp:
                return
            except HeldError:  # somebody goes on with this one by itself: it is neither made here nor failed
                del self.at_work[path]

    def _in_cluster(self, missing: list[Training], cluster: Cluster) -> Iterator[tuple[str, str]]:
        """The same as they get finished on the machines of a cluster."""
        items = ((path, place, training, cluster.cpus, self.until) for path, place, training in self._begun(missing))
        with closing(cluster.results(_make, items, self._tell)) as finished:
            for path, problem in finished:
                if problem is None:
                    del self.at_work[path]
                else:
                    yield path, problem

    def _begun(self, missing: list[Training]) -> Iterator[tuple[str, str, Training]]:
        for training in missing:
            if self.until is not None and time.time() > self.until:
                return
            folder = self.folders.get(config_key(training.config)) or new_run(training.config, self.runs)
            if not folder.status.active:
                folder.clear_cancel()  # of the call before, which it ended
            self.at_work[str(folder.path)] = training, folder
            yield str(folder.path), str(folder.path.resolve()), training

    def _collect(self, training: Training, folder: RunFolder, problem: str) -> None:
        """The rows of a training into the table, and what they were made of out of its folder."""
        config, command = training.config.as_json(), training.config.command()
        if problem:
            new = rows.of_failure(training.experiment, config, command, problem)
        else:
            looks, retrained = folder.read_json(LOOKS), folder.read_json(RETRAINED)
            if folder.file(PICTURE).exists():
                rows.add_picture(self.out, training.key, folder.file(PICTURE))
            new = rows.of_training(training.experiment, config, command, folder.result, looks, retrained)
        others = rows.without(self.table, training.key)  # it may have failed before
        self.table = pd.concat([others, rows.frame(new)], ignore_index=True) if len(others) else rows.frame(new)
        rows.write(self.table, self.out)
        if not problem:  # else another try goes on from what is there
            lighten(folder, KEPT)

    def _tell(self, status: Status | None = None) -> None:
        if self.on_step:
            stands = self._outcome()
            working = tuple((training, status or folder.status) for training, folder in self.at_work.values())
            self.on_step(Step(stands.finished + stands.failed, stands.failed, stands.total, self.seconds_left, working))

    def _outcome(self) -> Outcome:
        states = [self.there.get(training.key) for training in self.plan.trainings]
        return Outcome(
            rows.of_plan(self.table, _told(self.plan)), len(states), states.count("finished"), states.count("failed")
        )


def _made(
    folder: RunFolder, training: Training, until: float | None, observer: Callable[[Status], None] | None = None
) -> str:
    """Do the work in a folder; the reason where it fails, else nothing. Raises Cancelled, or HeldError where another process is at it."""
    try:
        carry_out(folder, training, until, observer)
    except (Cancelled, HeldError):
        raise
    except Exception as problem:  # noqa: BLE001 - whatever it is, it is one training of many, and the table tells it
        return cause(problem)
    return ""


def _make(name: str, path: str, training: Training, threads: int, until: float | None) -> tuple[str, str | None]:
    """The same on whichever machine this is; None where the time was up, or another process is at it."""
    devices.use_threads(threads)
    try:
        return name, _made(RunFolder(Path(path)), training, until)
    except (TimeIsUp, HeldError):
        return name, None


def _known(runs: Runs) -> Iterator[tuple[str, RunFolder]]:
    """The folders of runs by what they make; one that cannot be read is nobody's."""
    for folder in runs:
        try:
            yield config_key(config_of(folder)), folder
        except InputError:
            continue


def keys(table: pd.DataFrame, column: str = "state") -> dict[Key, str]:
    """The trainings that are in a table, each with what stands in that column."""
    once = rows.trainings(table)
    named = zip(once["experiment"], once["poisons"], once["seed"], once[column], strict=True)
    return {(str(name), int(poisons), int(seed)): str(value) for name, poisons, seed, value in named}


def _check_same_plan(table: pd.DataFrame, plan: Plan, out: Path) -> None:
    """Raise InputError where a training of the plan is in the table, but was made or looked at in another way."""
    if table.empty:
        return
    made, states, seen = keys(table, "command"), keys(table), _layers(table)
    before = {one.name: one for one in rows.read_plan(out).experiments} if (out / rows.PLAN).exists() else {}
    now = {one.name: one for one in _told(plan).experiments}
    for training in plan.trainings:
        if training.key not in made:
            continue
        name, poisons, seed = training.key
        old, new = before.get(name, now[name]), now[name]
        looked = any(getattr(old, part) != getattr(new, part) for part in ("retrain", "retrain_always"))
        asked = set(new.layers), set(new.labelled_layers)
        looked |= seen.get(training.key, asked) != asked
        if looked or made[training.key] != training.config.command():
            raise InputError(
                f"the folder holds '{name}' with {poisons} poisons, seed {seed}, made or looked at in another way than the plan says "
                f"({made[training.key]}); choose another --out{', or --again for what has failed' * (states[training.key] == 'failed')}"
            )


def _layers(table: pd.DataFrame) -> dict[Key, tuple[set[str], set[str]]]:
    """Where each finished training was looked at: by the defenses of one class, and by those of all."""
    done = table[(table["state"] == "finished") & ~table["layer"].isin([TOGETHER, OTHERWISE])]
    found: dict[Key, tuple[set[str], set[str]]] = {}
    for name, poisons, seed, layer, labelled in zip(
        *(done[column] for column in ("experiment", "poisons", "seed", "layer", "labelled")), strict=True
    ):
        found.setdefault((str(name), int(poisons), int(seed)), (set(), set()))[bool(labelled)].add(str(layer))
    return found


def _seconds_left(table: pd.DataFrame, plan: Plan, there: Mapping[Key, str]) -> float | None:
    """By the median of what trainings of the same data set and network took, or else of all; None before the first is made."""
    once = rows.trainings(table[table["state"] == "finished"])
    took = once.groupby(["dataset", "model"])["seconds"].median().to_dict()
    if not took:
        return None
    usual = statistics.median(took.values())
    left = (one.config for one in plan.trainings if one.key not in there)
    return float(sum(took.get((config.dataset, config.model), usual) for config in left))


def _told(plan: Plan) -> rows.Plan:
    """The plan as plan.json has it."""
    asked = (
        rows.Asked(
            one.name, one.config.dataset, one.config.model, one.config.attack, one.poisons, one.seeds, one.layers,
            one.labelled_layers, one.config.layer, one.retrain, one.retrain_always,
        )
        for one in plan.experiments
    )  # fmt: skip
    return rows.Plan(plan.title, plan.about, tuple(asked))
