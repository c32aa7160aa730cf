"""Text of strangers, made visible and harmless: what turns the reading direction, or cannot be seen, is written out."""

from __future__ import annotations

import html
import json
import re
from typing import Any

# Controls but tab and line feed, what joins or hides, what turns the direction, separators of lines, halves of pairs.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
LONGEST = 20_000  # characters of one piece of text; no name or sentence is longer


def visible(text: object) -> str:
    """The text with what cannot be seen as escapes (\\u202e), cut at LONGEST characters."""
    plain = str(text)
    cut = plain if len(plain) <= LONGEST else f"{plain[:LONGEST]} ... ({len(plain):,} characters)"
    return _UNSEEN.sub(_escape, cut)


def escaped(text: object) -> str:
    """Visible text for HTML, between tags and in quoted attributes."""
    return html.escape(visible(text), quote=True)


def inline_json(value: Any) -> str:
    """JSON that can stand in a <script>: ASCII alone, without a character that HTML reads."""
    plain = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return plain.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def shortened(text: str, most: int) -> str:
    """At most that many characters, cut in the middle: the ends of names tell more."""
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[-tail:]}"


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
