"""Reports on disk."""

from __future__ import annotations

from pathlib import Path

from core.foundation.errors import InputError
from core.foundation.files import replacing
from core.reports.content import Report
from core.reports.html import to_html


def write(report: Report, out: Path, *, pdf: bool = False) -> list[Path]:
    """A report as HTML, and as PDF of the same name where it is asked for; returns what was written.

    Raises InputError where a file cannot be written. The HTML stays where the PDF fails.
    """
    try:
        with replacing(out) as aside:
            aside.write_text(to_html(report), encoding="utf-8")
        if not pdf:
            return [out]
        from core.reports.pdf import to_pdf  # brings a library that HTML does without

        beside = out.with_suffix(".pdf")
        with replacing(beside) as aside:
            aside.write_bytes(to_pdf(report))
    except OSError as problem:
        raise InputError(
            f"cannot write to {out.parent} ({problem.strerror}); choose another place with --out"
        ) from None
    return [out, beside]
