"""Reveal, spreadsheet and reset: for the teacher where a code is set, else each visitor reveals to himself."""

from __future__ import annotations

import streamlit as st

from core.challenges import as_csv
from core.foundation.errors import InputError
from dashboard import access
from dashboard.challenge.game import Game, is_teachers_code, say_later, say_now, see, teacher_code
from dashboard.plain import as_is
from dashboard.widgets import as_sentence

KNOWN = "is teacher"  # of the session


def reveal_to_me(game: Game) -> None:
    """Without a teacher's code: a visitor who has answered may see the truth, and answers no more."""
    if teacher_code() or game.revealed or game.last is None:
        return
    with st.container(border=True):
        st.markdown("**Done?** See the truth and your score. You cannot submit again afterwards.")
        st.caption(
            "This dashboard has no teacher's code, so everybody can reveal it. For a class, serve it with one "
            "(`python -m core challenge serve --teacher-code ...`): the truth then comes to all at once."
        )
        st.button(
            "Reveal the truth to me", icon=":material/visibility:", key="reveal-me", on_click=_reveal, args=(game,)
        )


def desk(game: Game) -> None:
    """The teacher's drawer."""
    if not teacher_code():
        return
    # a widget, so that it stays open where the page around it turns
    with st.expander("Teacher", icon=":material/school:", key="desk", on_change="rerun"):
        say_now("teacher")
        if not st.session_state.get(KNOWN):
            st.text_input("Teacher's code", type="password", key="code", on_change=_sign_in, autocomplete="off")
            st.caption("The code that the dashboard was started with.")
            return
        _tools(game)


def _sign_in() -> None:
    st.session_state[KNOWN] = is_teachers_code(str(st.session_state.get("code", "")))
    if not st.session_state[KNOWN]:
        say_later("teacher", "error", "That is not the teacher's code.")


def _tools(game: Game) -> None:
    with st.container(horizontal=True):
        st.button(
            "Reveal to everyone", icon=":material/visibility:", key="reveal-all", disabled=game.revealed, type="primary",
            on_click=_reveal, args=(game, True), help="Nothing is taken afterwards. All open pages turn within seconds.",
        )  # fmt: skip
        st.download_button(
            "Board as CSV", lambda: _table(game), f"{game.challenge.id}-board.csv", "text/csv",
            icon=":material/download:", key="csv", on_click="ignore", help="The board as it is when you press.",
        )  # fmt: skip
    names = {entry.name for entry in game.store.board(game.seal)}
    if access.is_served() and names:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            freed = st.selectbox("Team", sorted(names), key="freed", width=260)
            st.button(
                "Free its name", icon=":material/lock_open:", key="free", on_click=_free, args=(game, freed),
                help="For a team that has lost its browser or its password: who answers next under it has it.",
            )  # fmt: skip
    sure = st.checkbox("I want to forget all answers of this challenge", key="sure")
    st.button(
        "Start anew", icon=":material/restart_alt:", key="reset", disabled=not sure, on_click=_reset, args=(game,)
    )


def _free(game: Game, name: str) -> None:
    if not st.session_state.get(KNOWN):
        return
    try:
        game.store.release(name)
        say_later("teacher", "success", f"The name {as_is(name)} is free.")
    except InputError as problem:
        say_later("teacher", "error", as_sentence(str(problem)))


def _table(game: Game) -> bytes:
    """The board as a spreadsheet, read when it is asked for. Raises InputError."""
    return as_csv(game.store.board(game.seal), game.challenge.classes).encode("utf-8-sig")  # with the mark for Excel


def _reveal(game: Game, everyone: bool = False) -> None:
    if everyone and not st.session_state.get(KNOWN):
        return
    try:
        if not everyone:
            game.claim()
        game.store.reveal(game.seal, None if everyone else game.name)
        if not everyone:
            see("truth", game.place)
    except InputError as problem:
        say_later("teacher", "error", as_sentence(str(problem)))


def _reset(game: Game) -> None:
    if not st.session_state.get(KNOWN):
        return
    st.session_state["sure"] = False
    try:
        gone = game.store.reset(game.seal)
    except InputError as problem:
        say_later("teacher", "error", as_sentence(str(problem)))
        return
    say_later(
        "teacher", "success", f"Forgotten: {gone} answers. The challenge is open again, and every basket is empty."
    )
