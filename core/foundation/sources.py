"""Where an example came from, as its owner calls it, in words that fit under its image."""

from __future__ import annotations

from core.foundation.errors import shown

FITS = 22  # characters, three short lines under an image
HEAD = 8  # of these from the beginning: the end tells files apart more often


def short_source(source: object, fits: int = FITS) -> str:
    """The last part of a path, its middle left out where it is long; empty for a plain number, which says no more than an id."""
    told = full_source(source)
    name = told.rstrip("/").rpartition("/")[2]
    if not name or name.isdecimal():
        return ""
    return name if len(name) <= fits else f"{name[:HEAD]}…{name[HEAD + 1 - fits :]}"


def full_source(source: object) -> str:
    """The whole of it, in one line: what is no visible character, or turns the direction of reading, becomes a box."""
    return shown(str(source))
