"""Names of teams that are taken: who answers under one first has it, and lets others of the team in by a password.

Kept in the file of answers, for all challenges together. Of the password a salted scrypt hash is kept; a visitor is known by the
hash that a server gives (see dashboard.access).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
import time

# Made by the first claim: files of before have none.
TABLES = (
    "CREATE TABLE IF NOT EXISTS claims (team TEXT PRIMARY KEY, salt BLOB NOT NULL, password BLOB, time REAL NOT NULL)",
    "CREATE TABLE IF NOT EXISTS members (team TEXT, visitor TEXT, PRIMARY KEY (team, visitor))",
)
COST = {"n": 2**14, "r": 8, "p": 1}  # 16 MB and some 50 ms for each try


def is_taken(db: sqlite3.Connection, team: str, visitor: str) -> bool:
    """Whether a team's name is somebody else's."""
    if not _has_tables(db) or not _claim(db, team):
        return False
    return not _is_member(db, team, visitor)


def claim(db: sqlite3.Connection, team: str, visitor: str, password: str) -> bool:
    """Take a name, or come in by the password; returns whether the visitor belongs to the team now.

    A member's password becomes the team's where it has none yet.
    """
    for table in TABLES:
        db.execute(table)
    held = _claim(db, team)
    if held is None:
        salt = secrets.token_bytes(16)
        db.execute("INSERT INTO claims VALUES (?, ?, ?, ?)", (team, salt, _hashed(password, salt), time.time()))
    elif _is_member(db, team, visitor):
        if password and held[1] is None:
            db.execute("UPDATE claims SET password = ? WHERE team = ?", (_hashed(password, held[0]), team))
    elif not _fits(password, *held):
        return False
    db.execute("INSERT OR IGNORE INTO members VALUES (?, ?)", (team, visitor))
    return True


def release(db: sqlite3.Connection, team: str) -> bool:
    """Give a name free again; returns whether it was taken."""
    if not _has_tables(db):
        return False
    db.execute("DELETE FROM members WHERE team = ?", (team,))
    return bool(db.execute("DELETE FROM claims WHERE team = ?", (team,)).rowcount)


def _has_tables(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'members'").fetchone() is not None


def _claim(db: sqlite3.Connection, team: str) -> tuple[bytes, bytes | None] | None:
    row = db.execute("SELECT salt, password FROM claims WHERE team = ?", (team,)).fetchone()
    return (row[0], row[1]) if row else None


def _is_member(db: sqlite3.Connection, team: str, visitor: str) -> bool:
    query = "SELECT 1 FROM members WHERE team = ? AND visitor = ?"
    return bool(visitor) and db.execute(query, (team, visitor)).fetchone() is not None


def _hashed(password: str, salt: bytes) -> bytes | None:
    return hashlib.scrypt(password.encode(), salt=salt, **COST) if password else None


def _fits(password: str, salt: bytes, held: bytes | None) -> bool:
    return bool(password and held) and hmac.compare_digest(_hashed(password, salt) or b"", held or b"")
