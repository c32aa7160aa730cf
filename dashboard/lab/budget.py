"""How many images are poisoned, in three units that say the same. No widgets here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.attacks import Goal
from dashboard.plain import as_is

IMAGES, OF_SET, OF_TARGET = "images", "% of the training set", "% of the target class"
UNITS = (IMAGES, OF_SET, OF_TARGET)


@dataclass(frozen=True)
class Room:
    """What a training set offers an attacker with that goal. sizes: (classes,) images of each class, before the attack."""

    sizes: tuple[int, ...]
    goal: Goal

    @property
    def total(self) -> int:
        return sum(self.sizes)

    @property
    def candidates(self) -> int:
        """How many images may be poisoned."""
        return int(np.array(self.sizes)[self._open].sum())

    @property
    def _open(self) -> np.ndarray:
        """(classes,) bool: the classes that poison is drawn from."""
        return self.goal.is_candidate(np.arange(len(self.sizes)))

    def _drawn(self, count: int) -> np.ndarray:
        """All-to-all: how many of each class are poisoned, (classes,). One of every class in turn as far as they last.

        Where the last round does not reach all classes, it is left to chance which; here the first get it.
        """
        left = np.where(self._open, self.sizes, 0)
        drawn = np.zeros_like(left)
        while count > 0 and left.any():
            here = left > 0
            rounds = min(count // int(here.sum()), int(left[here].min()))
            step = here * rounds if rounds else here & (np.cumsum(here) <= count)
            drawn, left, count = drawn + step, left - step, count - int(step.sum())
        return drawn

    def in_target(self, count: int) -> int:
        """How many of `count` poisons then carry the label of the target."""
        if self.goal.labels != "all-to-all":
            return count
        return int(self._drawn(count)[self.goal.target - 1])

    def target_size(self, count: int) -> int:
        """How many images are then labelled target, poisons included."""
        before = self.sizes[self.goal.target]
        if self.goal.labels == "clean":
            return before
        if self.goal.labels == "dirty":
            return before + count
        drawn = self._drawn(count)
        return before + int(drawn[self.goal.target - 1] - drawn[self.goal.target])

    def share(self, count: int, unit: str) -> float:
        """`count` poisons in that unit: images, or percent."""
        if unit == IMAGES:
            return float(count)
        if unit == OF_SET:
            return 100 * count / self.total if self.total else 0.0
        return 100 * self.in_target(count) / max(self.target_size(count), 1)

    def images_for(self, amount: float, unit: str) -> float:
        """How many images an amount in that unit is, before rounding; more than the candidates where they do not suffice."""
        if unit == IMAGES:
            return amount
        share = amount / 100
        if unit == OF_SET:
            return share * self.total
        size = self.sizes[self.goal.target]
        if self.goal.labels == "clean":
            return share * size
        if self.goal.labels == "dirty":
            return share * size / (1 - share) if share < 1 else float("inf")
        return self._images_all_to_all(amount)

    def _images_all_to_all(self, amount: float) -> float:
        """Counted out, since classes may be of any size: the count whose share is nearest; infinite where none is enough."""
        low, high = 0, self.candidates
        if self.share(high, OF_TARGET) < amount:
            return float("inf")
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self.share(middle, OF_TARGET) < amount else (low, middle)
        nearer = low and amount - self.share(low - 1, OF_TARGET) < self.share(low, OF_TARGET) - amount
        return float(low - 1 if nearer else low)

    def free_for_covers(self, count: int) -> int:
        """Images that may become covers beside `count` poisons."""
        free = self.goal.may_cover(np.arange(len(self.sizes)))
        if self.goal.labels == "all-to-all":
            taken = int(self._drawn(count)[free].sum())
        else:
            taken = count if (free & self._open).any() else 0  # else poison is drawn from other classes alone
        return int(np.array(self.sizes)[free].sum()) - taken

    def problem(self, count: float, covers: int, names: tuple[str, ...]) -> str:
        """Why so many cannot be poisoned, in one sentence; empty where they can."""
        target = as_is(names[self.goal.target])
        where = f"*{target}*" if self.goal.labels == "clean" else f"*{as_is(self.goal.victims_in_words(names))}*"
        if count > self.candidates:
            asked = f"{count:,.0f} images are" if np.isfinite(count) else "That is"
            return f"{asked} more than the {self.candidates:,} training images of {where} that can be poisoned. Enter less."
        inside, size = self.in_target(int(count)), self.target_size(int(count))
        if inside > size / 2:
            return (
                f"{inside:,} poisons would be more than half of the {size:,} images then labelled *{target}*: "
                "the clean ones would be the outliers. Enter less."
            )
        free = self.free_for_covers(int(count))
        if covers > free:
            return f"{covers:,} covers are more than the {free:,} images that are free for it. Lower the cover rate."
        return ""


def percent_text(percent: float) -> str:
    """A percentage with two digits that say something: "6.4 %", "0.071 %", "12 %"."""
    return f"{percent:.2g} %" if percent < 10 else f"{percent:.0f} %"


def in_units(room: Room, count: int, names: tuple[str, ...]) -> str:
    """The budget in all three units, as Markdown."""
    inside, size = room.in_target(count), room.target_size(count)
    whole = (
        f"**{count:,}** image{'s' * (count != 1)} = **{percent_text(room.share(count, OF_SET))}** of the training set"
    )
    of_target = f"**{percent_text(room.share(count, OF_TARGET))}** of the {size:,} images then labelled *{as_is(names[room.goal.target])}*"
    if inside == count:
        return f"{whole} = {of_target}"
    return f"{whole}; **{inside:,}** of them = {of_target}"


def rounding(room: Room, amount: float, unit: str, count: int) -> str:
    """What rounding to whole images made of an amount; empty where it does not show."""
    made = percent_text(room.share(count, unit))
    if unit == IMAGES or made == percent_text(amount):
        return ""
    return f"Rounded to whole images: {amount:.3g} % becomes {made}."
