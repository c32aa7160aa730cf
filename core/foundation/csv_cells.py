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
    """The value for a cell: a word that would be a formula gets a quote in front, all else stays as it is."""
    if not isinstance(value, str) or not FORMULA.match(value) or NUMBER.fullmatch(value):
        return value
    return f"'{value}"


def unguarded(word: str) -> str:
    """The word of which `guarded` made this one."""
    return word[1:] if word[:1] == "'" and FORMULA.match(word) else word


def guarded_table(frame: pd.DataFrame) -> pd.DataFrame:
    """A table with all its words and the names of its columns guarded."""
    words = [name for name in frame if frame[name].dtype.kind not in "biufc"]
    return frame.assign(**{str(name): frame[name].map(guarded) for name in words}).rename(columns=guarded)
