"""A class at work: suspicious sets with the truth sealed, answers, scores and a board.

`folder` is a challenge on disk, `make` makes one of a finished run, `score` judges an answer, `store` keeps the answers.
No torch here, since a page that only shows challenges must open at once; `core.challenges.make` is imported by itself.
"""

from core.challenges.board import answer_in_words, as_csv, ranked
from core.challenges.folder import Challenge, Truth, find_challenges, open_challenge, read_hint, read_truth, title_of
from core.challenges.score import COST_OF_HINT, FOR_LABEL, FOR_ROWS, Score, score
from core.challenges.store import ATTEMPTS, LONGEST_NAME, Entry, Store, clean_name, team_key

__all__ = [
    "ATTEMPTS",
    "COST_OF_HINT",
    "FOR_LABEL",
    "FOR_ROWS",
    "LONGEST_NAME",
    "Challenge",
    "Entry",
    "Score",
    "Store",
    "Truth",
    "answer_in_words",
    "as_csv",
    "clean_name",
    "find_challenges",
    "make",
    "open_challenge",
    "ranked",
    "read_hint",
    "read_truth",
    "score",
    "team_key",
    "title_of",
]
