"""One run, described completely: what `config.json` holds and what the command line and the Lab make."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from core.attacks import ATTACKS, Attack, Goal, Poisoning, Transport
from core.datasets import DATASETS, BroughtSet, Dataset, Sampling
from core.defenses import DEFENSES, Defense
from core.foundation import devices
from core.foundation.errors import InputError
from core.foundation.params import Param, build, check_used, describe, values_of
from core.foundation.seeds import LAST_SEED, Seeds, derive
from core.models import MODELS, Architecture
from core.runs import RunFolder, Runs
from core.training import Recipe

Options = Mapping[str, Any]


@dataclass(frozen=True)
class RunConfig:
    """Everything needed to repeat a run. Options left out take the defaults of their catalogue entry.

    `resolved()` writes them all out, checked; a run folder only ever holds a resolved config.
    """

    dataset: str = "digits"
    dataset_options: Options = field(default_factory=dict)
    sampling: Options = field(default_factory=dict)  # fewer training images, classes of unequal size
    attack: str = "patch"
    attack_options: Options = field(default_factory=dict)
    poisoning: Options = field(default_factory=dict)  # how poisons are labelled, covers, strengths
    transport: Options = field(default_factory=dict)  # what happens to images, clean and poisoned, on their way
    poisons: int | None = None  # None: what the data set suggests, likewise the target
    budget: int | None = None  # poisons that the defenses are told to expect; None: as many as there are
    source: Sequence[int] | int | None = None  # empty: every class but the target; None: what attack and data suggest
    target: int | None = None
    model: str = "small"
    model_options: Options = field(default_factory=dict)
    training: Options = field(default_factory=dict)
    layer: str = ""  # empty: what the model suggests
    defense: str = "spectre"  # whose removal is retrained on; the others are run for comparison
    defense_options: Options = field(default_factory=dict)
    seed: int = 0
    seeds: Options = field(default_factory=dict)  # a seed of its own for data, poison or training
    device: str = "auto"
    retrain: bool = True

    def __post_init__(self) -> None:
        source = (self.source,) if isinstance(self.source, int) else self.source
        object.__setattr__(self, "source", None if source is None else tuple(source))

    def resolved(self) -> RunConfig:
        """The same config with every default written out. Raises InputError where anything does not fit."""
        dataset, architecture = DATASETS[self.dataset], MODELS[self.model]
        layer = self.layer or architecture.default_layer
        layers = self.make_model().layers()
        if layer not in layers:
            raise InputError(f"model {self.model} has no layer '{layer}'; choose from: {', '.join(layers)}")
        if not 0 <= self.seed <= LAST_SEED:
            raise InputError(f"seed {self.seed} must lie between 0 and {LAST_SEED}")
        devices.resolve(self.device)
        if self.retrain and self.make_recipe().epochs == 0:
            raise InputError("training: 0 epochs leave nothing to retrain; use --no-retrain with them")
        poisons = dataset.poisons if self.poisons is None else self.poisons
        if poisons < 0:
            raise InputError(f"{poisons} poisons: the count cannot be negative")
        if self.budget is not None and self.budget < 0:
            raise InputError(f"a budget of {self.budget} poisons: the count cannot be negative")
        reserved = {"n_poisons", "device"} & set(self.defense_options)
        if reserved:
            raise InputError(f"{reserved.pop()} is not a defense option of a run; use --poisons or --device")
        return replace(
            self,
            dataset_options=values_of(self.make_dataset()),
            sampling=values_of(self.make_sampling()),
            attack_options=values_of(self.make_attack()),
            poisoning=values_of(self.make_poisoning()),
            transport=values_of(self.make_transport()),
            model_options=values_of(self.make_model()),
            training=values_of(self.make_recipe()),
            defense_options={
                k: v
                for k, v in values_of(self.make_defense(self.defense, 0)).items()
                if k not in ("n_poisons", "device")
            },
            poisons=poisons,
            source=self._sources(),
            target=dataset.target if self.target is None else self.target,
            seeds=values_of(self.make_seeds()),
            layer=layer,
        )

    def _sources(self) -> tuple[int, ...]:
        if self.source is not None:
            return tuple(dict.fromkeys(self.source))  # type: ignore[arg-type] # __post_init__ made it a tuple
        wide = ATTACKS[self.attack].any_source or self.make_poisoning().labels != "dirty"
        return () if wide else (DATASETS[self.dataset].source,)

    def make_dataset(self) -> Dataset:
        return DATASETS.make(self.dataset, self.dataset_options)

    def make_sampling(self) -> Sampling:
        made: Sampling = build(Sampling, self.sampling, what="sampling")
        return made

    def make_attack(self) -> Attack:
        return ATTACKS.make(self.attack, self.attack_options)

    def make_poisoning(self) -> Poisoning:
        """How poisons are labelled: as the attack's paper does it, overruled by what was asked for."""
        made: Poisoning = build(Poisoning, {**ATTACKS[self.attack].poisoning, **self.poisoning}, what="poisoning")
        return made

    def make_transport(self) -> Transport:
        made: Transport = build(Transport, self.transport, what="transport")
        return made

    def make_goal(self) -> Goal:
        """What the attacker wants. The config must be resolved."""
        assert self.target is not None
        return Goal(self._sources(), self.target, self.make_poisoning().labels)

    def make_seeds(self) -> Seeds:
        made: Seeds = build(Seeds, self.seeds, what="seeds")
        return made

    def seed_for(self, purpose: str) -> int:
        """The random seed of one purpose: "data", "poison", "training" (each may have been set apart) or another."""
        own = getattr(self.make_seeds(), purpose, None)
        return derive(self.seed if own is None else own, purpose)

    def make_model(self) -> Architecture:
        return MODELS.make(self.model, self.model_options)

    def make_recipe(self) -> Recipe:
        """The training recipe: the data set's suggestions, overruled by what was asked for."""
        recipe: Recipe = build(Recipe, {**DATASETS[self.dataset].training, **self.training}, what="training")
        return recipe

    def make_defense(self, key: str, n_poisons: int) -> Defense:
        """A defense that expects n_poisons, or the config's budget where it has one.

        The options of the config belong to its own defense only.
        """
        options = self.defense_options if key == self.defense else {}
        expected = n_poisons if self.budget is None else self.budget
        return DEFENSES.make(key, {**options, "n_poisons": expected, "device": self.device})

    def check_settings(self) -> None:
        """Raise InputError for an option that would do nothing beside the others, as the place of a square that sits in a corner."""
        for group, params, values, _ in self._settings():
            check_used(group, params, values)

    def files(self) -> dict[str, str]:
        """The files beside the data set that the run reads: option -> path."""
        attack, recipe = self.make_attack(), self.make_recipe()
        pictures = {
            f"attack.{p.name}": str(getattr(attack, p.name)) for p in describe(type(attack)) if p.kind == "image"
        }
        return {name: path for name, path in {**pictures, "training.weights": recipe.weights}.items() if path}

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "source": None if self.source is None else list(self.source)}  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, values: Any) -> RunConfig:
        """Read what `as_json` wrote. Raises InputError for anything else; unknown keys are named."""
        if not isinstance(values, dict):
            raise InputError("the config is not a JSON object")
        unknown = set(values) - {f.name for f in fields(cls)}
        if unknown:
            raise InputError(f"the config has unknown entries: {', '.join(sorted(unknown))}")
        for f in fields(cls):
            expected = _kinds(f.name)
            if f.name in values and (type(values[f.name]) not in expected):
                kinds = " or ".join("nothing" if k is type(None) else k.__name__ for k in expected)
                raise InputError(f"the config's {f.name} must be {kinds}, not {values[f.name]!r}")
        values = _as_today(values)
        source = values.get("source")
        if isinstance(source, list) and not all(type(label) is int for label in source):
            raise InputError(f"the config's source must be whole numbers, not {source!r}")
        return cls(**values)

    def command(self) -> str:
        """The command line that makes this run again."""
        words = ["python -m core run", "--dataset", self.dataset, "--attack", self.attack]
        words += ["--poisons", str(self.poisons)] if self.poisons is not None else []
        words += ["--budget", str(self.budget)] if self.budget is not None else []
        mark = "#" if issubclass(DATASETS[self.dataset], BroughtSet) else ""  # for a class there may be called 3
        words += ["--source", source_text(self.source, mark)] if self.source is not None else []  # type: ignore[arg-type]
        words += ["--target", f"{mark}{self.target}"] if self.target is not None else []
        words += ["--model", self.model, "--seed", str(self.seed)]
        words += ["--layer", self.layer] if self.layer else []
        words += ["--defense", self.defense] if self.defense != "spectre" else []
        words += [] if self.retrain else ["--no-retrain"]
        words += ["--device", self.device] if self.device != "auto" else []
        for group, params, values, suggested in self._settings():
            for p in params:
                if p.matters(values) and values[p.name] != suggested.get(p.name, p.default):
                    words += ["--set", f"{group}.{p.name}={'none' if values[p.name] is None else values[p.name]}"]
        return " ".join([words[0]] + [shlex.quote(w) for w in words[1:]])

    def _settings(self) -> Iterator[tuple[str, list[Param], dict[str, Any], Options]]:
        """Of each group its name, its parameters, their values as asked for or suggested, and what stands in for their defaults."""
        for group, entry, options, suggested in self._groups():
            params = describe(entry)
            yield (
                group,
                params,
                {p.name: options.get(p.name, suggested.get(p.name, p.default)) for p in params},
                suggested,
            )

    def _groups(self) -> list[tuple[str, type, Options, Options]]:
        """Name, entry, options asked for, and what stands in for the entry's own defaults."""
        dataset, attack = DATASETS[self.dataset], ATTACKS[self.attack]
        return [
            ("dataset", dataset, self.dataset_options, {}),
            ("sampling", Sampling, self.sampling, {}),
            ("attack", attack, self.attack_options, {}),
            ("poisoning", Poisoning, self.poisoning, attack.poisoning),
            ("transport", Transport, self.transport, {}),
            ("model", MODELS[self.model], self.model_options, {}),
            ("training", Recipe, self.training, dataset.training),
            ("defense", DEFENSES[self.defense], self.defense_options, {}),
            ("seeds", Seeds, self.seeds, {}),
        ]


def new_run(config: RunConfig, runs: Runs, estimate: Mapping[str, Any] | None = None) -> RunFolder:
    """A folder for a run of this config, queued. estimate: what it is expected to cost, as JSON values.

    Raises InputError where anything in the config does not fit, or the folder cannot be written.
    """
    return runs.create(config.resolved().as_json(), estimate)


def config_of(run: RunFolder) -> RunConfig:
    """The config of a run. Raises InputError where it is missing, damaged, or of another version."""
    return RunConfig.from_json(run.config)


def _as_today(values: dict[str, Any]) -> dict[str, Any]:
    """The config of a run of the first versions, whose patch had a corner and no other place."""
    options = values.get("attack_options", {})
    if values.get("attack") != "patch" or "corner" not in options or "place" in options:
        return values
    renamed = {"place" if name == "corner" else name: value for name, value in options.items()}
    return {**values, "attack_options": renamed}


def source_text(sources: Sequence[int], mark: str = "") -> str:
    """Source classes as the command line takes them: "7", "0,3", "any"; mark: before each number."""
    return ",".join(f"{mark}{source}" for source in sources) or "any"


def _kinds(name: str) -> tuple[type, ...]:
    """The JSON types that a field of the config may have."""
    if name in ("poisons", "budget", "target"):
        return int, type(None)
    if name == "source":
        return list, int, type(None)  # one number: runs of the first versions
    if name.endswith("options") or name in ("training", "sampling", "poisoning", "transport", "seeds"):
        return (dict,)
    return {"seed": (int,), "retrain": (bool,)}.get(name, (str,))


GROUPS = ("dataset", "sampling", "attack", "poisoning", "transport", "model", "training", "defense", "seeds")


def parse_settings(settings: list[str], only: tuple[str, ...] = ()) -> dict[str, dict[str, str]]:
    """`["attack.size=5"]` -> `{"attack": {"size": "5"}}`. only: the groups that count here, where not all do. Raises InputError for
    anything of another form, and for a group that would change nothing."""
    grouped: dict[str, dict[str, str]] = {group: {} for group in GROUPS}
    for setting in settings:
        name, equals, value = setting.partition("=")
        group, dot, option = name.partition(".")
        if not equals or not dot or group not in GROUPS:
            raise InputError(f"--set {setting} is not of the form GROUP.NAME=VALUE with a group of {', '.join(GROUPS)}")
        if only and group not in only:
            raise InputError(f"--set {setting} would change nothing here; only {', '.join(only)} can be set")
        grouped[group][option] = value
    return grouped
