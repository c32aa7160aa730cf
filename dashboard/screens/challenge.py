"""A class at work: everyone judges the same suspicious set, and the truth comes at the end."""

from __future__ import annotations

import streamlit as st

from core.challenges import ATTEMPTS, COST_OF_HINT, FOR_LABEL, FOR_ROWS, LONGEST_NAME, Challenge, clean_name
from core.foundation.errors import InputError
from core.runs import share_text
from dashboard import access
from dashboard.address import adopt, publish
from dashboard.challenge import answer, board, game, keeping, look, teacher, truth
from dashboard.plain import as_is
from dashboard.widgets import as_sentence


def choose_challenge() -> Challenge | None:
    """A menu of the challenges, its choice in the address bar; None, with a word of what to do, where none can be shown."""
    folders = game.available()
    if not folders:
        st.info(
            "There is no challenge here. Make one of a finished run: "
            "`python -m core challenge make RUN --out challenges/first`",
            icon=":material/emoji_events:",
        )
        return None
    adopt("challenge", list(folders))
    titles = game.titles(folders)
    chosen = st.selectbox(
        "Challenge", list(folders), format_func=titles.__getitem__, key="challenge",
        help="Each is a training set of its own. One or more may be clean.",
    )  # fmt: skip
    publish("challenge")
    try:
        return game.open_folder(folders[chosen])
    except InputError as problem:
        st.error(f"This challenge cannot be shown: {as_is(problem)}. Choose another one.")
        return None


def who() -> None:
    """The name of the player or team: kept in the session, and nowhere else until an answer is submitted."""
    guarded = not access.visitor().is_owner
    st.text_input(
        "Your name, or your team's", key=keeping.TYPED, max_chars=LONGEST_NAME, placeholder="needed to submit", persist_state="session",
        help="As it shall stand on the board. Those who give the same name are one team: capitals make no difference. "
        + ("Who answers first under a name has it." if guarded else "A name is not protected: whoever gives yours can answer for you."),
        autocomplete="off",
    )  # fmt: skip
    keeping.keep_name()
    typed = str(st.session_state.get(keeping.TYPED) or "")
    try:
        st.session_state[game.NAME] = clean_name(typed) if typed.strip() else ""
    except InputError as problem:
        st.session_state[game.NAME] = ""
        st.error(as_sentence(str(problem)))
    if guarded:
        keeping.password()


def task(challenge: Challenge) -> None:
    st.html('<h2 class="sl-claim">Which label is poisoned, and which images would you remove?</h2>')
    st.markdown(
        f"Somebody may have slipped marked images of another kind under **one** of the {len(challenge.classes)} labels of this "
        "training set, so that a model learns a secret key. Or nobody has. **Look** at each label, put what you would remove "
        "into your **basket**, and **submit**."
    )
    with st.expander("How it is scored"):
        st.markdown(
            f"- **{FOR_LABEL} points** for the right label, or for saying rightly that nothing is poisoned.\n"
            f"- **{FOR_ROWS} points × F1** for the images. F1 weighs how much of the poison you removed (recall) against how "
            "much of what you removed is poison (precision): 2 × poison removed / (removed + poison).\n"
            f"- If nothing is poisoned, you have the {FOR_ROWS} points as long as you remove nothing; each removed image costs "
            f"{FOR_ROWS / challenge.assumed:.2g} of them.\n"
            f"- **−{COST_OF_HINT} points** if you look at SPECTRE's ranking of the labels.\n"
            f"- {ATTEMPTS} answers a team at most; the last one counts. Nobody sees a score before the truth is revealed."
        )
        st.caption(f"The truth is sealed: it cannot be changed any more, since this is its SHA-256. {challenge.seal}")


def told() -> None:
    """In place of the task, once there is none."""
    st.html('<h2 class="sl-claim">The truth is told.</h2>')
    st.markdown("Nothing is submitted any more. Look at what was there, and at who found it.")


def small_print(challenge: Challenge, revealed: bool) -> None:
    about = challenge.about
    st.caption(
        f"{as_is(challenge.title)} · {len(challenge.rows):,} training images in {len(challenge.classes)} labels · model {as_is(about.get('model'))}, "
        f"layer {as_is(about.get('layer'))} ({about.get('features')} features) · scores assume {challenge.assumed} poisons in each label, "
        f"however many there are · the model knows {share_text(about.get('accuracy'))} clean test images"
        + ("" if revealed else " · attack, seed and device are told after the reveal")
    )


st.html(board.CSS)
words, choice = st.columns([5, 3], gap="large")
with choice:
    played = choose_challenge()
    who()
if played is None:
    st.stop()
try:
    mine = game.open_game(played)
    known = mine.truth
except InputError as problem:
    st.error(as_sentence(str(problem)))
    st.stop()
with words:
    task(played) if known is None else told()
look.begin_anew(mine)
if known is not None:
    game.see("truth", mine.place)  # whoever's name shows it
    look.turn_to_poison(mine, known)
    truth.revealed(mine, known)
    board.board(mine)
look.look(played)
if known is None:
    form, others = st.columns([3, 2], gap="large")
    with form:
        answer.answer(played)
        teacher.reveal_to_me(mine)
    with others:
        board.board(mine)
teacher.desk(mine)
small_print(played, known is not None)
