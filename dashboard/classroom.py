"""The challenges alone, for a class that comes in over the network: `python -m core challenge serve`.

The full dashboard trains models and reads files for whoever reaches it, which is nothing to offer to forty guests.
"""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

# `streamlit run` puts this folder on the path, not the project.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dashboard import access, address, export, lens, settled
from dashboard.theme import CSS

ICON = Path(__file__).resolve().parents[1] / "assets" / "icon.png"
st.set_page_config(page_title="Spectre Lens: challenge", page_icon=str(ICON), layout="wide")
st.html(CSS)
export.offer()
lens.follow_theme()
settled.set_modules_aside()
access.admit()
page = Path(__file__).parent / "screens" / "challenge.py"
shown = st.navigation(
    [st.Page(page, title="Challenge", icon=":material/emoji_events:", default=True)], position="hidden"
)
with address.turned_to("challenge"):
    shown.run()
