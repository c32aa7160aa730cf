"""The blocks of a report as what reportlab lays out."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from typing import Any

from PIL import Image
from reportlab.lib.colors import HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import Flowable, KeepTogether, Paragraph, Spacer, TableStyle
from reportlab.platypus import Image as Placed
from reportlab.platypus import Table as Grid

from core.foundation.visible import shortened
from core.reports.content import (
    Block,
    Code,
    Facts,
    Figure,
    Gallery,
    Items,
    Passage,
    Passages,
    Picture,
    Scatter,
    Table,
    Tiles,
    Words,
)
from core.reports.figures import lay_out
from core.reports.html import FIGURES
from core.reports.pdf_drawing import FAINT, INK, SOFT, Sketch
from core.reports.thumbnails import as_image
from core.reports.typeface import BOLD, PLAIN, letters, markup, printable

WIDTH = 495.0  # points of a line
GAP = 14.0
HALF = (WIDTH - GAP) / 2
RAISED = HexColor("#f6f8fa")
ACROSS = 8  # pictures beside each other
MOST_ROWS = 400  # of a table on paper; all are in the files
PADDING = 6.0
CELL = 400  # characters of a cell


@cache
def styles() -> dict[str, ParagraphStyle]:
    """Paragraphs by name."""
    letters()
    plain = ParagraphStyle(
        "plain", fontName=PLAIN, fontSize=9.5, leading=13.5, textColor=INK, spaceAfter=5, splitLongWords=1
    )

    def like(name: str, **values: Any) -> ParagraphStyle:
        return ParagraphStyle(name, parent=plain, **values)

    return {
        "plain": plain,
        "quiet": like("quiet", fontSize=8.5, leading=12, textColor=SOFT, spaceAfter=3),
        "tiny": like("tiny", fontSize=6.3, leading=7.6, textColor=SOFT, spaceAfter=0),
        "cell": like("cell", fontSize=8.3, leading=11, spaceAfter=0),
        "number": like("number", fontSize=8.3, leading=11, spaceAfter=0, alignment=2),
        "head": like("head", fontName=BOLD, fontSize=8.3, leading=11, textColor=SOFT, spaceAfter=0),
        "right": like("right", fontName=BOLD, fontSize=8.3, leading=11, textColor=SOFT, spaceAfter=0, alignment=2),
        "code": like("code", fontSize=8.5, leading=12, backColor=RAISED, borderPadding=5, spaceBefore=5, spaceAfter=10),
        "title": like("title", fontName=BOLD, fontSize=20, leading=25, spaceAfter=6),
        "lead": like("lead", fontName=BOLD, fontSize=13.5, leading=18.5, spaceAfter=4),
        "value": like("value", fontName=BOLD, fontSize=13, leading=19, spaceAfter=0),
        "h1": like("h1", fontName=BOLD, fontSize=14.5, leading=19, spaceBefore=16, spaceAfter=6),
        "h2": like("h2", fontName=BOLD, fontSize=11.5, leading=15, spaceBefore=12, spaceAfter=3),
        "figure": like("figure", fontName=BOLD, fontSize=9, leading=12, spaceAfter=2),
        "item": like("item", leftIndent=10, bulletIndent=0, spaceAfter=3),
    }  # fmt: skip


def flowables(blocks: Sequence[Block]) -> list[Flowable]:
    """All blocks, figures two abreast."""
    made: list[Flowable] = []
    for is_figure, some in groupby(blocks, lambda block: isinstance(block, FIGURES)):
        if is_figure:
            made += _figures([block for block in some if isinstance(block, FIGURES)])
        else:
            for block in some:
                made += _block(block)
    return made


def _block(block: Block) -> list[Flowable]:
    look = styles()
    if isinstance(block, Words):
        title = f'<font name="{BOLD}">{markup(block.title)}</font> ' if block.title else ""
        return [Paragraph(title + markup(block.text), look["quiet" if block.quiet else "plain"])]
    if isinstance(block, Items):
        return [Paragraph(markup(line), look["item"], bulletText="•") for line in block.lines]
    if isinstance(block, Facts):
        return _facts(block)
    if isinstance(block, Code):
        return [Paragraph(markup(block.text), look["code"])]
    if isinstance(block, Tiles):
        return _tiles(block)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Gallery):
        return _gallery(block)
    if isinstance(block, Passages):
        return [flow for one in block.shown for flow in _passage(one, block.beside)] + _rest(
            len(block.shown), block.total
        )
    raise AssertionError(f"figures are laid out together, not {type(block).__name__}")


def _facts(block: Facts) -> list[Flowable]:
    look = styles()
    lines = [
        [Paragraph(markup(name), look["quiet"]), Paragraph(markup(value), look["cell"])] for name, value in block.pairs
    ]
    return [_grid(lines, [105, WIDTH - 105], [("BOTTOMPADDING", (0, 0), (-1, -1), 1.5)]), Spacer(1, 6)] if lines else []


def _tiles(block: Tiles) -> list[Flowable]:
    look, across = styles(), 5
    cells = [
        [Paragraph(markup(tile.value), look["value"]), Paragraph(markup(tile.label), look["cell"]), Paragraph(markup(tile.note), look["tiny"])]
        for tile in block.tiles
    ]  # fmt: skip
    rows = [cells[i : i + across] for i in range(0, len(cells), across)]
    rows = [row + [""] * (across - len(row)) for row in rows]  # type: ignore[list-item]
    return (
        [_grid(rows, [WIDTH / across] * across, [("BOTTOMPADDING", (0, 0), (-1, -1), 7)]), Spacer(1, 4)] if rows else []
    )


def _table(block: Table) -> list[Flowable]:
    look, widths = styles(), _widths(block)
    shown = block.rows[:MOST_ROWS]
    head = [
        Paragraph(markup(name), look["right" if i in block.numeric else "head"]) for i, name in enumerate(block.columns)
    ]
    body = [[_cell(text, widths[i], i in block.numeric) for i, text in enumerate(row)] for row in shown]
    caption = block.caption or block.folded
    made: list[Flowable] = [Paragraph(markup(caption), look["quiet"])] if caption else []
    style = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, FAINT), ("RIGHTPADDING", (0, 0), (-1, -1), PADDING),
        ("FONT", (0, 1), (-1, -1), PLAIN, look["cell"].fontSize, look["cell"].leading), ("TEXTCOLOR", (0, 1), (-1, -1), INK),
        *(("ALIGN", (i, 1), (i, -1), "RIGHT") for i in block.numeric),
    ]  # fmt: skip
    made.append(_grid([head, *body], widths, style, repeatRows=1))
    if len(shown) < len(block.rows):
        made.append(Paragraph(f"{len(shown):,} of {len(block.rows):,} lines are printed.", look["quiet"]))
    return [*made, Spacer(1, 8)]


def _cell(text: str, width: float, numeric: bool) -> str | Paragraph:
    """Plain text where it fits on a line: a paragraph takes twenty times as long."""
    plain, look = printable(text), styles()["cell"]
    if "\n" not in plain and stringWidth(plain, PLAIN, look.fontSize) <= width - PADDING:
        return plain
    return Paragraph(markup(shortened(text, CELL)), styles()["number"] if numeric else look)


def _widths(block: Table) -> list[float]:
    """Of columns, by their longest cells within bounds."""
    asked = []
    for i, name in enumerate(block.columns):
        longest = max((len(row[i]) for row in block.rows[:200]), default=0)
        word = max((len(part) for part in name.split()), default=0)
        asked.append(min(46.0, max(longest, word + 1, 4.0)))
    each = min(WIDTH / sum(asked), 7.0)  # points of a character: a table of few words stays narrow
    return [each * one for one in asked]


def _grid(rows: Sequence[Sequence[Any]], widths: Sequence[float], more: Sequence[Any] = (), **names: Any) -> Grid:
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 2), *more,
    ]  # fmt: skip
    return Grid(rows, colWidths=widths, style=TableStyle(style), hAlign="LEFT", **names)


def _figures(figures: Sequence[Figure]) -> list[Flowable]:
    """A scatter stands left of two others; its further views follow below."""
    rows: list[list[Any]] = []
    scatters = [list(_cells(figure)) for figure in figures if isinstance(figure, Scatter)]
    others = [cell for figure in figures if not isinstance(figure, Scatter) for cell in _cells(figure)]
    if scatters and others:
        rows.append([scatters[0].pop(0), [flow for cell in others[:2] for flow in (*cell, Spacer(1, 8))]])
        others = others[2:]
    cells = [*(cell for scatter in scatters for cell in scatter), *others]
    rows += [cells[i : i + 2] for i in range(0, len(cells), 2)]
    made = []
    for row in rows:
        beside = [*row, ""] if len(row) == 1 else row
        made.append(_grid([beside], [HALF + GAP, HALF], [("BOTTOMPADDING", (0, 0), (-1, -1), 8)]))
    return made


def _cells(figure: Figure) -> Iterator[list[Flowable]]:
    """A figure as one cell; a scatter as one for each view, that which is shown first before the others."""
    look = styles()
    drawing = lay_out(figure)
    caption = [Paragraph(markup(figure.caption), look["tiny"])] if figure.caption else []
    if not isinstance(figure, Scatter):
        yield [Paragraph(markup(figure.title), look["figure"]), Sketch(drawing, "", HALF), *caption]
        return
    names = [view.name for view in figure.views]
    for name in sorted(names, key=lambda name: name != drawing.first):
        title = Paragraph(markup(f"{figure.title}: {name}"), look["figure"])
        yield [title, Sketch(drawing, name, HALF), *(caption if name == drawing.first else [])]


def _gallery(block: Gallery) -> list[Flowable]:
    made: list[Flowable] = []
    compared = [one for one in block.shown if one.beside]
    side = WIDTH / ACROSS
    if compared:
        made.append(Paragraph(markup(f"The first {len(compared)}; beside each: {block.beside}"), styles()["quiet"]))
        for one in compared:
            cells = [_picture(one.picture, side), "", *(_picture(other, side) for other in one.beside[: ACROSS - 2])]
            made.append(_row(cells, side))
    others = [one for one in block.shown if not one.beside]
    for i in range(0, len(others), ACROSS):
        made.append(_row([_picture(one.picture, side) for one in others[i : i + ACROSS]], side))
    return [*made, *_rest(len(block.shown), block.total), Spacer(1, 4)]


def _row(cells: list[Any], side: float) -> Grid:
    return _grid([cells + [""] * (ACROSS - len(cells))], [side] * ACROSS, [("BOTTOMPADDING", (0, 0), (-1, -1), 6)])


def _picture(picture: Picture, side: float) -> list[Flowable]:
    """Enlarged by whole pixels, so that no reader of PDF smooths it."""
    image = as_image(picture.pixels)
    factor = max(1, 96 // max(image.size))
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, "PNG")
    file.seek(0)
    scale = (side - 6) / max(image.size)
    placed = Placed(file, image.width * scale, image.height * scale, hAlign="LEFT")
    words = [shortened(picture.name, 60), "" if picture.row is None else f"row {picture.row:,}", picture.note]
    return [placed, *(Paragraph(markup(line), styles()["tiny"]) for line in words if line)]


def _passage(passage: Passage, beside: str) -> list[Flowable]:
    look = styles()
    where = " · ".join(part for part in (f"row {passage.row:,}", passage.name, passage.note) if part)
    made: list[Flowable] = [
        KeepTogether(
            [Spacer(1, 4), Paragraph(markup(where), look["quiet"]), Paragraph(markup(passage.text), look["plain"])]
        )
    ]
    if passage.beside:
        made.append(Paragraph(markup(f"{beside}:"), look["quiet"]))
    for other in passage.beside:
        made.append(Paragraph(markup(f"row {other.row:,}: {other.text}"), look["item"]))
    return made


def _rest(shown: int, total: int) -> list[Flowable]:
    if shown >= total:
        return []
    return [Paragraph(f"{shown:,} of {total:,} rows are shown; all are in findings.csv.", styles()["quiet"])]
