"""Words for cells of CSV files that are opened in spreadsheets, where a word such as =1+1 would be computed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# what a spreadsheet takes for a formula; and one that carries quotes already, so that `unguarded` knows its own
FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")


def guarded(value: Any) -> Any:
    """The value for a cell: a word that would be a formula gets a quote in front, all else stays as it is.

    A carriage return becomes a line feed: Python's csv puts no quotes around it, and what follows would begin a line of its own.
    """
    if not isinstance(value, str):
        return value
    word = value.replace("\r", "\n")
    return f"'{word}" if FORMULA.match(word) and not NUMBER.fullmatch(word) else word


def unguarded(word: str) -> str:
    """The word of which `guarded` made this one."""
    return word[1:] if word[:1] == "'" and FORMULA.match(word) else word


def guarded_table(frame: pd.DataFrame) -> pd.DataFrame:
    """A table with all its words and the names of its columns guarded."""
    words = [name for name in frame if frame[name].dtype.kind not in "biufc"]
    return frame.assign(**{str(name): frame[name].map(guarded) for name in words}).rename(columns=guarded)
