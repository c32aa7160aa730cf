"""What was found, as one file to hand on: content in plain values, and HTML or PDF of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.reports import content
from core.reports.files import write
from core.reports.html import to_html
from core.reports.thin import thin
from core.reports.thumbnails import smaller

if TYPE_CHECKING:
    from core.reports.pdf import to_pdf

__all__ = ["content", "smaller", "thin", "to_html", "to_pdf", "write"]


def __getattr__(name: str) -> Any:
    if name == "to_pdf":  # brings a library that HTML does without
        from core.reports.pdf import to_pdf

        return to_pdf
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
