"""The board: who has answered, and after the reveal, with what score. It looks again by itself."""

from __future__ import annotations

import html
import time
from collections.abc import Sequence

import streamlit as st

from core.challenges import Challenge, Entry, answer_in_words, ranked, team_key
from core.foundation.errors import InputError
from dashboard.challenge.game import Game, has_seen, place_of, store
from dashboard.widgets import as_sentence

EVERY = 4  # seconds between two looks
CSS = """<style>
.sl-board { border-collapse: collapse; width: 100%; font-size: .95rem; }
.sl-board th, .sl-board td { text-align: left; padding: 4px 10px 4px 0; border-bottom: 1px solid rgba(128, 140, 150, .3); }
.sl-board td.n, .sl-board th.n { text-align: right; font-variant-numeric: tabular-nums; }
.sl-board tr.me td { font-weight: 650; }
.sl-scroll { overflow-x: auto; }
</style>"""


def board(game: Game) -> None:
    """The board of a challenge, which follows what the others do."""
    st.subheader("Board")
    _live(
        game.challenge,
        "" if game.taken else game.name,
        game.revealed,
        game.last.attempt if game.last else 0,
        game.round,
    )


@st.fragment(run_every=EVERY)
def _live(challenge: Challenge, name: str, revealed: bool, attempt: int, round: int) -> None:
    """attempt: the last of this name that the page knows of; round: the one it shows."""
    answers = store()
    try:
        place = place_of(challenge.seal, answers.round(challenge.seal))
        known = answers.is_revealed(challenge.seal, name or None) or has_seen("truth", place)
        entries = answers.board(challenge.seal)
        mine = next((e.attempt for e in entries if _is_of(e, name)), 0)
        if (known, mine, place) != (revealed, attempt, place_of(challenge.seal, round)):
            st.rerun()  # revealed, begun anew, or answered from elsewhere: the whole page changes
    except InputError as problem:
        st.warning(as_sentence(str(problem)))
        return
    if not entries:
        st.info("Nobody has answered yet. Yours can be the first.", icon=":material/emoji_events:")
        return
    count = f"{len(entries)} team{'s have' if len(entries) > 1 else ' has'} answered"
    if revealed:
        st.html(table(ranked(entries), challenge.classes, name))
        st.caption(f"{count}. Sorted by score; of equal scores the earlier answer comes first.")
    else:
        st.html(waiting(entries, name))
        st.caption(f"{count}. Scores are shown after the reveal. This list looks for news every {EVERY} seconds.")


def waiting(entries: Sequence[Entry], me: str) -> str:
    """Before the reveal: who has answered, how often, and when, the latest first. Names are escaped."""
    lines = [
        f'<tr{_mine(e, me)}><td>{html.escape(e.name)}</td><td class="n">{e.attempt}</td><td class="n">{_clock(e.time)}</td></tr>'
        for e in sorted(entries, key=lambda e: -e.time)
    ]
    return _table('<th>team</th><th class="n">answers</th><th class="n">last at</th>', lines)


def table(entries: Sequence[Entry], classes: Sequence[str], me: str) -> str:
    """After the reveal, in the given order. Names are escaped."""
    lines = []
    for place, e in enumerate(entries, 1):
        s = e.score
        found = f"{s.hits} of {s.poisons}" if s.poisons else "–"
        cells = [
            f'<td class="n">{place}</td><td>{html.escape(e.name)}</td><td class="n">{s.total:g}</td>',
            f"<td>{html.escape(answer_in_words(e, classes))}</td>",
            f'<td class="n">{found}</td><td class="n">{s.removed - s.hits}</td>',
            f'<td class="n">{"yes" if s.hint else "–"}</td>',
        ]
        lines.append(f"<tr{_mine(e, me)}>{''.join(cells)}</tr>")
    heads = ("", "team", "score", "answer", "poison removed", "clean removed", "hint")
    numbers = {"", "score", "poison removed", "clean removed", "hint"}
    return _table("".join(f"<th{' class=n' if h in numbers else ''}>{h}</th>" for h in heads), lines)


def _table(head: str, lines: Sequence[str]) -> str:
    body = "".join(lines)
    return f'<div class="sl-scroll" tabindex="0"><table class="sl-board"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _mine(entry: Entry, me: str) -> str:
    return ' class="me"' if _is_of(entry, me) else ""


def _is_of(entry: Entry, name: str) -> bool:
    return bool(name) and team_key(entry.name) == team_key(name)


def _clock(when: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(when))
