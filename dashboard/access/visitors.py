"""Who is there: somebody who has logged in, somebody whom a proxy names, a browser, or the owner at his own machine."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import streamlit as st

from core.foundation.errors import InputError
from dashboard import lens
from dashboard.access.owner import Settings

SECRET = re.compile(r"[0-9a-f]{32}")
HELD, COMPONENT = "visitor's secret", "visitor"  # of the session
COOKIE = "spectre_lens_visitor"


@dataclass(frozen=True)
class Visitor:
    """key: a hash that his runs carry; empty for the owner, and for somebody of whom nothing is known yet."""

    key: str
    is_owner: bool

    @property
    def is_known(self) -> bool:
        return self.is_owner or bool(self.key)


OWNER, NOBODY = Visitor("", True), Visitor("", False)


def settings() -> Settings:
    """Raises InputError where the owner has set something that is no value."""
    return Settings.read()


def is_served() -> bool:
    """Whether others than the owner may be there: as it was set, else unless the server answers this machine alone."""
    said = settings().served
    return not _is_loopback(st.get_option("server.address")) if said is None else said


def _is_loopback(address: str | None) -> bool:
    if address == "localhost":
        return True
    try:
        return ip_address(address or "").is_loopback
    except ValueError:
        return False  # no address at all is every address


def visitor() -> Visitor:
    """Who runs this page. A login goes before a proxy's word, and that before the browser's secret."""
    if not is_served():
        return OWNER
    set_ = settings()
    if has_login():
        return _logged_in(set_) if st.user.get("is_logged_in") else NOBODY
    if set_.header:
        name = str(st.context.headers.get(set_.header) or "").strip()
        return _named(name, {name}, set_) if name else NOBODY
    secret = st.session_state.get(HELD) or _in_cookie()
    return Visitor(hashed("browser", secret), False) if secret else NOBODY


def known_visitor() -> Visitor:
    """The same, where something is to be kept of it. Raises InputError while nothing is known."""
    if not (who := visitor()).is_known:
        raise InputError("it is not known yet who you are; wait a moment, or let this site keep data in your browser")
    return who


def has_login() -> bool:
    """Whether Streamlit's own login is set up, in secrets.toml."""
    return bool(st.secrets.load_if_toml_exists()) and "auth" in st.secrets


def _logged_in(set_: Settings) -> Visitor:
    """By the provider and its name for the account, which never changes hands; an address only if the provider vouches for it."""
    user: dict[str, Any] = st.user.to_dict()
    account = str(user.get("sub") or "")
    if not account:
        return NOBODY
    known_as = {account, str(user.get("email") or "") if user.get("email_verified") is True else account}
    return _named(f"{user.get('iss', '')} {account}", known_as, set_)


def _named(name: str, known_as: set[str], set_: Settings) -> Visitor:
    is_owner = any(word.lower() in set_.owners for word in known_as)
    return OWNER if is_owner else Visitor(hashed("name", name), False)


def hashed(kind: str, text: str) -> str:
    """32 hexadecimal digits: what is kept of a visitor. kind: so that no browser can pass for a name."""
    return hashlib.blake2b(text.encode(), digest_size=16, person=kind.encode()).hexdigest()


def _in_cookie() -> str:
    """What the browser sent when it connected; empty where that is no secret."""
    given = str(st.context.cookies.get(COOKIE) or "")
    return given if SECRET.fullmatch(given) else ""


def ask_browser() -> None:
    """Once on every page: where neither a login nor a proxy tells visitors apart, a cookie does; at the first visit it is made."""
    if is_served() and not has_login() and not settings().header and not _in_cookie():
        _make_cookie()


@st.fragment  # who is new has nothing here yet, so the page need not run again
def _make_cookie() -> None:
    base = "/" + str(st.get_option("server.baseUrlPath") or "").strip("/")
    lens.secret(COMPONENT, COOKIE, base, bool(st.session_state.get(HELD)), _take_secret)


def _take_secret() -> None:
    """The first one holds for the session; a browser may send anything."""
    given = lens.secret_of(COMPONENT)
    if SECRET.fullmatch(given) and not st.session_state.get(HELD):
        st.session_state[HELD] = given


def is_same(one: str, other: str) -> bool:
    """Whether two hashes are of one visitor; never where one is empty."""
    return bool(one and other) and hmac.compare_digest(one, other)
