"""Which trainings a grid has, and what is looked at in each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from core.defenses import DEFENSES
from core.experiment import RunConfig
from core.foundation.errors import InputError

MOST_TRAININGS, MOST_POISONS = 5000, 10_000_000
T = TypeVar("T")
Key = tuple[str, int, int]  # experiment, poisons, seed


@dataclass(frozen=True)
class Experiment:
    """One attack on one network and data set, at several numbers of poisons, each with several seeds."""

    name: str  # unique in its plan
    config: RunConfig  # but for poisons and seed
    poisons: tuple[int, ...] = ()  # in the order in which they are made
    seeds: tuple[int, ...] = ()
    layers: tuple[str, ...] = ()  # at which the defenses of one class look; empty: all of the model
    labelled_layers: tuple[str, ...] = ()  # at which those look that need the rows of all classes
    retrain: tuple[str, ...] = ("spectre",)  # without what these remove at the config's layer, a model is trained anew
    retrain_always: bool = (
        False  # also where the attack is not alive in the first place, or no poison is left: the answer is known
    )

    def checked(self) -> Experiment:
        """The same with a resolved config and its layers written out. Raises InputError for whatever does not fit."""
        if not self.poisons or not self.seeds:
            raise InputError(f"experiment '{self.name}' needs at least one number of poisons and one seed")
        if min(self.poisons) < 1 or min(self.seeds) < 0:
            raise InputError(f"experiment '{self.name}': numbers of poisons start at 1, seeds at 0")
        if max(self.poisons) > MOST_POISONS:
            raise InputError(f"experiment '{self.name}': {max(self.poisons):,} poisons are more than {MOST_POISONS:,}")
        config = replace(self.config, poisons=self.poisons[0], seed=max(self.seeds), retrain=False).resolved()
        known = config.make_model().layers()
        layers = _once(self.layers) or tuple(known)
        for layer in (*layers, *self.labelled_layers):
            if layer not in known:
                raise InputError(
                    f"experiment '{self.name}': {config.model} has no layer '{layer}', but {', '.join(known)}"
                )
        if self.retrain and config.layer not in layers:
            raise InputError(
                f"experiment '{self.name}' retrains on what is removed at {config.layer}, but does not look there"
            )
        for key in self.retrain:
            DEFENSES[key]  # known, or an InputError that lists them
        return replace(
            self, config=config, layers=layers, poisons=_once(self.poisons), seeds=_once(self.seeds),
            labelled_layers=_once(self.labelled_layers), retrain=_once(self.retrain),
        )  # fmt: skip


def _once(values: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))


@dataclass(frozen=True)
class Training:
    """One cell of the grid before it is looked at: one network on one poisoned set."""

    experiment: str
    config: RunConfig  # resolved
    layers: tuple[str, ...]
    labelled_layers: tuple[str, ...]
    retrain: tuple[str, ...]
    retrain_always: bool = False

    @property
    def key(self) -> Key:
        assert self.config.poisons is not None
        return self.experiment, self.config.poisons, self.config.seed


@dataclass(frozen=True)
class Plan:
    """A grid, in the order in which it is made."""

    title: str
    experiments: tuple[Experiment, ...]
    about: str = ""  # what a reader should know of it, in sentences

    @classmethod
    def of(cls, title: str, experiments: Sequence[Experiment], about: str = "") -> Plan:
        """Checked. Raises InputError."""
        names = [experiment.name for experiment in experiments]
        if not names:
            raise InputError("a plan needs at least one experiment")
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InputError(f"two experiments are called '{twice}'; give each a name of its own")
        plan = cls(title, tuple(experiment.checked() for experiment in experiments), about)
        if (total := sum(len(one.poisons) * len(one.seeds) for one in plan.experiments)) > MOST_TRAININGS:
            raise InputError(f"{total:,} trainings are more than the {MOST_TRAININGS:,} of one plan; split it")
        made: dict[tuple[str, int, int], str] = {}
        for training in plan.trainings:
            name, poisons, seed = training.key
            alike = repr(replace(training.config, poisons=0, seed=0)), poisons, seed
            if made.setdefault(alike, name) != name:
                raise InputError(f"experiments '{made[alike]}' and '{name}' make the same runs; leave one out")
        return plan

    @cached_property
    def trainings(self) -> tuple[Training, ...]:
        """The first number of poisons of every experiment, with all its seeds; then the second of each; and so on."""
        found = []
        for place in range(max(len(one.poisons) for one in self.experiments)):
            for one in self.experiments:
                for poisons in one.poisons[place : place + 1]:
                    configs = (replace(one.config, poisons=poisons, seed=seed) for seed in one.seeds)
                    found += [
                        Training(one.name, c, one.layers, one.labelled_layers, one.retrain, one.retrain_always)
                        for c in configs
                    ]
        return tuple(found)
