"""The classes that a scan has looked at so far, most apart first, as a page that watches it reads them: no torch here.

A ranking, not a verdict: which class counts is decided when all are in, for the tails of the others are the control.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from core.cases.folder import CaseFolder
from core.cases.space import Look

NAME = "so-far.jsonl"  # only there until all classes of a look are in


@dataclass(frozen=True)
class ClassSoFar:
    """What one class shows by itself."""

    label: int
    n: int  # rows
    apart: int  # rows of its leading group
    separation: float | None  # of that group (Ashman's D); None where the class could not be looked at
    far: bool  # whether that group is large and far enough away to count
    k: int | None  # that SPECTRE chose
    reason: str  # why it could not be looked at


def begin(case: CaseFolder, look: Look) -> None:
    """Nothing is known yet, or what is known will be told again."""
    case.file(_name(look)).unlink(missing_ok=True)


def add(case: CaseFolder, look: Look, one: ClassSoFar) -> None:
    """One more class."""
    case.append_line(_name(look), asdict(one))


def is_begun(case: CaseFolder, look: Look) -> bool:
    """Whether a scan is under way that has finished a class."""
    return case.file(_name(look)).is_file()


def ranked(case: CaseFolder, look: Look) -> list[ClassSoFar]:
    """All so far, most apart first, those that could not be looked at last. A damaged line is left out."""
    found = [one for line in case.lines(_name(look)) if (one := _from(line)) is not None]
    return sorted(found, key=lambda one: (one.separation is None, -(one.separation or 0.0), one.label))


def _from(line: dict[str, Any]) -> ClassSoFar | None:
    try:
        one = ClassSoFar(**line)
    except TypeError:
        return None
    numbers = all(isinstance(value, int) for value in (one.label, one.n, one.apart))
    return one if numbers and isinstance(one.separation, int | float | None) else None


def _name(look: Look) -> str:
    return f"{look.folder}/{NAME}"
