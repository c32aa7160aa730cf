"""What a run leaves on disk, and how it is told.

No torch here, since a page that only shows results must open at once.
"""

from core.runs.belonging import belongs_to, note_visitor
from core.runs.folder import RunFolder, Runs
from core.runs.job_folder import ID, STALE, STARTING, STATES, HeldError, JobFolder, Jobs, Status, given_up, is_abandoned
from core.runs.outcomes import (
    Share,
    cost_text,
    detection,
    duration,
    percent,
    remove_count,
    roc,
    scores_at,
    share_text,
)
from core.runs.reporter import STAGES, Observer, Reporter

__all__ = [
    "ID",
    "STAGES",
    "STALE",
    "STARTING",
    "STATES",
    "HeldError",
    "JobFolder",
    "Jobs",
    "Observer",
    "Reporter",
    "RunFolder",
    "Runs",
    "Share",
    "Status",
    "belongs_to",
    "cost_text",
    "detection",
    "duration",
    "given_up",
    "is_abandoned",
    "note_visitor",
    "percent",
    "remove_count",
    "roc",
    "scores_at",
    "share_text",
]
