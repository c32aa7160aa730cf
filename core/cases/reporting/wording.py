"""Numbers and names of a report in words."""

from __future__ import annotations

from collections.abc import Sequence


def p_text(p: float | None) -> str:
    """A p-value as it is said: "p < 0.001", "p = 0.004"."""
    if p is None:
        return ""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def share(part: int, whole: int) -> str:
    """A share with as many digits as the number of rows allows."""
    if not whole:
        return "-"
    return f"{100 * part / whole:.{1 if whole >= 500 else 0}f} %"


def rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def listed(words: Sequence[str], most: int = 6) -> str:
    """ "a", "a and b", "a, b and 7 more"."""
    shown = list(words[:most])
    left = len(words) - len(shown)
    last = f"{left:,} more" if left else shown.pop() if len(shown) > 1 else ""
    return ", ".join(shown) + (f" and {last}" if last else "")


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """With a capital at the beginning and a stop at the end."""
    text = text.strip()
    return capital(text) + ("" if text.endswith((".", "?", "!")) or not text else ".")
