"""The answers of a class, in one SQLite file. One connection and one short transaction for each call.

Write-ahead logging lets forty boards read while somebody submits; a writer waits for the one before it. A challenge is
known by its seal, so that one made anew under the same name starts with an empty board.
"""

from __future__ import annotations

import json
import sqlite3
import time
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from core.challenges import claims
from core.challenges.score import Score
from core.foundation.errors import InputError
from core.foundation.files import replacing

ATTEMPTS = 5  # answers of a team that are taken; the last one counts
WAIT = 10.0  # seconds a writer waits for the others
LONGEST_NAME = 40
EVERYONE = ""  # the team of a reveal that is for all
VERSION = 1
SCHEMA = """
CREATE TABLE submissions (
  id INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, challenge TEXT NOT NULL, team TEXT NOT NULL, name TEXT NOT NULL,
  attempt INTEGER NOT NULL, label INTEGER, rows TEXT NOT NULL, time REAL NOT NULL,
  for_label REAL NOT NULL, for_rows REAL NOT NULL, for_hint REAL NOT NULL,
  hits INTEGER NOT NULL, removed INTEGER NOT NULL, poisons INTEGER NOT NULL, UNIQUE (challenge, team, attempt));
CREATE TABLE hints (challenge TEXT, team TEXT, time REAL NOT NULL, PRIMARY KEY (challenge, team));
CREATE TABLE reveals (challenge TEXT, team TEXT, time REAL NOT NULL, PRIMARY KEY (challenge, team));
"""
# Made by the first reset: files of before have none.
ROUNDS = "CREATE TABLE IF NOT EXISTS rounds (challenge TEXT PRIMARY KEY, round INTEGER NOT NULL)"
ENTRY = "name, attempt, label, rows, time, for_label, for_rows, for_hint, hits, removed, poisons"


@dataclass(frozen=True)
class Entry:
    """An answer as the board has it."""

    name: str
    attempt: int
    label: int | None
    rows: tuple[int, ...]
    time: float  # seconds since the epoch
    score: Score


def clean_name(text: str) -> str:
    """A name as it is kept and shown: trimmed, inner blanks single. Raises InputError."""
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise InputError(f"a name has 1 to {LONGEST_NAME} characters, not {len(name)}")
    if not name.isprintable():
        raise InputError("a name is made of characters that can be seen")
    return name


def team_key(name: str) -> str:
    """Names that differ in capitals only are one team."""
    return clean_name(name).casefold()


class Store:
    """The file of answers; it is made by the first one that writes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def submit(
        self,
        challenge: str,
        name: str,
        label: int | None,
        rows: Collection[int],
        score: Score,
        token: str,
        round: int | None = None,
    ) -> int:
        """Keep an answer; returns which attempt it is.

        challenge: its seal. score: its hint part must be that of `has_hint`, read before. token: of the form that was
        sent; the same one again is the same answer, kept once. round: that the answer is for, None for the one that is on.
        Raises InputError where nothing is taken any more, the challenge was begun anew, or the file cannot be written.
        """
        name, team = clean_name(name), team_key(name)
        with self._writing() as db:
            known = db.execute("SELECT attempt FROM submissions WHERE token = ?", (token,)).fetchone()
            if known:
                return int(known[0])
            if round is not None:
                self._check_round(db, challenge, round)
            if self._revealed(db, challenge, team):
                raise InputError("the truth has been revealed; nothing is taken any more")
            query = "SELECT COUNT(*) FROM submissions WHERE challenge = ? AND team = ?"
            attempt = int(db.execute(query, (challenge, team)).fetchone()[0]) + 1
            if attempt > ATTEMPTS:
                raise InputError(f"{name} has answered {ATTEMPTS} times; the last answer counts")
            parts = (score.label, score.rows, score.hint, score.hits, score.removed, score.poisons)
            db.execute(
                "INSERT INTO submissions (token, challenge, team, name, attempt, label, rows, time, for_label,"
                " for_rows, for_hint, hits, removed, poisons) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (token, challenge, team, name, attempt, label, json.dumps(sorted(rows)), time.time(), *parts),
            )
        return attempt

    def board(self, challenge: str) -> list[Entry]:
        """The last answer of each team, in the order in which they came. Raises InputError."""
        query = f"""SELECT {ENTRY} FROM submissions JOIN (
            SELECT challenge AS c, team AS t, MAX(attempt) AS last FROM submissions WHERE challenge = ? GROUP BY team
            ) ON challenge = c AND team = t AND attempt = last ORDER BY time, id"""
        with self._reading() as db:
            return [_entry(row) for row in db.execute(query, (challenge,))] if db else []

    def standing(self, challenge: str, name: str) -> tuple[bool, Entry | None, bool]:
        """Whether a team may see the truth, its last answer, and whether it has looked at the hint, in one look.

        name: empty for a visitor who has not given one. Raises InputError.
        """
        with self._reading() as db:
            if not db:
                return False, None, False
            team = team_key(name) if name else EVERYONE
            entry = self._last(db, challenge, team) if name else None
            return self._revealed(db, challenge, team), entry, bool(name) and self._hinted(db, challenge, team)

    def last(self, challenge: str, name: str) -> Entry | None:
        """The last answer of a team. Raises InputError."""
        with self._reading() as db:
            return self._last(db, challenge, team_key(name)) if db else None

    def open_hint(self, challenge: str, name: str) -> None:
        """Note that a team looks at the hint. Raises InputError."""
        self._note("hints", challenge, team_key(name))

    def has_hint(self, challenge: str, name: str) -> bool:
        """Whether a team has looked at the hint. Raises InputError."""
        with self._reading() as db:
            return bool(db and self._hinted(db, challenge, team_key(name)))

    def reveal(self, challenge: str, name: str | None = None) -> None:
        """Reveal the truth to a team, or to everyone where no name is given. Raises InputError.

        A team that has not answered cannot reveal it to itself.
        """
        if name is not None and self.last(challenge, name) is None:
            raise InputError("answer first; the truth is revealed afterwards")
        self._note("reveals", challenge, EVERYONE if name is None else team_key(name))

    def is_revealed(self, challenge: str, name: str | None = None) -> bool:
        """Whether everyone, or that team, may see the truth. Raises InputError."""
        with self._reading() as db:
            return bool(db and self._revealed(db, challenge, EVERYONE if name is None else team_key(name)))

    def reset(self, challenge: str) -> int:
        """Forget all answers, hints and reveals of a challenge; returns how many answers there were."""
        with self._writing() as db:
            gone = db.execute("DELETE FROM submissions WHERE challenge = ?", (challenge,)).rowcount
            db.execute("DELETE FROM hints WHERE challenge = ?", (challenge,))
            db.execute("DELETE FROM reveals WHERE challenge = ?", (challenge,))
            db.execute(ROUNDS)
            db.execute(
                "INSERT INTO rounds VALUES (?, 1) ON CONFLICT (challenge) DO UPDATE SET round = round + 1", (challenge,)
            )
        return int(gone)

    def round(self, challenge: str) -> int:
        """How often a challenge has been reset: what visitors hold of an earlier round is void. Raises InputError."""
        with self._reading() as db:
            return self._round(db, challenge) if db else 0

    def is_taken(self, name: str, visitor: str) -> bool:
        """Whether a name is another visitor's. Raises InputError."""
        with self._reading() as db:
            return bool(db and claims.is_taken(db, team_key(name), visitor))

    def claim(self, name: str, visitor: str, password: str = "") -> None:
        """Take a name for a visitor, or come in by its password. Raises InputError where it is another's."""
        with self._writing() as db:
            if claims.claim(db, team_key(name), visitor, password):
                return
        raise InputError(f"the name {clean_name(name)} is taken; give your team's password, or another name")

    def release(self, name: str) -> bool:
        """Give a name free again; its answers stay. Returns whether it was taken. Raises InputError."""
        with self._writing() as db:
            return claims.release(db, team_key(name))

    def _note(self, table: str, challenge: str, team: str) -> None:
        with self._writing() as db:
            db.execute(f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?)", (challenge, team, time.time()))

    def check_round(self, challenge: str, round: int) -> None:
        """Raise InputError where the challenge has been begun anew since: what a page of that round shows is void."""
        with self._reading() as db:
            if db:
                self._check_round(db, challenge, round)

    def _check_round(self, db: sqlite3.Connection, challenge: str, round: int) -> None:
        if round != self._round(db, challenge):
            raise InputError("the challenge was begun anew; reload the page to play the new round")

    @staticmethod
    def _round(db: sqlite3.Connection, challenge: str) -> int:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'rounds'").fetchone():
            return 0
        row = db.execute("SELECT round FROM rounds WHERE challenge = ?", (challenge,)).fetchone()
        return int(row[0]) if row else 0

    @staticmethod
    def _last(db: sqlite3.Connection, challenge: str, team: str) -> Entry | None:
        query = f"SELECT {ENTRY} FROM submissions WHERE challenge = ? AND team = ? ORDER BY attempt DESC LIMIT 1"
        row = db.execute(query, (challenge, team)).fetchone()
        return _entry(row) if row else None

    @staticmethod
    def _hinted(db: sqlite3.Connection, challenge: str, team: str) -> bool:
        query = "SELECT 1 FROM hints WHERE challenge = ? AND team = ?"
        return db.execute(query, (challenge, team)).fetchone() is not None

    @staticmethod
    def _revealed(db: sqlite3.Connection, challenge: str, team: str) -> bool:
        query = "SELECT 1 FROM reveals WHERE challenge = ? AND team IN (?, ?)"
        return db.execute(query, (challenge, team, EVERYONE)).fetchone() is not None

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """A connection to read by; None where nobody has answered yet."""
        if not self._is_there():
            yield None
            return
        with self._telling(), closing(self._connect()) as db:
            yield db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A connection within a transaction that is written at the end, or not at all."""
        with self._telling():
            self._prepare()
            with closing(self._connect()) as db:
                db.execute("BEGIN IMMEDIATE")  # the lock at once: what is read must still hold when it is written
                try:
                    yield db
                    db.execute("COMMIT")
                except BaseException:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)
        db.execute("PRAGMA trusted_schema = OFF")
        return db

    def _prepare(self) -> None:
        """Make the file where there is none: aside and renamed, so that no reader meets it without its tables."""
        if not self._is_there():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_name(f".{self.path.name}.lock"), timeout=WAIT):
                if not self._is_there():
                    with replacing(self.path) as aside, closing(sqlite3.connect(aside, isolation_level=None)) as db:
                        db.execute("PRAGMA journal_mode = WAL")
                        db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
                        db.close()
        with closing(self._connect()) as db:
            if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                raise InputError(
                    f"{self.path.name} is of another version of this program; the teacher has to move it away"
                )

    def _is_there(self) -> bool:
        return self.path.exists() and self.path.stat().st_size > 0

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """What goes wrong with the file, as a line for people."""
        try:
            yield
        except Timeout:
            raise InputError("the file of answers is busy; try again in a moment") from None
        except sqlite3.OperationalError as problem:
            if "locked" in str(problem) or "busy" in str(problem):
                raise InputError("the file of answers is busy; try again in a moment") from None
            raise InputError(f"answers cannot be kept in {self.path.name} ({problem}); tell the teacher") from None
        except sqlite3.DatabaseError as problem:
            raise InputError(f"the file of answers is damaged ({problem}); the teacher has to move it away") from None
        except OSError as problem:
            raise InputError(f"answers cannot be kept in {self.path.parent} ({problem.strerror})") from None


def _entry(row: tuple) -> Entry:
    name, attempt, label, rows, when, *parts = row
    return Entry(name, attempt, label, tuple(json.loads(rows)), when, Score(*parts))
