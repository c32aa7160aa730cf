"""Strokes on a page of a PDF: the same that `svg` draws, as vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from reportlab.lib.colors import HexColor
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from core.reports.drawing import SHAPES, Box, Dots, Drawing, Label, Line, Stroke
from core.reports.typeface import BOLD, PLAIN, printable

INK, SOFT, FAINT = HexColor("#0f1720"), HexColor("#55606c"), HexColor("#dfe4e9")
BAR = HexColor("#b4bcc4")
COLOURS = {
    "rest": HexColor("#8a949e"), "elsewhere": HexColor("#8a949e"), "poison": HexColor("#d55e00"),
    "odd": HexColor("#cc79a7"), "clean": HexColor("#0072b2"), "ring": INK,
}  # fmt: skip
TEXT, SMALL = 12.0, 11.0


class Sketch(Flowable):
    """A drawing, one of its views, as wide as it is told."""

    def __init__(self, drawing: Drawing, view: str, width: float) -> None:
        super().__init__()
        self.drawing, self.view = drawing, view
        self.scale = width / drawing.width
        self.width, self.height = width, drawing.height * self.scale

    def wrap(self, *_: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        page: Canvas = self.canv
        page.saveState()
        page.scale(self.scale, self.scale)
        for stroke in (*self.drawing.strokes, *self.drawing.views.get(self.view, ())):
            _draw(page, stroke, self.drawing.height)
        page.restoreState()


def draw_mark(page: Canvas, role: str, x: float, y: float) -> None:
    """The mark of a role, with its middle at a place of the page."""
    _dots(page, Dots(np.array([[x, -y]]), role, SHAPES[role], 3.4), 0.0)


def _draw(page: Canvas, stroke: Stroke, height: float) -> None:
    if isinstance(stroke, Line):
        page.setStrokeColor({"grid": FAINT, "axis": SOFT}.get(stroke.kind, INK))
        page.setLineWidth({"grid": 0.8, "axis": 1.0}.get(stroke.kind, 1.4))
        page.setDash([4, 3] if stroke.kind == "cut" else [])
        page.line(stroke.x1, height - stroke.y1, stroke.x2, height - stroke.y2)
        page.setDash([])
    elif isinstance(stroke, Box):
        page.setFillColor(BAR if stroke.role in ("rest", "elsewhere") else COLOURS[stroke.role])
        page.setStrokeColor(INK)
        page.setLineWidth(1)
        low = height - stroke.y - max(stroke.height, 0)
        page.rect(stroke.x, low, max(stroke.width, 0), max(stroke.height, 0), stroke=int(stroke.framed), fill=1)
    elif isinstance(stroke, Label):
        _label(page, stroke, height)
    else:
        _dots(page, stroke, height)


def _label(page: Canvas, label: Label, height: float) -> None:
    font, size = BOLD if label.kind == "strong" else PLAIN, SMALL if label.kind == "quiet" else TEXT
    text = printable(label.text)
    shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[label.anchor] * stringWidth(text, font, size)
    page.setFillColor(SOFT if label.kind == "quiet" else INK)
    page.setFont(font, size)
    page.drawString(label.x - shift, height - label.y, text)


def _dots(page: Canvas, dots: Dots, height: float) -> None:
    if not len(dots.points):
        return
    places: Sequence[tuple[float, float]] = [(round(x, 1), round(height - y, 1)) for x, y in dots.points.tolist()]
    path, s = page.beginPath(), dots.size
    page.setStrokeColor(COLOURS[dots.role])
    page.setFillColor(COLOURS[dots.role])
    if dots.shape in ("dot", "square"):  # lines of no length, whose ends are the points
        page.setLineCap(1 if dots.shape == "dot" else 2)
        page.setLineWidth(2 * s if dots.shape == "dot" else 1.7 * s)
        page.setStrokeAlpha(0.55 if dots.role in ("rest", "clean") else 1)
        for x, y in places:
            path.moveTo(x, y)
            path.lineTo(x, y)
        page.drawPath(path, stroke=1, fill=0)
        page.setLineCap(0)
        page.setStrokeAlpha(1)
        return
    for x, y in places:
        if dots.shape == "diamond":
            path.moveTo(x, y - s)
            path.lineTo(x + s, y)
            path.lineTo(x, y + s)
            path.lineTo(x - s, y)
            path.close()
        else:
            path.circle(x, y, s)
    page.setLineWidth(1.2)
    filled = dots.shape == "diamond"
    page.drawPath(path, stroke=int(not filled), fill=int(filled))
