"""The letters of a PDF: FiraGO (Latin, Greek, Cyrillic, Arabic, Hebrew, Thai, Devanagari, Georgian), embedded.

It comes with the package pymupdf-fonts (SIL Open Font License). What it lacks, such as Chinese, becomes an empty frame.
Letters stand in the order in which they are stored: no font is shaped here, nor a line turned.
"""

from __future__ import annotations

import importlib
import io
from functools import cache
from xml.sax.saxutils import escape

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from core.foundation.visible import visible

PLAIN, BOLD = "Report", "Report-Bold"
LACKING = "▯"


@cache
def letters() -> frozenset[int]:
    """Code points that both fonts have; they are known to the library from then on."""
    found = []
    for name, module in ((PLAIN, "FiraGO_Regular"), (BOLD, "FiraGO_Bold")):
        data = importlib.import_module(f"pymupdf_fonts.{module}").fontbuffer
        font = TTFont(name, io.BytesIO(data))
        pdfmetrics.registerFont(font)
        found.append(set(font.face.charToGlyph))
    pdfmetrics.registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)
    return frozenset(found[0] & found[1])


def printable(text: object) -> str:
    """Text as the fonts can show it, unseen characters written out."""
    have = letters()
    return "".join(c if ord(c) in have or c in "\n" else " " if c == "\t" else LACKING for c in visible(text))


def markup(text: object) -> str:
    """The same for a paragraph, in which < and & have a meaning; lines stay lines."""
    return escape(printable(text)).replace("\n", "<br/>")
