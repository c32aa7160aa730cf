"""A report as PDF: the same content as in HTML, with page numbers, bookmarks and text that can be searched.

By reportlab: pure Python, keeps headings with what follows, cuts tables between rows and repeats their heads.
"""

from __future__ import annotations

import io
from functools import cache
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    PageTemplate,
    Paragraph,
    Spacer,
)
from reportlab.platypus.tableofcontents import TableOfContents

from core.reports.content import Report, Section
from core.reports.html import FIGURES
from core.reports.pdf_blocks import WIDTH, flowables, styles
from core.reports.pdf_drawing import INK, SOFT, draw_mark
from core.reports.typeface import PLAIN, markup, printable

MARGIN = (A4[0] - WIDTH) / 2
TOP, BOTTOM = 50.0, 56.0
FOLLOWS, PICTURED = 110.0, 330.0  # points of room that a heading needs below itself: before words, before figures


def to_pdf(report: Report) -> bytes:
    """The whole file."""
    file = io.BytesIO()
    letters = styles()
    document = _Document(
        file, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=TOP, bottomMargin=BOTTOM,
        title=printable(report.title), author="Spectre Lens", lang="en", pageCompression=1,
    )  # fmt: skip
    frame = Frame(MARGIN, BOTTOM, WIDTH, A4[1] - TOP - BOTTOM, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate(frames=[frame]))
    story: list[Flowable] = [Paragraph(markup(report.title), letters["title"])]
    story += [Paragraph(f"{markup(name)}: {markup(value)}", letters["quiet"]) for name, value in report.about]
    story += [Spacer(1, 10), Paragraph(markup(report.verdict), letters["lead"])]
    story += [Paragraph(markup(line), letters["quiet"]) for line in report.after]
    story += [Spacer(1, 14), _contents()]
    for section in report.sections:
        story += _section(section, 1)
    story += [Spacer(1, 16), Paragraph(markup(report.foot), letters["quiet"])]
    document.multiBuild(story, canvasmaker=_numbered(printable(report.title)))
    return file.getvalue()


def _section(section: Section, level: int) -> list[Flowable]:
    heading = _Heading(section, level)
    made: list[Flowable] = [CondPageBreak(_room(section, level)), heading]
    if section.tags:
        made.append(Paragraph(markup(" · ".join(section.tags)), styles()["quiet"]))
    made += flowables(section.blocks)
    for part in section.parts:
        made += _section(part, level + 1)
    return made


def _room(section: Section, level: int) -> float:
    """Points that must be left on a page for a heading to stand there."""
    if section.blocks:
        return PICTURED if isinstance(section.blocks[0], FIGURES) else FOLLOWS * level
    return 30 + FOLLOWS * (level + 1) if section.parts else FOLLOWS


class _Heading(Paragraph):
    """With the mark of its role in the margin; `told` is for the contents and the bookmarks."""

    def __init__(self, section: Section, level: int) -> None:
        super().__init__(markup(section.title), styles()[f"h{level}"])
        self.told, self.role = (level - 1, section.title), section.role

    def draw(self) -> None:
        super().draw()
        if self.role:
            draw_mark(self.canv, self.role, -9.0, self.height - 9.5)


def _contents() -> TableOfContents:
    contents = TableOfContents()
    contents.levelStyles = [
        ParagraphStyle("toc1", fontName=PLAIN, fontSize=9.5, leading=13.5, textColor=INK),
        ParagraphStyle("toc2", fontName=PLAIN, fontSize=8.5, leading=12, leftIndent=12, textColor=SOFT),
    ]
    contents.dotsMinLevel = 9
    return contents


class _Document(BaseDocTemplate):
    """Tells the contents and the bookmarks where each heading came to stand."""

    def beforeDocument(self) -> None:
        self.headings = 0

    def afterFlowable(self, flowable: Any) -> None:
        if not hasattr(flowable, "told"):
            return
        level, title = flowable.told
        key = f"h{self.headings}"
        self.headings += 1
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(printable(title), key, level, closed=level == 0)
        self.notify("TOCEntry", (level, markup(title), self.page, key))


@cache
def _numbered(title: str) -> type[Canvas]:
    """Pages that say which they are, and of how many: known only when all are made."""

    class Numbered(Canvas):
        def __init__(self, *words: Any, **names: Any) -> None:
            super().__init__(*words, **names)
            self.pages: list[dict[str, Any]] = []

        def showPage(self) -> None:
            self.pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for page in self.pages:
                self.__dict__.update(page)
                self._foot(len(self.pages))
                super().showPage()
            super().save()

        def _foot(self, total: int) -> None:
            self.setFillColor(SOFT)
            self.setFont(PLAIN, 8)
            self.drawString(MARGIN, 30, title[:90])
            self.drawRightString(A4[0] - MARGIN, 30, f"{self._pageNumber} of {total}")

    return Numbered
