"""PNG, SVG, CSV and full screen of every figure: mounted once by the app, it finds the figures of all pages by itself.

A figure says what its columns are called in the table by `figure.update_layout(meta={"columns": {"customdata":
"example id"}})`; without that a column is called x, y (with the title of the axis), customdata.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent
# No styles of its own world: the buttons stand in the page, beside the figures.
_watch = st.components.v2.component(
    "spectre_lens_export",
    js=(HERE / "export.js").read_text(encoding="utf-8"),
    css=(HERE / "export.css").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def offer() -> None:
    """Put the buttons under every figure, of whichever page comes next."""
    _watch(key="export")
