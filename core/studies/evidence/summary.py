"""What a grid says over its seeds: means with intervals, whether an attack works, and whether a removal ends it. No torch here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from core.studies.evidence import rows as grid
from core.studies.intervals import Interval, over_runs

if TYPE_CHECKING:
    import pandas as pd

# An attack works where the share of test images taken for its goal is so much larger with the trigger than without, and lives on
# after a removal where it still is larger by ALIVE.
WORKS, ALIVE = 0.2, 0.1
# These stand for a layer where all of them were looked at at once, and where SPECTRE was asked in another way at the usual one.
TOGETHER, OTHERWISE = "together", "otherwise"


@dataclass(frozen=True)
class Look:
    """One defense at one layer of one experiment with one number of poisons, over its seeds."""

    experiment: str
    poisons: int
    layer: str
    defense: str
    title: str
    k: int | None  # the one that was forced; None where the defense chose
    default: bool  # the layer that runs of this network look at
    labelled: bool  # a defense that compares all classes
    rows: tuple[dict[str, Any], ...] = field(repr=False)  # of grid.parquet, one a seed, by seed

    @cached_property
    def found(self) -> Interval | None:
        """Share of the poison that is removed; None where the defense gave no verdict."""
        return _over(self.rows, "found", "poisons_in_target")

    @cached_property
    def wasted(self) -> Interval | None:
        """Share of the clean rows of the class that are removed."""
        shares = [
            (r["removed"] - r["found"], r["target_rows"] - r["poisons_in_target"])
            for r in self.rows
            if _has(r, "removed")
        ]
        return over_runs(shares)

    @cached_property
    def after(self) -> Interval | None:
        """Attack success of the models trained without what was removed; None where none were."""
        return _over(self.rows, "after_combined", "attack_of")

    @property
    def verdicts(self) -> int:
        """In how many of the seeds the defense gave one."""
        return sum(_has(row, "found") for row in self.rows)

    @property
    def retrained(self) -> int:
        """In how many of the seeds a model was trained anew: not where the attack was not alive, or no poison was left."""
        return sum(_has(row, "after_combined") for row in self.rows)

    @cached_property
    def clear(self) -> bool:
        """Whether it removes all poison with every seed: nothing is left that an attack could live on."""
        return whole(self.rows) and all(_clear(row) for row in self.rows)

    @property
    def none_left(self) -> bool:
        """Whether no model was trained anew, and none need be since no poison is left."""
        return self.clear and self.after is None

    @cached_property
    def clean_after(self) -> Interval | None:
        """Clean accuracy of these models."""
        return _over(self.rows, "after_clean", "clean_of")

    @cached_property
    def alive(self) -> bool | None:
        """Whether the attack lives on after this removal, in the mean over the seeds in which it was alive before and which tell: those that
        were trained anew, and those in which no poison is left, where nothing lives. None where it does not work, no model of these was
        trained anew, or the class that was looked at holds a part of the poison only."""
        born = [row for row in self.rows if lives(row["attack_combined"], row["confused"], row["attack_of"])]
        anew = [row for row in born if _has(row, "after_combined")]
        if not works(self.rows) or not anew or not whole(self.rows):
            return None
        gone = sum(not _has(row, "after_combined") and _clear(row) for row in born)
        return _lift(anew, "after_combined", "after_confused") * len(anew) / (len(anew) + gone) >= ALIVE


@dataclass(frozen=True)
class Cell:
    """One experiment with one number of poisons, over its seeds; what the defenses find is at the network's usual layer."""

    experiment: str
    poisons: int
    rows: tuple[dict[str, Any], ...] = field(repr=False)  # one a seed
    looks: tuple[Look, ...] = field(repr=False)

    @property
    def seeds(self) -> int:
        return len(self.rows)

    @cached_property
    def attack(self) -> Interval | None:
        """Attack success with all triggers at once."""
        return _over(self.rows, "attack_combined", "attack_of")

    @cached_property
    def confused(self) -> Interval | None:
        """The same without a trigger."""
        return _over(self.rows, "confused", "attack_of")

    @cached_property
    def clean(self) -> Interval | None:
        """Clean accuracy."""
        return _over(self.rows, "clean", "clean_of")

    @property
    def works(self) -> bool:
        return works(self.rows)

    @property
    def titles(self) -> dict[str, str]:
        return {look.defense: look.title for look in self.looks}

    def look(self, defense: str) -> Look | None:
        """That of a defense; None where it did not look at the network's usual layer."""
        return next((look for look in self.looks if look.defense == defense), None)

    def found(self, defense: str) -> Interval | None:
        """Share of the poison that a defense removes; None where it gave no verdict."""
        look = self.look(defense)
        return None if look is None else look.found


def looks(table: pd.DataFrame, *, every_k: bool = False) -> list[Look]:
    """All looks of a table (see `core.studies.evidence.rows`) over their seeds, in its order. every_k: SPECTRE at each k too."""
    done = table[(table["state"] == "finished") & table["layer"].notna()]
    if not every_k:
        done = done[~done["fixed_k"].fillna(False).astype(bool)]
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in _records(done):
        forced = row["k"] if row["fixed_k"] else None
        place = (
            row["experiment"],
            row["poisons"],
            row["layer"],
            row["defense"],
            row["title"],
            forced,
            bool(row["labelled"]),
        )
        groups.setdefault(place, []).append(row)
    found = []
    for (experiment, poisons, layer, defense, title, forced, labelled), rows in groups.items():
        ordered = tuple(sorted(rows, key=lambda row: row["seed"]))
        default = layer == ordered[0]["default_layer"]
        found.append(Look(experiment, poisons, layer, defense, title, forced, default, labelled, ordered))
    return found


def cells(table: pd.DataFrame, experiments: Sequence[str]) -> list[Cell]:
    """The finished trainings of these experiments over their seeds, in this order, and by rising numbers of poisons."""
    trainings: dict[tuple[str, int], dict[int, dict[str, Any]]] = {}
    for row in _records(grid.trainings(table[table["state"] == "finished"])):
        trainings.setdefault((row["experiment"], row["poisons"]), {})[row["seed"]] = row
    at: dict[tuple[str, int], list[Look]] = {}
    for look in looks(table):
        if look.default or look.labelled:
            at.setdefault((look.experiment, look.poisons), []).append(look)
    order = {name: i for i, name in enumerate(experiments)}
    return [
        Cell(*place, tuple(seeds[seed] for seed in sorted(seeds)), tuple(at.get(place, ())))
        for place, seeds in sorted(trainings.items(), key=lambda item: (order.get(item[0][0], -1), item[0][1]))
        if place[0] in order
    ]


def works(rows: Iterable[dict[str, Any]]) -> bool:
    """Whether the attack does, in the mean over rows of one cell."""
    return _lift(rows, "attack_combined", "confused") >= WORKS


def lives(attack: int, confused: int, of: int) -> bool:
    """Whether the attack is alive in one model that takes so many of so many test images for its goal with the trigger, and without."""
    return of > 0 and (attack - confused) / of >= ALIVE


def whole(rows: Iterable[dict[str, Any]]) -> bool:
    """Whether all poison carries the label of the class that was looked at; that of an all-to-all attack carries any."""
    return all(row["poisons_in_target"] == row["poisons"] for row in rows)


def _clear(row: dict[str, Any]) -> bool:
    """Whether a removal takes all poison of its class."""
    return bool(row["found"] == row["poisons_in_target"])


def _over(rows: Iterable[dict[str, Any]], count: str, total: str) -> Interval | None:
    return over_runs([(row[count], row[total]) for row in rows if _has(row, count) and _has(row, total)])


def _lift(rows: Iterable[dict[str, Any]], count: str, base: str) -> float:
    """How much larger the share of `count` is than that of `base`, in the mean over rows."""
    shares = [(row[count] - row[base]) / row["attack_of"] for row in rows if _has(row, count) and row["attack_of"]]
    return sum(shares) / len(shares) if shares else 0.0


def _has(row: dict[str, Any], name: str) -> bool:
    return row[name] is not None


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values, None where there is nothing."""
    import pandas as pd

    plain = table.astype(object).where(table.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in pd.DataFrame(plain).to_dict("records")]
