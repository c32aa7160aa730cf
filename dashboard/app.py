"""Spectre Lens: `streamlit run dashboard/app.py`."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

# `streamlit run` puts this folder on the path, not the project.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dashboard import access, address, export, lens, settled
from dashboard.theme import CSS

ICON = Path(__file__).resolve().parents[1] / "assets" / "icon.png"  # a named icon would be fetched from elsewhere
st.set_page_config(page_title="Spectre Lens", page_icon=str(ICON), layout="wide")
st.html(CSS)
export.offer()
lens.follow_theme()
settled.set_modules_aside()
access.admit()
screens = Path(__file__).parent / "screens"  # not "pages": Streamlit would list that folder by itself
page = st.navigation(
    [
        st.Page(screens / "story.py", title="Story", icon=":material/auto_stories:", default=True),
        st.Page(screens / "lab.py", title="Lab", icon=":material/science:", url_path="lab"),
        st.Page(screens / "inspect.py", title="Inspect", icon=":material/search_insights:", url_path="inspect"),
        st.Page(screens / "compare.py", title="Compare", icon=":material/compare_arrows:", url_path="compare"),
        st.Page(screens / "audit.py", title="Audit", icon=":material/policy:", url_path="audit"),
        st.Page(screens / "runs.py", title="Runs", icon=":material/list_alt:", url_path="runs"),
        st.Page(screens / "evidence.py", title="Evidence", icon=":material/fact_check:", url_path="evidence"),
        st.Page(screens / "challenge.py", title="Challenge", icon=":material/emoji_events:", url_path="challenge"),
    ],
    position="top",
)
with address.turned_to(page.url_path):
    page.run()
