"""Other ways to ask SPECTRE, beside the usual one, run by run: another layer, all layers, another number of poisons. No torch here.

None of them knows the truth, so each is one that somebody could choose beforehand; what it is worth is told by the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from core.studies.evidence.summary import OTHERWISE, TOGETHER, Cell, Look

SPECTRE = "spectre"
Run = dict[str, Any]  # a row of grid.parquet


@dataclass(frozen=True)
class Way:
    """Another way beside the usual one, over the runs of working attacks that were looked at in both."""

    title: str
    pairs: tuple[tuple[Run, Run], ...]  # the usual look at a run, and this one; at least one

    @property
    def more(self) -> int:
        """In how many runs it removes more of the poison."""
        return sum(other["found"] > usual["found"] for usual, other in self.pairs)

    @property
    def fewer(self) -> int:
        """In how many runs it removes less of the poison."""
        return sum(other["found"] < usual["found"] for usual, other in self.pairs)

    def found(self, *, usual: bool = False) -> float:
        """Share of the poison that is removed, in the mean over runs; usual: of the usual way on the same runs."""
        return _mean(row["found"] / row["poisons_in_target"] for row in self._side(usual))

    def gain(self, *, but_one: bool = False) -> float | None:
        """How much more of the poison is removed than usually, in the mean over runs. but_one: without the cell in which it gains most;
        None where there is no other."""
        gains: dict[tuple[str, int], list[float]] = {}
        for usual, other in self.pairs:
            gain = (other["found"] - usual["found"]) / usual["poisons_in_target"]
            gains.setdefault((usual["experiment"], usual["poisons"]), []).append(gain)
        if but_one:
            del gains[max(gains, key=lambda cell: sum(gains[cell]))]
        return _mean(gain for cell in gains.values() for gain in cell) if gains else None

    def wasted(self, *, usual: bool = False) -> float:
        """Share of the clean rows of the class that is removed, in the mean over runs."""
        return _mean(
            (row["removed"] - row["found"]) / (row["target_rows"] - row["poisons_in_target"])
            for row in self._side(usual)
        )

    def _side(self, usual: bool) -> list[Run]:
        return [pair[0 if usual else 1] for pair in self.pairs]


def other_ways(cells: Sequence[Cell], looks: Iterable[Look]) -> list[Way]:
    """All ways that were tried in cells where the attack works, in the order of the looks.

    Other layers first, then the ways that were asked at the usual one, then all layers together.
    """
    usual = {
        (cell.experiment, cell.poisons, row["seed"]): row
        for cell in cells
        if cell.works and (look := cell.look(SPECTRE))
        for row in look.rows
    }
    found: dict[tuple[int, str], list[tuple[Run, Run]]] = {}
    for look in looks:
        if (place := _way(look)) is None:
            continue
        for row in look.rows:
            before = usual.get((look.experiment, look.poisons, row["seed"]))
            if before and before["found"] is not None and row["found"] is not None and row["poisons_in_target"]:
                found.setdefault(place, []).append((before, row))
    return [Way(title, tuple(pairs)) for (_, title), pairs in sorted(found.items(), key=lambda item: item[0][0])]


def _way(look: Look) -> tuple[int, str] | None:
    """Its place in the order and its title; None for what is no other way to ask SPECTRE."""
    if look.layer == OTHERWISE:
        return 1, look.title
    if look.layer == TOGETHER:
        return 2, look.title
    return (0, f"{look.title} at {look.layer}") if look.defense == SPECTRE and not look.default else None


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / len(known)
