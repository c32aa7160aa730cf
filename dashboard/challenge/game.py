"""Where challenges and answers lie, and what one visitor's page knows of the game. No torch here."""

from __future__ import annotations

import hmac
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import streamlit as st

from core.challenges import (
    Challenge,
    Entry,
    Score,
    Store,
    Truth,
    find_challenges,
    open_challenge,
    read_truth,
    score,
    team_key,
    title_of,
)
from core.foundation.errors import InputError
from dashboard import access, data

BUNDLED = data.ROOT / "assets" / "challenges"
PASSWORD = "team password"  # of the session, a widget
NAME = "player"  # of the session: who plays


def home() -> Path:
    """The folder of one's own challenges and of the answers: beside the runs unless SPECTRE_LENS_CHALLENGES says another."""
    return Path(os.environ.get("SPECTRE_LENS_CHALLENGES") or data.user_runs().root.with_name("challenges"))


def store() -> Store:
    return Store(home() / "submissions.sqlite3")


def available() -> dict[str, Path]:
    """Folders of challenges by id: one's own first, then those that come with the program."""
    return find_challenges(home(), BUNDLED)


def open_folder(path: Path) -> Challenge:
    """A challenge in memory, shared by all visitors. Raises InputError where it is damaged."""
    stamps = []
    for name in ("challenge.json", "rows.parquet", "images.webp"):
        try:
            stamps.append((path / name).stat().st_mtime_ns)
        except OSError:
            stamps.append(0)
    return _open(str(path), tuple(stamps))


@st.cache_resource(max_entries=16, show_spinner="Reading the challenge")
def _open(path: str, stamps: tuple[int, ...]) -> Challenge:
    return open_challenge(Path(path))


def titles(folders: dict[str, Path]) -> dict[str, str]:
    """By id, what a menu shows: the title, with the id where two have one title; the id alone where it is damaged."""
    found = {}
    for challenge_id, path in folders.items():
        try:
            found[challenge_id] = _title(str(path), (path / "challenge.json").stat().st_mtime_ns)
        except (InputError, OSError):
            found[challenge_id] = challenge_id
    shown = list(found.values())
    return {i: title if shown.count(title) == 1 else f"{title} · {i}" for i, title in found.items()}


@st.cache_data(max_entries=1000, show_spinner=False)
def _title(path: str, stamp: int) -> str:
    return title_of(Path(path))


def teacher_code() -> str:
    """The code that whoever started the dashboard has set; empty where everyone may reveal."""
    return os.environ.get("SPECTRE_LENS_TEACHER", "").strip()


def is_teachers_code(text: str) -> bool:
    """Whether a code is right; a wrong one is answered slowly, so that trying many is no use."""
    right = bool(teacher_code()) and hmac.compare_digest(text.strip().encode(), teacher_code().encode())
    if not right:
        time.sleep(1.0)
    return right


@dataclass
class Game:
    """One visitor's game at one challenge, as it stands when the page is drawn."""

    challenge: Challenge
    store: Store
    name: str  # empty until the visitor has given one
    revealed: bool
    last: Entry | None  # the last answer of this team
    hinted: bool
    round: int = 0  # how often the teacher has started anew
    taken: bool = False  # whether the name is another visitor's, of whom nothing is shown

    @property
    def place(self) -> str:
        """Under which the session keeps what belongs to this challenge and this round of it."""
        return place_of(self.seal, self.round)

    @property
    def seal(self) -> str:
        return self.challenge.seal

    @property
    def basket(self) -> set[int]:
        """Ids that this visitor would remove. Kept in the session; change it in place."""
        found: set[int] = st.session_state.setdefault(f"basket {self.place}", set())
        return found

    @property
    def selected(self) -> set[int]:
        """Ids that a lasso, the cut or a click has selected. Kept in the session; change it in place."""
        found: set[int] = st.session_state.setdefault(f"selected {self.place}", set())
        return found

    @property
    def sent(self) -> dict[str, int]:
        """By team, the last attempt that was submitted from this browser. Kept in the session; change it in place."""
        found: dict[str, int] = st.session_state.setdefault(f"sent {self.place}", {})
        return found

    @property
    def is_shared(self) -> bool:
        """Whether the last answer under this name came from another browser."""
        return self.last is not None and self.sent.get(team_key(self.name)) != self.last.attempt

    @property
    def removed(self) -> set[int]:
        """What is ringed: the basket while it can still be changed, then what was last submitted."""
        if not self.revealed:
            return self.basket
        return set(self.last.rows) if self.last else set()

    @property
    def token(self) -> str:
        """Of the form as it stands: the same form sent twice is one answer."""
        return str(st.session_state.setdefault(f"token {self.place}", secrets.token_hex(16)))

    def new_token(self) -> None:
        st.session_state[f"token {self.place}"] = secrets.token_hex(16)

    @cached_property
    def truth(self) -> Truth | None:
        """The truth where this visitor may see it, else None; the file is not read before. Raises InputError."""
        return _truth(str(self.challenge.path), self.seal, self.challenge) if self.revealed else None

    def claim(self) -> None:
        """Where others are there too: this visitor's team has the name from now on. Raises InputError where it is another's."""
        who = access.known_visitor()
        if who.key:
            self.store.claim(self.name, who.key, given())

    def submit(self, label: int | None, rows: set[int]) -> int:
        """Judge and keep an answer; nothing of the judgement is shown before the reveal. Raises InputError.

        What this browser has seen counts under every name.
        """
        self.claim()
        if self.revealed or has_seen("truth", self.place):
            raise InputError("the truth has been revealed; nothing is taken any more")
        self.store.check_round(self.seal, self.round)
        if self.hinted or has_seen("hint", self.place):
            self.store.open_hint(self.seal, self.name)
        truth = read_truth(self.challenge)
        judged: Score = score(
            label, rows, true_label=truth.label, poison=truth.poison, assumed=self.challenge.assumed,
            hint=self.store.has_hint(self.seal, self.name),
        )  # fmt: skip
        attempt = self.store.submit(self.seal, self.name, label, rows, judged, self.token, self.round)
        self.new_token()
        self.sent[team_key(self.name)] = attempt
        return attempt


@st.cache_resource(max_entries=16, show_spinner=False)
def _truth(path: str, seal: str, _challenge: Challenge) -> Truth:
    """The truth of a challenge: its seal allows one only, so that the file is read once for all who may see it."""
    return read_truth(_challenge)


def open_game(challenge: Challenge) -> Game:
    """The visitor's game. Raises InputError where the answers cannot be read."""
    answers, name = store(), str(st.session_state.get(NAME, ""))
    taken = is_taken(answers, name)
    revealed, last, hinted = answers.standing(challenge.seal, "" if taken else name)
    number = answers.round(challenge.seal)
    place = place_of(challenge.seal, number)
    return Game(
        challenge,
        answers,
        name,
        revealed or has_seen("truth", place),
        last,
        hinted or has_seen("hint", place),
        number,
        taken,
    )


def is_taken(answers: Store, name: str) -> bool:
    """Whether the name that was typed is another visitor's; alone at one's own machine none is. Raises InputError."""
    who = access.visitor()
    return bool(name) and not who.is_owner and answers.is_taken(name, who.key)


def given() -> str:
    """What the visitor has typed as the team's password."""
    return str(st.session_state.get(PASSWORD) or "").strip()


def place_of(seal: str, round: int) -> str:
    """Under which the session keeps what belongs to a round of a challenge."""
    return f"{seal}/{round}" if round else seal


def has_seen(what: str, place: str) -> bool:
    """Whether this visitor, under whatever name, has been shown the truth or the hint of a challenge."""
    return bool(st.session_state.get(f"{what} seen {place}"))


def see(what: str, place: str) -> None:
    """Note that this visitor is shown it. what: truth, hint."""
    st.session_state[f"{what} seen {place}"] = True


def say_later(place: str, kind: str, message: str) -> None:
    """A message for the next redraw, since a callback cannot place one. place: answer, teacher. kind: success, error."""
    st.session_state[f"message {place}"] = (kind, message)


def say_now(place: str) -> None:
    """The message that a callback has left for this place, once."""
    kind, message = st.session_state.pop(f"message {place}", (None, ""))
    if kind:
        icons: dict[str, Any] = {"success": ":material/check_circle:", "error": ":material/error:"}
        getattr(st, kind)(message, icon=icons[kind])


CHANGED = "basket changed"  # of the session: one part of the page has changed what another part shows


def changes(work: Callable[..., object]) -> Callable[..., None]:
    """A callback after which the whole page is drawn, not only the part it lies in."""

    def call(*given: Any) -> None:
        work(*given)
        st.session_state[CHANGED] = True

    return call


def catch_up() -> None:
    """At the head of a part: draw the whole page if a callback of this part has changed more than the part."""
    if st.session_state.pop(CHANGED, False):
        st.rerun()
