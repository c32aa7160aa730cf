"""Runs in the background: one process each, one at a time, first come, first served.

No torch here: only the process that does the work loads it.
"""

from core.jobs.background import hearing, resume, start, work
from core.jobs.queueing import Place, place, seconds_left

__all__ = ["Place", "hearing", "place", "resume", "seconds_left", "start", "work"]
