"""The board in order, and as a table for a spreadsheet."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence

from core.challenges.store import Entry
from core.foundation.csv_cells import guarded

COLUMNS = ("name", "score", "answer", "poison removed", "clean removed", "hint", "answers", "time")


def ranked(entries: Sequence[Entry]) -> list[Entry]:
    """By falling score; of equal ones the earlier answer first."""
    return sorted(entries, key=lambda e: (-e.score.total, e.time))


def answer_in_words(entry: Entry, classes: Sequence[str]) -> str:
    return "nothing" if entry.label is None else classes[entry.label]


def as_csv(entries: Sequence[Entry], classes: Sequence[str]) -> str:
    """One line a team, by falling score. A name that a spreadsheet would take for a formula gets a quote in front."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for e in ranked(entries):
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(e.time))
        hint = "yes" if e.score.hint else ""
        words = guarded(answer_in_words(e, classes))
        lines.writerow(
            [
                guarded(e.name),
                f"{e.score.total:g}",
                words,
                e.score.hits,
                e.score.removed - e.score.hits,
                hint,
                e.attempt,
                when,
            ]
        )
    return text.getvalue()
