"""How many poisons are assumed in a class: a number, a share of its rows, or as many as they seem to be."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.foundation.errors import InputError

AUTO = "auto"
# Of the rows, assumed before anything is known; with half of it, groups of a tenth of a class went unseen.
FIRST_SHARE = 0.08


@dataclass(frozen=True)
class Assumed:
    """What a user assumes. With neither, the number is estimated."""

    count: int | None = None
    share: float | None = None  # of the rows of each class

    @property
    def automatic(self) -> bool:
        """Whether the number is to be estimated."""
        return self.count is None and self.share is None

    def of(self, n: int) -> int:
        """Assumed among n rows; where it is to be estimated, to begin with."""
        if self.count is not None:
            return self.count
        return max(1, round((FIRST_SHARE if self.share is None else self.share) * n))

    def as_json(self) -> int | str:
        """As it would be written on a command line, a number as a number."""
        if self.count is not None:
            return self.count
        return AUTO if self.share is None else f"{100 * self.share:g}%"


def assumed(poisons: int | str | Assumed) -> Assumed:
    """A number, "2%" or "auto". Raises InputError for anything else."""
    if isinstance(poisons, Assumed):
        return poisons
    text = str(poisons).strip().lower()
    if text == AUTO:
        return Assumed()
    try:
        if not text.endswith("%"):
            return Assumed(count=int(text))
        percent = float(text[:-1])
    except ValueError:
        raise InputError(f"--poisons '{poisons}' is neither a whole number, nor a share as 2%, nor auto") from None
    if not (math.isfinite(percent) and 0 < percent <= 50):
        raise InputError(f"--poisons '{poisons}': a share must lie above 0 and at most at 50%")
    return Assumed(share=percent / 100)
