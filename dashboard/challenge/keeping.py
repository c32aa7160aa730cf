"""A reload loses nothing: the tab keeps the name, and for each challenge basket, label, and what was seen and sent."""

from __future__ import annotations

import json
import time
from typing import Any

import streamlit as st

from core.challenges import LONGEST_NAME, clean_name
from core.foundation.errors import InputError
from dashboard import access, lens
from dashboard.challenge.game import (
    NAME,
    PASSWORD,
    Game,
    changes,
    given,
    has_seen,
    is_taken,
    say_later,
    say_now,
    see,
    store,
)
from dashboard.widgets import as_sentence

TYPED = "name typed"  # the widget of the name
WHO = "challenge-name"
SEEN = ("hint", "truth")


def keep_name() -> None:
    """After the name's widget."""
    lens.keep(WHO, str(st.session_state.get(TYPED) or "").strip(), _take_name)


def _take_name() -> None:
    try:
        st.session_state[TYPED] = clean_name(lens.kept_of(WHO))
    except InputError:
        return  # somebody's own doing; the field stays empty


def password() -> None:
    """The field by which others of a team come in, where names are guarded."""
    st.text_input(
        "Your team's password", key=PASSWORD, type="password", max_chars=LONGEST_NAME, placeholder="only if several play",
        persist_state="session", autocomplete="off", on_change=_come_in,
        help="The first answer takes the name together with this password; with it others of your team answer too, each from "
        "a device of their own. Do not use one that you use elsewhere.",
    )  # fmt: skip
    say_now("name")


def _come_in() -> None:
    """A password that was typed for a name of another device: a wrong one is answered slowly."""
    answers, name = store(), str(st.session_state.get(NAME) or "")
    try:
        if given() and is_taken(answers, name):
            answers.claim(name, access.known_visitor().key, given())
    except InputError as problem:
        time.sleep(1.0)
        say_later("name", "error", as_sentence(str(problem)))


def keep_answer(game: Game, choices: list[str]) -> None:
    """The basket, which of the choices is chosen, and what was seen and sent."""
    chosen = st.session_state.get(
        chosen_key(game), st.session_state.get("chosen labels", {}).get(game.place, choices[0])
    )
    seen = [what for what in SEEN if has_seen(what, game.place)]
    held: dict[str, Any] = {"basket": sorted(game.basket), "choice": chosen, "seen": seen, "sent": game.sent}
    is_new = not game.basket and chosen == choices[0] and not seen and not game.sent
    lens.keep(_name(game), "" if is_new else json.dumps(held), changes(lambda: _take_answer(game, choices)))


def chosen_key(game: Game) -> str:
    """The key of the widget that holds the chosen label."""
    return f"answer {game.place}"


def _take_answer(game: Game, choices: list[str]) -> None:
    """What the tab gives back is read with suspicion, as everything that a browser sends."""
    try:
        held = json.loads(lens.kept_of(_name(game)))
        basket = {i for i in held["basket"] if type(i) is int and 0 <= i < len(game.challenge.rows)}
        choice, seen = held["choice"], [what for what in SEEN if what in held["seen"]]
        sent = {str(team): int(attempt) for team, attempt in held["sent"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return
    game.basket.update(basket)
    if choice in choices:
        st.session_state[chosen_key(game)] = choice
    game.sent.update(sent)
    for what in seen:
        see(what, game.place)


def _name(game: Game) -> str:
    return f"challenge-{game.place}"
