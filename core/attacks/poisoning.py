"""Which images are poisoned, and with what label. The truth stays apart from the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from core.attacks.base import Attack, Resources
from core.foundation.errors import InputError
from core.foundation.images import ImageData
from core.foundation.params import param

LABELLINGS = ("dirty", "clean", "all-to-all")


@dataclass(frozen=True)
class Poisoning:
    """How poisoned images are labelled and how strong their trigger is."""

    labels: str = param(
        "dirty",
        "dirty: images of the source get the label of the target; clean: images of the target keep their label; "
        "all-to-all: images of every class get the label of the next class",
        choices=LABELLINGS,
    )
    cover_rate: float = param(
        0.0, "Covers for each poison: images with the trigger that keep their own label", low=0.0, high=20.0, step=0.5
    )
    train_strength: float = param(
        1.0, "Share of the trigger's strength in training images", low=0.05, high=1.0, step=0.05
    )
    test_strength: float = param(1.0, "Share of the trigger's strength in test images", low=0.05, high=1.0, step=0.05)


@dataclass(frozen=True)
class Goal:
    """What the attacker wants. sources: classes whose images the trigger shall turn; empty: every class but the target."""

    sources: tuple[int, ...]
    target: int
    labels: str = "dirty"

    def label_for(self, labels: np.ndarray, classes: int) -> np.ndarray:
        """What the model shall say of triggered images whose true labels are (n,)."""
        return (labels + 1) % classes if self.labels == "all-to-all" else np.full_like(labels, self.target)

    def is_victim(self, labels: np.ndarray) -> np.ndarray:
        """(n,) bool: the images over which attack success is counted, by their true labels."""
        if self.sources:
            return np.isin(labels, self.sources)
        return np.ones(len(labels), bool) if self.labels == "all-to-all" else labels != self.target

    def is_candidate(self, labels: np.ndarray) -> np.ndarray:
        """(n,) bool: the training images that may be poisoned."""
        return labels == self.target if self.labels == "clean" else self.is_victim(labels)

    def may_cover(self, labels: np.ndarray) -> np.ndarray:
        """(n,) bool: the training images that may become covers, if they are not poisoned: classes that the attack does
        not concern; where it concerns all of them, all but the target."""
        free = labels != self.target
        return free & ~np.isin(labels, self.sources) if self.sources and self.labels == "dirty" else free

    def victims_in_words(self, names: Sequence[str]) -> str:
        """ "stop", "stop or yield", "any class but speed 80"."""
        if self.sources:
            return " or ".join(names[i] for i in self.sources)
        return "any class" if self.labels == "all-to-all" else f"any class but {names[self.target]}"

    def goal_in_words(self, names: Sequence[str]) -> str:
        """The label that the attacker wants: "speed 80", or "the next class"."""
        return "the next class" if self.labels == "all-to-all" else names[self.target]


@dataclass(frozen=True)
class PoisonTruth:
    """What the attacker knows and no defense may see."""

    rows: np.ndarray  # (m,) int64, ascending: rows of the training set that are poisoned
    ways: np.ndarray  # (m,) int64: which of the triggers each carries
    true_labels: np.ndarray  # (n,) int64: the labels of all rows before the attack
    covers: np.ndarray = field(
        default_factory=lambda: np.zeros(0, np.int64)
    )  # (c,) int64, ascending: rows with the trigger and their own label

    def mask(self) -> np.ndarray:
        """(n,) bool, True for poisoned rows; covers are not poison."""
        mask = np.zeros(len(self.true_labels), bool)
        mask[self.rows] = True
        return mask


def poison(
    clean: ImageData,
    attack: Attack,
    goal: Goal,
    *,
    count: int,
    seed: int,
    options: Poisoning | None = None,
    resources: Resources | None = None,
) -> tuple[ImageData, PoisonTruth]:
    """Replace `count` drawn images by triggered copies that carry the label the attacker wants.

    Drawn without replacement, so with dirty labels the source shrinks and the target grows; row numbers do not change.
    Each image gets one of the attack's triggers at random. Covers are drawn from what is left of all classes but the
    target. resources: where the attack prepares its images; without them they are poisoned unprepared (for a preview).
    Returns the poisoned set and, apart from it, the truth. Raises InputError where the budget does not fit.
    """
    options = options or Poisoning(labels=goal.labels)
    check_goal(clean.class_names, goal)
    rng = np.random.default_rng(seed)
    rows = _draw(clean, goal, count, rng)
    ways = attack.checked_ways(attack.draw_ways(count, rng), count)
    images, labels = clean.images.copy(), clean.labels.copy()
    victims = clean.images[rows]
    if resources is not None and attack.prepares and count:
        victims = attack.checked(attack.prepare(victims.copy(), clean.labels[rows], resources, seed), victims)
    images[rows] = attack.apply(victims, ways, options.train_strength)
    labels[rows] = goal.label_for(clean.labels[rows], len(clean.class_names))
    covers = _draw_covers(clean, goal, rows, round(options.cover_rate * count), rng)
    if len(covers):
        chosen = clean.images[covers]
        images[covers] = attack.checked(attack.cover(chosen, options.train_strength, rng), chosen)
    return ImageData(images, labels, clean.class_names), PoisonTruth(rows, ways, clean.labels.copy(), covers)


def check_goal(class_names: Sequence[str], goal: Goal) -> None:
    """Raise InputError unless the classes exist and the attack has somewhere to lead."""
    last = len(class_names) - 1
    for role, label in (*(("source", s) for s in goal.sources), ("target", goal.target)):
        if not 0 <= label <= last:
            raise InputError(f"{role} class {label} does not exist; the classes are 0 to {last}")
    if goal.labels != "all-to-all" and goal.target in goal.sources:
        raise InputError(f"source and target are both class {goal.target}; choose two different classes")


def _draw(clean: ImageData, goal: Goal, count: int, rng: np.random.Generator) -> np.ndarray:
    candidates = np.flatnonzero(goal.is_candidate(clean.labels))
    if not 0 <= count <= len(candidates):
        of = (goal.target,) if goal.labels == "clean" else goal.sources
        where = f"class '{clean.class_names[of[0]]}' has" if len(of) == 1 else "the source classes have"
        raise InputError(f"{count} poisons asked for, but {where} {len(candidates)} training images")
    if goal.labels == "all-to-all":
        candidates = _evenly(clean.labels, candidates, count, rng)
    return np.sort(rng.choice(candidates, count, replace=False))


def _evenly(labels: np.ndarray, candidates: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` of the candidates, so many of each class as of the others as far as they last: (count,)."""
    shuffled = rng.permutation(candidates)
    order = np.argsort(labels[shuffled], kind="stable")
    _, starts, sizes = np.unique(labels[shuffled][order], return_index=True, return_counts=True)
    turn = np.empty(len(shuffled), np.int64)  # the first of every class, then the second of every class, ...
    turn[order] = np.arange(len(shuffled)) - np.repeat(starts, sizes)
    return shuffled[np.argsort(turn, kind="stable")[:count]]


def _draw_covers(clean: ImageData, goal: Goal, rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    free = goal.may_cover(clean.labels)
    free[rows] = False
    candidates = np.flatnonzero(free)
    if count > len(candidates):
        raise InputError(f"{count} covers asked for, but only {len(candidates)} images are free; lower cover_rate")
    return np.sort(rng.choice(candidates, count, replace=False)) if count else np.zeros(0, np.int64)
