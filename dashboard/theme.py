"""Colours and type, the same on every screen. One meaning a colour (Okabe-Ito)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CLEAN = "#0072B2"
POISON = "#D55E00"
TRUSTED = "#009E73"
SELECTED = "#CC79A7"
UNKNOWN = "#8A949E"


@dataclass(frozen=True)
class Palette:
    """What differs between light and dark: ink, faint lines, and the two colours that need more light on black."""

    ink: str
    faint: str
    ground: str
    clean: str = CLEAN
    poison: str = POISON
    trusted: str = TRUSTED
    selected: str = SELECTED
    unknown: str = UNKNOWN


LIGHT = Palette(ink="#0F1720", faint="#E3E8ED", ground="#FFFFFF")
DARK = Palette(ink="#E7EBF0", faint="#2A323B", ground="#11151A")


def palette(kind: str | None) -> Palette:
    """The palette of Streamlit's theme type, "light" or "dark"."""
    return DARK if kind == "dark" else LIGHT


def layout(colours: Palette, **extra: Any) -> dict[str, Any]:
    """What every figure shares: transparent ground, quiet grid, room for an axis title, zoom kept across redraws."""
    axis = {
        "gridcolor": colours.faint,
        "zerolinecolor": colours.faint,
        "linecolor": colours.faint,
        "title": {"font": {"size": 13}},
        "tickfont": {"size": 12},
    }
    base: dict[str, Any] = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": colours.ink, "family": "Source Sans, sans-serif", "size": 14},
        "margin": {"l": 56, "r": 12, "t": 34, "b": 48},
        "xaxis": axis,
        "yaxis": axis,
        "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "itemsizing": "constant"},
        "hoverlabel": {"font": {"size": 13}},
        "uirevision": "keep",
        "dragmode": "zoom",
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": colours.unknown, "activecolor": colours.ink},
    }
    if "yaxis2" in extra:
        base["yaxis2"] = {**axis, "overlaying": "y", "side": "right", "showgrid": False}
    return _merged(base, extra)


def _merged(base: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """`extra` over `base`, nested mappings merged too."""
    both = dict(base)
    for name, value in extra.items():
        known = both.get(name)
        both[name] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return both


CSS = """
<style>
[data-testid^="stBaseButton-primary"], [data-testid^="stBaseButton-primary"]:hover { color: light-dark(#FFFFFF, #11151A); }
[data-testid="stMultiSelect"] [data-tag], [data-testid="stMultiSelect"] [data-tag] :is(span, button) { color: light-dark(#FFFFFF, #11151A); }
.st-key-defenses [data-testid="stMultiSelectTagsContainer"] { flex-wrap: wrap; row-gap: 4px; } /* each name in full */
.st-key-defenses [data-testid="stMultiSelect"] :has(> [data-testid="stMultiSelectTagsContainer"]) { max-height: none; height: auto; }
.katex-display { padding: 4px 2px 4px 0; } /* a root reaches 2 px too far, and would make a box that scrolls by them */
[data-testid^="stBaseButton-primary"] kbd { color: inherit !important; opacity: 1 !important; }
[data-testid="stCode"] :is(pre, code, code span) { white-space: pre-wrap !important; overflow-wrap: anywhere; } /* the keyboard cannot scroll it */
.sl-grid { display: flex; flex-wrap: wrap; gap: 12px 14px; }
.sl-grid figure { margin: 0; width: var(--side); }
.sl-grid img { width: var(--side); height: var(--side); image-rendering: pixelated; display: block; border-radius: 3px;
  outline: 1px solid rgba(128, 140, 150, .35); }
.sl-grid figcaption { font-size: .8rem; line-height: 1.25; padding-top: 4px; overflow-wrap: anywhere; }
.sl-grid .sl-poison img { outline: 3px solid #D55E00; }
.sl-grid .sl-clean img { outline: 3px solid #0072B2; }
.sl-grid .sl-fooled img { outline: 3px dashed currentColor; outline-offset: -1px; }
.sl-grid .sl-focus img { box-shadow: 0 0 0 6px #CC79A7; }
.sl-legend { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: .9rem; align-items: center; }
.sl-legend i { display: inline-block; width: 11px; height: 11px; margin-right: 6px; border-radius: 50%; }
.sl-legend i.diamond { border-radius: 1px; transform: rotate(45deg) scale(.85); }
.sl-legend i.ring { background: none; border: 2px solid; box-sizing: border-box; width: 14px; height: 14px; vertical-align: -2px; }
.st-key-ground, [class*="st-key-keep-"] { display: none; }
.sl-phone { display: none; }
@media (max-width: 640px) {
  .sl-wide { display: none; } .sl-phone { display: inline; }
  .st-key-story-bar > div:first-child, .st-key-audit-bar > div:first-child { flex: 1 0 100%; }
  .st-key-story-bar kbd, .st-key-story-bar .st-key-enter { display: none; }
  .st-key-story-answers figure:nth-child(n + 13), .st-key-story-first-set figure:nth-child(n + 7),
  .st-key-story-last-set figure:not(:nth-last-child(-n + 6)) { display: none; }
}
.sl-large { width: 100%; max-width: 180px; image-rendering: pixelated; border-radius: 4px; outline: 1px solid rgba(128, 140, 150, .35); }
@media (max-width: 640px) { /* Inspect in one column: what one came to see first, the controls after it */
  .st-key-inspect [data-testid="stHorizontalBlock"]:has(.st-key-inspect-run) { flex-direction: column; flex-wrap: nowrap; }
  .st-key-inspect [data-testid="stColumn"]:has([class*="st-key-inspect-"]),
  .st-key-inspect [data-testid="stColumn"]:has([class*="st-key-inspect-"]) > [data-testid="stVerticalBlock"],
  .st-key-inspect-lower, .st-key-inspect [data-testid="stHorizontalBlock"]:has(.st-key-inspect-scores):not(:has(.st-key-inspect-run)),
  .st-key-inspect [data-testid="stLayoutWrapper"]:has(> [class*="st-key-inspect-"]),
  .st-key-inspect-lower [data-testid="stLayoutWrapper"]:has(> [data-testid="stHorizontalBlock"]) { display: contents; }
  .st-key-inspect-run { order: 1; } .st-key-inspect-truth { order: 2; } .st-key-inspect-scores { order: 3; }
  .st-key-inspect-planes { order: 4; } .st-key-inspect-counts { order: 5; } .st-key-inspect-images { order: 6; }
  .st-key-inspect-card, .st-key-inspect-card-open { order: 7; }
  .st-key-inspect-card-open { position: sticky; bottom: 0; z-index: 9; max-height: 46vh; overflow-y: auto; background: var(--st-background-color, Canvas);
    box-shadow: 0 -4px 14px rgba(0, 0, 0, .25); }
  .st-key-inspect-card-open .sl-large { max-width: 96px; } .st-key-inspect-controls { order: 8; } .st-key-inspect-roc { order: 9; }
  .st-key-inspect-guess { order: 10; } .st-key-inspect-more { order: 11; }
}
.sl-claim { font-size: 1.55rem; line-height: 1.25; font-weight: 600; margin: 0 0 .4rem 0; }
.sl-small { font-size: .85rem; opacity: .75; }
</style>
"""
