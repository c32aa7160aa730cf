"""Whose job a folder holds, where a server is shared: a note beside its files. A folder without one is the owner's."""

from __future__ import annotations

import re

from core.foundation.errors import InputError
from core.runs.job_folder import JobFolder

NOTE = "visitor.json"
VISITOR = re.compile(r"[0-9a-f]{32}")


def belongs_to(job: JobFolder) -> str:
    """The hash of the visitor who started it; empty for the owner's, and where the note cannot be read."""
    if not job.file(NOTE).exists():
        return ""
    try:
        visitor = job.read_json(NOTE)["visitor"]
    except (InputError, KeyError, TypeError):
        return ""
    return visitor if isinstance(visitor, str) and VISITOR.fullmatch(visitor) else ""


def note_visitor(job: JobFolder, visitor: str) -> None:
    """visitor: a hash of 32 hexadecimal digits; nobody's name is kept."""
    job.write_json(NOTE, {"visitor": visitor})
