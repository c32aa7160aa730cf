"""An experiment made ready to train: the data, the attack, and the poisoned training set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from core.attacks import Attack, Goal, PoisonTruth, Resources, left_of_trigger, poison
from core.datasets import Report, account
from core.experiment.config import RunConfig, config_of
from core.foundation import devices
from core.foundation.errors import InputError
from core.foundation.files import sha256_of
from core.foundation.images import ImageData, Split
from core.foundation.tensors import memory_format
from core.models import Classifier, weights
from core.training import empty_classifier

if TYPE_CHECKING:
    from core.runs import RunFolder

PREPARED = "prepared.npy"
READ = "data.json"  # what was read of the data set, and the sums of the files that the config names
# of that, what tells other images
CONTENT = ("class_names", "train", "test", "image_shape", "levels", "test_levels", "files")


@dataclass(frozen=True)
class Staged:
    """A checked experiment, ready to train: data, attack and poisoned training set.

    What is poisoned has travelled as the config says; the split is as it was before.
    """

    config: RunConfig  # resolved
    split: Split
    attack: Attack
    goal: Goal
    poisoned: ImageData
    truth: PoisonTruth
    trigger_left: float | None = None  # share that is left in the poisons, see `left_of_trigger`

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user must know of how the images were read, and of how they travel; one sentence each."""
        way, left = self.config.make_transport(), ""
        if self.trigger_left is not None:
            left = f"; {100 * self.trigger_left:.0f} % of the trigger is left in the {len(self.truth.rows):,} poisoned ones"
        return (*self.split.notes, f"All images travel {way.in_words()}{left}.") if way.acts else self.split.notes

    @property
    def expected(self) -> int:
        """What a defense that looks at the target is told to expect: the config's budget, or the true number."""
        return self.poisons_in_target if self.config.budget is None else self.config.budget

    @property
    def poisons_in_target(self) -> int:
        """How many poisons carry the label of the target."""
        return int((self.poisoned.labels[self.truth.rows] == self.goal.target).sum())

    def prepared(self, resources: Resources) -> Staged:
        """The same with its poisoned images made as the attack makes them with models of its own."""
        return _poisoned(self.config, self.split, resources)

    def with_poison_images(self, images: np.ndarray) -> Staged:
        """The same with these as its poisoned images, in the order of truth.rows."""
        if images.shape != (len(self.truth.rows), *self.poisoned.images.shape[1:]) or images.dtype != np.uint8:
            raise InputError(f"{PREPARED} does not fit the data of the run; start the run anew")
        changed = self.poisoned.images.copy()
        changed[self.truth.rows] = images
        return replace(self, poisoned=ImageData(changed, self.poisoned.labels, self.poisoned.class_names))


def load(config: RunConfig, report: Report | None = None) -> Split:
    """The data of a run, drawn by its seed. report: told what takes long. Raises InputError."""
    seed = config.seed_for("data")
    return config.make_sampling().apply(config.make_dataset().load(seed, report), seed)


def stage(config: RunConfig, split: Split | None = None, report: Report | None = None) -> Staged:
    """Load the data and poison it. Raises InputError for whatever does not fit; writes nothing.

    split: what `load(config)` gave, if it is at hand; report: told what takes long where it is not. An attack that
    prepares its images with models of its own has not done so yet: see `Staged.prepared`.
    """
    config = config.resolved()
    devices.resolve(config.device)
    split = split or load(config, report)
    staged = _poisoned(config, split, None, report)
    _check_budget(staged)
    poisoned = staged.poisoned
    if path := config.make_recipe().weights:  # refused now, not after the images have been prepared
        weights.load(empty_classifier(config.make_model(), poisoned.shape, len(poisoned.class_names)), path)
    return staged


def restage(run: RunFolder, report: Report | None = None) -> Staged:
    """The experiment of a run again, with the images that its attack has prepared, if it came so far.

    Raises InputError as `stage` does, and where the data is not what the run was made of.
    """
    staged = stage(config_of(run), report=report)
    check_unchanged(run, staged)
    return staged.with_poison_images(run.load_array(PREPARED)) if is_prepared(run) else staged


def what_was_read(staged: Staged) -> dict[str, Any]:
    """JSON values for READ."""
    files = {name: sha256_of(Path(path)) for name, path in staged.config.files().items()}
    return {**account(staged.split), **({"files": files} if files else {})}


def check_unchanged(run: RunFolder, staged: Staged) -> None:
    """Raise InputError where other data was read when the run began: it would be mixed with what the run holds."""
    if not run.file(READ).exists():
        return
    now = what_was_read(staged)
    if any(now.get(part) != was for part, was in run.read_json(READ).items() if part in CONTENT):
        raise InputError(f"the data of {run.id} has changed since the run began; put it back, or begin a new run")


def is_prepared(run: RunFolder) -> bool:
    """Whether the poisoned images of the run were made in an earlier stage: then they must be there."""
    return "poison" in run.result.get("seconds", {})


def load_model(run: RunFolder, staged: Staged, name: str, device: torch.device) -> Classifier:
    """A saved model of the run, in evaluation mode on the device. Raises InputError if it cannot be read."""
    data = staged.poisoned
    model = empty_classifier(staged.config.make_model(), data.shape, len(data.class_names))
    try:
        weights.load(model, run.file(name))
    except InputError as problem:
        raise InputError(f"{run.id}: {problem}; or start the run anew") from None
    return model.to(device).to(memory_format=memory_format(device)).eval()


def _poisoned(config: RunConfig, split: Split, resources: Resources | None, report: Report | None = None) -> Staged:
    """The training set poisoned, and then sent on its way."""
    attack, goal, transport = config.make_attack(), config.make_goal(), config.make_transport()
    attack.apply_all(
        split.train.images[:1]
    )  # a trigger that does not fit is told now, also where nothing is poisoned yet
    sent, truth = poison(
        split.train,
        attack,
        goal,
        count=config.poisons or 0,
        seed=config.seed_for("poison"),
        options=config.make_poisoning(),
        resources=resources,
    )
    if not transport.acts:
        return Staged(config, split, attack, goal, sent, truth)
    on_step = None if report is None else lambda share: report("All images travel", share)
    arrived, clean = transport.apply(sent.images, on_step), split.train.images[truth.rows]
    left = left_of_trigger(clean, sent.images[truth.rows], transport.apply(clean), arrived[truth.rows])
    return Staged(config, split, attack, goal, replace(sent, images=arrived), truth, left)


def _check_budget(staged: Staged) -> None:
    config, target = staged.config, staged.goal.target
    rows = int((staged.poisoned.labels == target).sum())
    name = staged.poisoned.class_names[target]
    k = config.defense_options.get("n_components") if config.defense == "spectre" else None
    if k is not None and k > rows - 1:
        raise InputError(f"n_components = {k} must be below the {rows} images of the target class; lower it")
    if staged.poisons_in_target > rows / 2:
        raise InputError(
            f"{staged.poisons_in_target} poisons would be more than half of the {rows} images then labelled "
            f"'{name}'; lower the poisons"
        )
    if staged.expected > rows / 2:
        raise InputError(
            f"a budget of {staged.expected} poisons is more than half of the {rows} images labelled '{name}'; lower it"
        )
    if rows - round(1.5 * staged.expected) < 2:
        raise InputError(
            f"only {rows} training images would be labelled '{name}', too few for a defense to look at; "
            "add images, lower the poisons or choose another target"
        )
