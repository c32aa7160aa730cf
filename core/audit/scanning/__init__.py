"""The search for the poisoned class among all classes (section "unknown target label" of the paper)."""

from core.audit.scanning.classes import CAP, MIN_ROWS, ClassResult
from core.audit.scanning.output import PROGRESS, scan_files, summarise, write_scan
from core.audit.scanning.scan import Scan, State, class_to_filter, scan

__all__ = [
    "CAP",
    "MIN_ROWS",
    "PROGRESS",
    "ClassResult",
    "Scan",
    "State",
    "class_to_filter",
    "scan",
    "scan_files",
    "summarise",
    "write_scan",
]
