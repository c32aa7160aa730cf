"""Before anything is computed: what can this table carry? Which classes are too small, and what the least group is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.audit.groups import SEPARATED
from core.audit.scanning import MIN_ROWS
from core.robust import fewest_rows

FEW_CLASSES = 4  # below, no class has enough others for a control
ROWS_A_DIMENSION = 4


def carries(sizes: Mapping[int, int], columns: int | None) -> dict[str, Any]:
    """What a set with so many rows of each label can carry, as JSON values; columns: numbers a row, where they are known.

    too_small: labels that cannot be looked at. least: rows of the smallest group that could be seen in the median class.
    told: sentences.
    """
    small = [label for label, n in sizes.items() if n < MIN_ROWS]
    fit = sorted(n for n in sizes.values() if n >= MIN_ROWS)
    told = []
    if small:
        told.append(
            f"{len(small):,} of {len(sizes):,} classes have fewer than {MIN_ROWS} rows and cannot be looked at."
        )
    if not fit:
        told.append("No class has enough rows: whether one is poisoned cannot be said.")
        return {"too_small": small, "least": None, "told": told}
    middle = fit[len(fit) // 2]
    least = fewest_rows(middle)
    told.append(
        f"In a class of {middle:,} rows, the median, no group of fewer than {least} rows can be seen, and none nearer to the rest than "
        f"{SEPARATED:g} deviations; the more numbers a row has for the rows there are, the farther out it has to lie."
    )
    if len(fit) == 1:
        told.append(
            "There is one class alone: rows that belong to another class cannot be told, and there is no control."
        )
    elif len(fit) < FEW_CLASSES:
        told.append(
            f"With {len(fit)} classes there are few to compare with: how often chance makes such groups is told from few."
        )
    short = sum(n < ROWS_A_DIMENSION * min(columns, 128) for n in fit) if columns else 0
    if short:
        told.append(
            f"{short:,} of {len(fit):,} classes have fewer than {ROWS_A_DIMENSION} rows for each direction that is looked at: "
            "their covariance leans on that of all classes, and only large effects are seen."
        )
    return {"too_small": small, "least": least, "told": told}
