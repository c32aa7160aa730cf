"""What an answer is worth. Plain numbers, so that a page can explain every point."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

FOR_LABEL = 40  # points for naming the poisoned label, or for saying rightly that there is none
FOR_ROWS = 60  # points for the rows: all of the poison removed, and nothing else
COST_OF_HINT = 15


@dataclass(frozen=True)
class Score:
    """The points of one answer, and the counts they come from."""

    label: float  # 0 or FOR_LABEL
    rows: float  # 0 .. FOR_ROWS
    hint: float  # 0 or -COST_OF_HINT
    hits: int  # removed rows that are poison
    removed: int
    poisons: int

    @property
    def total(self) -> float:
        """0 to 100, to one decimal."""
        return round(max(0.0, self.label + self.rows + self.hint), 1)

    @property
    def recall(self) -> float | None:
        """Share of the poison that was removed; None where there is no poison."""
        return self.hits / self.poisons if self.poisons else None

    @property
    def precision(self) -> float | None:
        """Share of the removed rows that are poison; None where nothing was removed."""
        return self.hits / self.removed if self.removed else None


def score(
    label: int | None,
    rows: Collection[int],
    *,
    true_label: int | None,
    poison: Collection[int],
    assumed: int,
    hint: bool = False,
) -> Score:
    """Judge an answer.

    label: the label that is said to be poisoned, None for "nothing is poisoned". rows: ids to remove. true_label,
    poison: the truth; no label and no ids for a clean set. assumed: the number of poisons that the players were told to
    reckon with, over which a clean set's row points fall to nothing. hint: whether the ranking was looked at.

    The row points are FOR_ROWS times F1, the harmonic mean of recall and precision: 2 hits / (removed + poisons). On a
    clean set, where F1 has no meaning, each removed row costs its share of `assumed`.
    """
    removed, bad = set(rows), set(poison)
    hits = len(removed & bad)
    if bad:
        share = 2 * hits / (len(removed) + len(bad))
    else:
        share = max(0.0, 1 - len(removed) / max(assumed, 1))
    return Score(
        label=float(FOR_LABEL if label == true_label else 0),
        rows=FOR_ROWS * share,
        hint=-float(COST_OF_HINT if hint else 0),
        hits=hits,
        removed=len(removed),
        poisons=len(bad),
    )
