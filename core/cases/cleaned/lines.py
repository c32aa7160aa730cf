"""Tables as text, changed line by line: what is not changed stays byte for byte as it was."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.foundation.errors import InputError

BOM = b"\xef\xbb\xbf"
_END = re.compile(rb"[\r\n]*\Z")
_SPACE = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True)
class Lines:
    """A text file in pieces, each a row or none (a heading, a comment, an empty line)."""

    name: str
    pieces: Sequence[bytes]  # with their line ends
    rows: np.ndarray  # (N,) int64, the piece that is each row
    separator: bytes | None  # None: lines of JSON

    def cell(self, row: int, column: int | str) -> bytes:
        """As it is written, quotes and all. column: its number, of JSON its key. Raises InputError where there is none."""
        line = self.pieces[self.rows[row]]
        try:
            if self.separator is None:
                start, stop = _span(line.decode("utf-8"), str(column))
                return line.decode("utf-8")[start:stop].encode()
            return cells(line, self.separator)[int(column)]
        except (IndexError, KeyError, ValueError):
            raise InputError(
                f"row {row} of {self.name} has no '{column}'; it cannot be written anew line by line"
            ) from None

    def with_cells(self, row: int, changed: Mapping[int | str, bytes]) -> bytes:
        """The line of a row with other cells."""
        line = self.pieces[self.rows[row]]
        for column, value in changed.items():
            if self.separator is None:
                text = line.decode("utf-8")
                start, stop = _span(text, str(column))
                line = (text[:start] + value.decode("utf-8") + text[stop:]).encode()
            else:
                parts = cells(line, self.separator)
                parts[int(column)] = value
                line = self.separator.join(parts) + _ending(line)
        return line

    def words(self, column: int) -> list[str]:
        """What the cells of a column say."""
        return [plain(self.cell(row, column)) for row in range(len(self.rows))]

    def write(self, target: Path, keep: np.ndarray, changed: Mapping[int, Mapping[int | str, bytes]]) -> None:
        """keep: (N,) bool. changed: for rows the cells that are other, by column."""
        made: list[bytes | None] = list(self.pieces)
        for row in np.flatnonzero(~keep).tolist():
            made[self.rows[row]] = None
        for row, cells_of_row in changed.items():
            if keep[row]:
                made[self.rows[row]] = self.with_cells(row, cells_of_row)
        there = [piece for piece in made if piece is not None]
        if self.pieces and self.pieces[0].startswith(BOM) and there and not there[0].startswith(BOM):
            there[0] = BOM + there[0]
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            file.writelines(there)


def read_lines(path: Path, separator: str | None, rows: int, *, records: int = 0, lines: int = 0) -> Lines:
    """A file in pieces. records: that stand before the first row, a heading; or lines. rows: how many it has, as others read it.

    Raises InputError where it has another number of rows.
    """
    data = path.read_bytes()
    mark = None if separator is None else separator.encode()
    pieces = data.splitlines(keepends=True) if mark is None or b'"' not in data else _records(data, mark)
    blank = b" \t\r\n" if mark != b"\t" else b" \r\n"
    full = [i for i, piece in enumerate(pieces) if i >= lines and piece.removeprefix(BOM).strip(blank)]
    found = Lines(path.name, pieces, np.array(full[records:], np.int64), mark)
    if len(found.rows) != rows:
        raise InputError(
            f"{path.name} is written in a way that cannot be changed line by line ({len(found.rows):,} lines for {rows:,} rows)"
        )
    return found


def cells(line: bytes, separator: bytes) -> list[bytes]:
    """The cells of a line as they are written."""
    body = _END.sub(b"", line.removeprefix(BOM))
    if b'"' not in body:
        parts = body.split(separator)
    else:
        parts = [found.group() for found in _cell(separator).finditer(body)]
    if line.startswith(BOM):
        parts[0] = BOM + parts[0]
    return parts


def plain(cell: bytes) -> str:
    """What a cell says, without the quotes that are part of how it is written."""
    text = cell.removeprefix(BOM)
    if text.startswith(b'"') and text.endswith(b'"') and len(text) > 1:
        text = text[1:-1].replace(b'""', b'"')
    return text.decode("utf-8", "replace")


def as_written(like: bytes, text: str, separator: bytes) -> bytes:
    """A word as a cell, in quotes where one like it is, or where it needs them."""
    made = text.encode()
    if like.removeprefix(BOM).startswith(b'"') or separator in made or b'"' in made or b"\n" in made:
        made = b'"' + made.replace(b'"', b'""') + b'"'
    return BOM + made if like.startswith(BOM) else made


def usual(found: Iterable[bytes]) -> bytes:
    """How most of them are written."""
    return Counter(cell.removeprefix(BOM) for cell in found).most_common(1)[0][0]


def _cell(separator: bytes) -> re.Pattern[bytes]:
    mark = re.escape(separator)
    # quotes count at the start of a cell alone; each match begins behind a separator, or at the beginning
    return re.compile(rb"(?:(?<=" + mark + rb')|(?<![\s\S]))(?:"(?:[^"]|"")*"?[^' + mark + rb"]*|[^" + mark + rb"]*)")


def _records(data: bytes, separator: bytes) -> list[bytes]:
    """Lines, where a cell in quotes may hold line ends."""
    mark = re.escape(separator)
    cell = rb'(?:"(?:[^"]|"")*"?[^' + mark + rb"\r\n]*|[^" + mark + rb"\r\n]*)"
    record = re.compile(cell + rb"(?:" + mark + cell + rb")*(?:\r\n|\n|\r|\Z)")
    start = len(BOM) if data.startswith(BOM) else 0
    found = []
    while start < len(data):
        end = record.match(data, start)
        assert end is not None, "whatever stands there is a line"
        found.append(data[start : end.end()])
        start = end.end()
    if data.startswith(BOM) and found:
        found[0] = BOM + found[0]
    return found


def _ending(line: bytes) -> bytes:
    found = _END.search(line)
    return found.group() if found else b""


def _span(text: str, key: str) -> tuple[int, int]:
    """Where the value of a key of a JSON object is written. Raises KeyError, ValueError."""
    decoder = json.JSONDecoder()
    at, found = _skip(text, text.index("{") + 1), None
    while text[at] != "}":
        name, at = decoder.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        _, stop = decoder.raw_decode(text, at)
        if name == key:
            found = at, stop  # the last one counts, as Python reads it
        at = _skip(text, stop)
        at = _skip(text, at + 1) if text[at] == "," else at
    if found is None:
        raise KeyError(key)
    return found


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at
