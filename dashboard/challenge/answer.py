"""The answer: a label, the basket, and what is still missing before it can be submitted."""

from __future__ import annotations

import re

import streamlit as st

from core.challenges import ATTEMPTS, COST_OF_HINT, Challenge, read_hint
from core.foundation.errors import InputError
from dashboard import access, tiles
from dashboard.challenge.gallery import take_clicks
from dashboard.challenge.game import NAME, Game, catch_up, changes, open_game, say_later, say_now, see
from dashboard.challenge.keeping import chosen_key, keep_answer
from dashboard.challenge.pictures import sources
from dashboard.plain import as_is
from dashboard.widgets import as_sentence

NOTHING, OPEN = "nothing", "open"
SHOWN = 12  # images of the basket
LONGEST = 5000  # characters of ids written by hand
IDS = re.compile(r"\s*\d{1,7}(\s*-\s*\d{1,7})?\s*")


@st.fragment
def answer(challenge: Challenge) -> None:
    """The form of one team. A part of its own: to choose a label here redraws no picture above."""
    catch_up()
    st.subheader("Your answer")
    try:
        game = open_game(challenge)
    except InputError as problem:
        st.error(as_sentence(str(problem)))
        return
    keep_answer(game, choices(game))
    choice = _choose(game)
    if choice == NOTHING:
        st.caption("Nothing is poisoned, so nothing is removed: your basket is not sent.")
    else:
        _basket(game)
    if game.is_shared and access.is_served():  # names are guarded: the team is this visitor's
        st.info(
            f"The last answer of “{game.name}” came from another tab or device of your team; the last one counts.",
            icon=":material/group:",
        )
    elif game.is_shared:
        st.warning(
            f"The last answer of “{game.name}” came from another browser. If that is not your team, give another name: the last "
            "answer of a name is the one that counts.",
            icon=":material/group:",
        )
    missing = _missing(game, choice)
    left = ATTEMPTS - (game.last.attempt if game.last else 0)
    st.button(
        "Submit" if game.last is None else "Submit again", type="primary", icon=":material/send:", key="submit",
        disabled=missing is not None, on_click=changes(_submit), args=(game,),
    )  # fmt: skip
    say_now("answer")
    if missing:
        st.caption(missing)
    elif game.last:
        st.caption(f"{left} of {ATTEMPTS} answers left; the last one counts.")
    else:
        st.caption(f"You may answer {ATTEMPTS} times; the last one counts. Scores are shown after the reveal.")
    _hint(game)


def choices(game: Game) -> list[str]:
    """What can be chosen: nothing yet, that nothing is poisoned, or a label."""
    return [OPEN, NOTHING, *map(str, range(len(game.challenge.classes)))]


def _choose(game: Game) -> str:
    classes = game.challenge.classes
    names = {OPEN: "choose …", NOTHING: "Nothing is poisoned"}
    key, kept = chosen_key(game), st.session_state.setdefault("chosen labels", {})
    if key not in st.session_state and game.place in kept:  # Streamlit forgets it while another challenge is shown
        st.session_state[key] = kept[game.place]
    chosen = str(
        st.selectbox(
            "Which label looks poisoned?", choices(game), key=chosen_key(game),
            format_func=lambda o: names.get(o) or f"{classes[int(o)]}",
        )
    )  # fmt: skip
    kept[game.place] = chosen
    return chosen


def _basket(game: Game) -> None:
    """What is in the basket, and ways to change it by hand."""
    basket, challenge = game.basket, game.challenge
    if not basket:
        st.info(
            "The basket is empty. Put images in above: by the cut, by a lasso, or by clicking them.",
            icon=":material/shopping_basket:",
        )
    else:
        labels = challenge.rows["label"].to_numpy()[sorted(basket)]
        counts = [(int((labels == i).sum()), name) for i, name in enumerate(challenge.classes)]
        parts = ", ".join(f"{n} labelled {as_is(name)}" for n, name in counts if n)
        st.markdown(f"**{len(basket)} in the basket**: {parts}")
        some = sorted(basket)[:SHOWN]
        st.html(tiles.grid(sources(challenge, some), [f"id {i}" for i in some], side=52))
        if len(basket) > SHOWN:
            st.caption(f"the first {SHOWN} of {len(basket)}, by id")
        st.button("Empty the basket", icon=":material/delete:", on_click=changes(basket.clear), key="empty")
    with st.expander("Add or remove by id", key="by-id"):
        st.text_input("Ids", key="ids", placeholder="12, 40-44", help="Single ids and ranges, with commas between.")
        with st.container(horizontal=True):
            st.button("Add", key="add-ids", on_click=changes(_by_id), args=(game, True))
            st.button("Remove", key="remove-ids", on_click=changes(_by_id), args=(game, False))


def _by_id(game: Game, add: bool) -> None:
    try:
        ids = parse_ids(str(st.session_state.get("ids", "")), len(game.challenge.rows))
    except InputError as problem:
        say_later("answer", "error", as_sentence(str(problem)))
        return
    (game.basket.update if add else game.basket.difference_update)(ids)


def parse_ids(text: str, n: int) -> set[int]:
    """Ids 0..n-1 in words: "12, 40-44". Raises InputError."""
    if len(text) > LONGEST:
        raise InputError(f"that is too long; write at most {LONGEST:,} characters, or use the cut and the lasso")
    found: set[int] = set()
    for part in text.split(","):
        if not IDS.fullmatch(part):
            raise InputError(f"'{part.strip()[:20]}' is no id; write ids like 12, 40-44")
        first, _, last = part.partition("-")
        low, high = int(first), int(last or first)
        if not low <= high < n:
            raise InputError(f"'{part.strip()}' is outside of the ids 0 to {n - 1:,}")
        found |= set(range(low, high + 1))
    return found


def _missing(game: Game, choice: str) -> str | None:
    """What has to be done before the answer can be sent, in words; None where nothing is missing."""
    if game.last and game.last.attempt >= ATTEMPTS:
        return f"You have answered {ATTEMPTS} times; your last answer counts."
    if game.taken:
        return f"The name “{as_is(game.name)}” is another team's. Give another at the top of the page, or your team's password."
    if not game.name:
        return "Say who you are, at the top of the page, to submit."
    if choice == OPEN:
        return "Choose a label, or “Nothing is poisoned”."
    if choice != NOTHING and not game.basket:
        return "Put the images that you would remove into the basket."
    return None


def _submit(game: Game) -> None:
    """The button's work. Name, label and basket are read again: the page may be older than they are."""
    take_clicks(game)  # images that were clicked just before
    game.name = str(st.session_state.get(NAME, ""))
    choice = str(st.session_state.get(chosen_key(game), OPEN))
    if missing := _missing(game, choice):
        say_later("answer", "error", f"Not taken. {missing}")
        return
    try:
        attempt = game.submit(*((None, set()) if choice == NOTHING else (int(choice), set(game.basket))))
    except InputError as problem:
        say_later("answer", "error", f"Not taken: {as_is(problem)}.")
        return
    say_later(
        "answer",
        "success",
        f"Taken: answer {attempt} of {ATTEMPTS} of {as_is(game.name)}. Scores are shown after the reveal.",
    )


def _hint(game: Game) -> None:
    """The ranking of the labels, which costs points."""
    if game.hinted:
        see("hint", game.place)  # whoever's name brought it
        with st.expander(f"The ranking (−{COST_OF_HINT} points)", expanded=True):
            _ranking(game)
        return
    with st.expander(f"Stuck? See how SPECTRE ranks the labels, for {COST_OF_HINT} points"):
        st.caption(
            "SPECTRE fits every label and ranks them by its objective: how much spread the images it would remove explain. "
            f"It is noted that {game.name or 'your team'} has seen it."
        )
        st.button(
            f"Show it for {COST_OF_HINT} points", key="hint", on_click=changes(_open_hint), args=(game,),
            disabled=not game.name or game.taken, icon=":material/lightbulb:",
        )  # fmt: skip
        if not game.name:
            st.caption("Say who you are first, at the top of the page.")


def _open_hint(game: Game) -> None:
    try:
        game.store.check_round(game.seal, game.round)
        game.claim()
        game.store.open_hint(game.seal, game.name)
        see("hint", game.place)
    except InputError as problem:
        say_later("answer", "error", as_sentence(str(problem)))


def _ranking(game: Game) -> None:
    try:
        hint = read_hint(game.challenge)
    except InputError as problem:
        st.error(as_sentence(str(problem)))
        return
    st.markdown(as_sentence(hint["verdict"]))
    names = game.challenge.classes
    best = [f"{i}. {as_is(names[r['label']])}: {r['objective']:.3g}" for i, r in enumerate(hint["ranking"][:5], 1)]
    st.markdown("\n".join(best))
    st.caption(
        "the five largest objectives (mean QUE of the label once the images SPECTRE would remove are left out of the whitening)"
    )
