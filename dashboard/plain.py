"""Names and messages as they are, where Streamlit reads Markdown and Plotly reads its own tags."""

from __future__ import annotations

import html
import re

from core.foundation.visible import visible

JOINER = "\u2060"  # takes no room; what it parts is read as two
# Streamlit makes one sign of these even where they are escaped: emoji and icons by name, arrows and dashes between blanks.
SHORTHAND = re.compile(r":(?=[\w+-]+:)|(?<!\S)[-<>~](?=[->=]{1,2}(?!\S))")
MARKS = re.compile(r"[\\`*_\[\]<>$~|&@]|:(?=\S)|(?<=www)\.")
START = re.compile(r"^([#+=-]|\d+(?=[.)]))")


def as_is(text: object) -> str:
    """A name or a message for Markdown, to be shown as it is: no emphasis, link, formula, colour, icon or emoji.

    What is blank, line ends too, becomes one blank; what cannot be seen, or turns the direction, is written out.
    """
    words = visible(" ".join(str(text).split()))
    parted = SHORTHAND.sub(lambda match: match[0] + JOINER, words)
    escaped = MARKS.sub(lambda match: f"\\{match[0]}", parted)
    return START.sub(_escaped_start, escaped)


def _escaped_start(match: re.Match[str]) -> str:
    """A list, a heading or a rule begins with these; of a number, its dot is escaped."""
    return f"{match[0]}\\" if match[0].isdigit() else f"\\{match[0]}"


def in_figure(text: object) -> str:
    """A name for a title, a label or a tick of Plotly, which reads tags of HTML."""
    return html.escape(str(text), quote=False)
