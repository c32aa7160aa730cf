"""Numbers as a person reads them."""

from __future__ import annotations


def number(value: float) -> str:
    """A score as a person reads it: three digits, no exponent below a million."""
    return f"{value:,.0f}" if 100 <= abs(value) < 1e6 else f"{value:.3g}"
