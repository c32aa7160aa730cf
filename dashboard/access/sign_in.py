"""The door: what every page places first."""

from __future__ import annotations

import streamlit as st

from core.foundation.errors import InputError
from dashboard.access.visitors import ask_browser, has_login, is_served, settings, visitor
from dashboard.plain import as_is


def admit() -> None:
    """Let the visitor in, or stop the page: where a login is set up and nobody has logged in, or a setting is no value."""
    try:
        settings()
    except InputError as problem:
        st.error(f"This server is not set up rightly: {as_is(problem)}.")
        st.stop()
    if not is_served():
        return
    if has_login():
        _login()
    elif settings().header and not visitor().is_known:
        st.error(
            "The proxy in front of this server does not say who you are; open the address that your team uses.",
            icon=":material/lock:",
        )
        st.stop()
    ask_browser()


def _login() -> None:
    if st.user.get("is_logged_in"):
        return
    st.html('<h2 class="sl-claim">Spectre Lens</h2>')
    st.markdown("This laboratory is for those who log in.")
    st.button("Log in", type="primary", icon=":material/login:", on_click=st.login)
    st.stop()
