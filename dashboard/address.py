"""The address bar holds what a page shows; what it holds is checked, and nonsense is quietly put right."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

LONGEST = 1500  # characters of an address that every browser and chat carries
MOST = 1_000_000  # ids that an address may name; runs of neighbours would hold any number
LAG = 2.0  # seconds in which a browser may still hold what was before, on top of what a page takes to run
RUNS = 3  # as many runs of a slow page may stand between what it wrote and what it hears


def lag() -> float:
    """Seconds in which a browser may still hold what was before: more where this page takes long, as on a busy server."""
    return LAG + RUNS * float(st.session_state.get("page turn", {}).get("seconds", 0.0))


def fresh(left: dict[Any, float]) -> dict[Any, float]:
    """Of values that a page replaced, and when, those that the browser may still hold."""
    now, longest = time.monotonic(), lag()
    return {old: when for old, when in left.items() if now - when < longest}


def is_stepped() -> bool:
    """Whether this run of the page answers the browser's Back or Forward: then the address is all that counts, and what it does
    not name is as it is at first."""
    return bool(getattr(get_script_run_ctx(suppress_warning=True), "is_history_navigation", False))


def last(key: str) -> str:
    """What a page wrote into the address last, as text; also a page before this one, whose widgets Streamlit has forgotten."""
    return str(st.session_state.get(f"{key} said", ("", {}, None))[0])


def news(key: str, held: str = "") -> str:
    """What the address says of a key, if it is neither what the page wrote there last nor what stood there before.

    While somebody presses a key again and again, the browser's address is behind, perhaps by several presses: it must
    not win over the widget. By the clock alone a slow server would lose presses; so where the visitor has changed the
    very thing in the same moment (what the session holds under `held`, the key itself if not named, is no more what it
    was when the address was written), an old address stays behind until the browser is seen to have heard the new one.
    """
    asked = str(st.query_params.get(key, ""))
    said, left, was = st.session_state.get(f"{key} said", ("", {}, None))
    if is_stepped():
        return asked
    if asked == said:
        st.session_state[f"{key} said"] = (said, fresh(left), was)
        return ""
    has_changed = st.session_state.get(held or key) != was
    return "" if asked in (left if has_changed else fresh(left)) else asked


def refuse(key: str) -> None:
    """Say, once, that the address holds something that does not fit."""
    refused = st.session_state.setdefault("refused", [])
    asked = f"{key}={st.query_params.get(key, '')}"
    if asked not in refused:
        refused.append(asked)
        st.toast(
            f"The address names a “{key}” that does not fit here; it was left out.",
            icon=":material/link_off:",
            duration="long",
        )


@contextmanager
def turned_to(page: str) -> Iterator[None]:
    """Around a page that runs: note whether it is another one than before, count the runs that come to their end, time them.

    Streamlit forgets what a widget held once a run has ended without it, a run later than the browser does: when the widget
    comes back, on the next page or under another question, it must be told anew. A run that is stopped, by `st.stop` or by
    the next press of a key, counts for none. The fragments of a page run again without this, and know their widgets.
    """
    before = st.session_state.get("page turn", {"runs": 0, "placed": {}})
    turn = {**before, "is new": st.session_state.get("page shown") != page}
    st.session_state["page turn"] = turn
    st.session_state["page shown"] = page
    began = time.monotonic()
    try:
        yield
        turn["runs"] += 1
        turn["seconds"] = time.monotonic() - began
    finally:  # also where the page stops or starts over; it may then write nothing into the session any more
        turn["is new"] = False


def _is_turned() -> bool:
    """Whether this is the first run of a page after another one."""
    return bool(st.session_state.get("page turn", {}).get("is new"))


def _comes_back(key: str) -> bool:
    """Before a widget is placed: whether it was not there when a run last came to its end."""
    turn = st.session_state.get("page turn")
    if turn is None:
        return False
    last = turn["placed"].get(key, -2)
    turn["placed"][key] = turn["runs"]
    return bool(turn["is new"] or last < turn["runs"] - 1)


def _asked(key: str, remembers: bool) -> str:
    """What the address asks for that the widget of that key does not already know."""
    if remembers and not _is_turned():
        return news(key)
    return str(st.query_params.get(key, ""))


def adopt(key: str, options: Sequence[str], *, quiet: bool = False, default: str = "") -> None:
    """Before a widget of that key is placed: take its value from the address if that is new and one of the options.

    A link into the page wins over what the session remembers; a value that is not an option gives way to the default, which
    is the first where none is named, and is said to do so unless quiet.
    """
    held, back = st.session_state.get(key, last(key)), _comes_back(key)
    asked = _asked(key, held in options)
    if asked in options:
        st.session_state[key] = asked
        return
    if asked and not quiet:
        refuse(key)
    if held not in options or is_stepped():
        st.session_state[key] = default or options[0]
    elif back:
        st.session_state[key] = held


def publish(key: str) -> None:
    """After the widget: write its value into the address."""
    write(key, st.session_state[key])


def adopt_number(name: str, low: float, high: float, default: float, *, key: str = "") -> None:
    """As `adopt`, for a whole number between bounds. key: of the widget, where it is not the name in the address."""
    key = key or name
    if key not in st.session_state and (before := _whole(last(name), low, high)) is not None:
        st.session_state[key] = before
    remembers, back = low <= st.session_state.get(key, low - 1) <= high, _comes_back(key)
    asked = _asked(name, remembers)
    if (number := _whole(asked, low, high)) is not None:
        st.session_state[key] = number
        return
    if asked:
        refuse(name)
    if is_stepped() or not low <= st.session_state.get(key, low - 1) <= high:
        st.session_state[key] = default
    elif back:
        st.session_state[key] = st.session_state[key]


def _whole(text: str, low: float, high: float) -> int | None:
    """A whole number between bounds; None for any other text."""
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    return int(text) if is_number and low <= int(text) <= high else None


def adopt_list(key: str, options: Sequence[str], default: Sequence[str]) -> None:
    """As `adopt` for several choices at once, "spectre,spectral" in the address; what is no option is dropped."""
    back = _comes_back(key)
    asked = _asked(key, key in st.session_state)[:LONGEST]
    new = [option for option in asked.split(",") if option in options]
    held = st.session_state.get(key) or [option for option in last(key).split(",") if option in options]
    usual = default if is_stepped() or (not held and key not in st.session_state) else held
    now = list(dict.fromkeys(new)) or [option for option in usual if option in options]
    if now != held or back:
        st.session_state[key] = now


def publish_list(key: str) -> None:
    """After the widget: write its choices into the address."""
    write(key, ",".join(st.session_state[key]))


def adopt_switch(key: str) -> bool:
    """As `adopt`, for a switch, "true" in the address where it is on. Returns whether the address has turned it on just now."""
    back = _comes_back(key)
    asked = _asked(key, key in st.session_state)
    if asked or is_stepped():
        st.session_state[key] = asked == "true"
    elif back:
        st.session_state[key] = st.session_state.get(key, last(key) == "true")
    return asked == "true"


def publish_switch(key: str) -> None:
    """After the widget: write it into the address where it is on."""
    write(key, "true" if st.session_state[key] else None)


def write(key: str, value: str | None, held: str = "") -> None:
    """Put a value into the address, or take it out, without a rerun where nothing changes. held: as for `news`."""
    text = value or ""
    said, left, _ = st.session_state.get(f"{key} said", ("", {}, None))
    if text != said:
        left = {**left, said: time.monotonic()}
    # left: what was written before, and when that was over
    st.session_state[f"{key} said"] = (text, left, st.session_state.get(held or key))
    if not text:
        if key in st.query_params:
            del st.query_params[key]
    elif st.query_params.get(key) != text:
        st.query_params[key] = text


def ids_to_text(ids: Sequence[int]) -> str:
    """Example ids as the address holds them: runs of neighbours in base 36, "2s-2z.4f"; empty where they are too many."""
    parts: list[tuple[int, int]] = []
    for example in sorted(ids):
        if parts and example == parts[-1][1] + 1:
            parts[-1] = (parts[-1][0], example)
        else:
            parts.append((example, example))
    text = ".".join(_base36(a) if a == b else f"{_base36(a)}-{_base36(b)}" for a, b in parts)
    return text if len(text) <= LONGEST else ""


def ids_from_text(text: str) -> list[int]:
    """What `ids_to_text` wrote; an empty list for anything else, so that nonsense selects nothing."""
    if len(text) > LONGEST or not re.fullmatch(
        r"[0-9a-z]{1,7}(-[0-9a-z]{1,7})?(\.[0-9a-z]{1,7}(-[0-9a-z]{1,7})?)*", text
    ):
        return []
    found: list[int] = []
    for part in text.split("."):
        first, _, last = part.partition("-")
        low, high = int(first, 36), int(last or first, 36)
        if high < low or len(found) + high - low >= MOST:
            return []
        found += range(low, high + 1)
    return found


def asked_ids(key: str, held: str, nothing: Any) -> list[int] | None:
    """The ids that the address newly names, none for nonsense; None where it names nothing new.

    held: where the session keeps them; that is `nothing` where a step back leads to an address without any.
    """
    if asked := news(key, held):
        return ids_from_text(asked)
    if is_stepped():
        st.session_state[held] = nothing
    return None


def _base36(value: int) -> str:
    return np.base_repr(value, 36).lower()
