"""How a text file is written: what parts its cells, whether its first line names the columns, which of them are numbers."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.audit.readers.base import COUNTED, LABELLED, LISTS, NAMED, NUMBERED, counts, listed
from core.foundation.errors import InputError

LOOKED_AT = 2**22  # bytes from the beginning
LINES = 200  # of them, at most
DELIMITERS = (",", ";", "\t", "|")
NUMBERS, WORDS = "numbers", "words"
EMPTY = ("", "na", "n/a", "nan", "null", "none")
ENCODED = (b"\xff\xfe", b"\xfe\xff")  # the first bytes of UTF-16


@dataclass(frozen=True)
class Dialect:
    """What has to be known to read a text file."""

    delimiter: str
    decimal: str
    skipped: int  # lines before the first row
    names: tuple[str, ...]
    kinds: tuple[str, ...]  # of each column: NUMBERS, COUNTED, LISTS or WORDS
    notes: tuple[str, ...]


def number(cell: str, decimal: str = ".") -> int | float | None:
    """A cell as a number, whole where it is written so; None for words."""
    text = cell.strip().replace(decimal, ".") if decimal != "." else cell.strip()
    if "_" in text:  # which Python takes for a mark of thousands
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


def sniff(path: Path) -> Dialect:
    """Look at the beginning of a file. Raises InputError for what is no text or no table."""
    lines, comments = _lines(path)
    try:
        delimiter = _delimiter(lines)
        cells = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error as problem:
        raise InputError(f"{path.name} is not a readable csv file ({problem}); write it again") from None
    if len(cells) < 2 and len(cells[0]) > 1:
        raise InputError(f"{path.name} has one line; a table has a line for each row")
    decimal = "," if delimiter == ";" and _any_decimal_comma(cells) else "."
    width = max(len(row) for row in cells[: min(3, len(cells))])
    is_header, why = _has_names(cells, decimal)
    names = _names(path, cells[0], width) if is_header else tuple(f"f{i}" for i in range(width))
    body = cells[1:] if is_header else cells
    kinds = tuple(_kind(path, name, [row[i] for row in body if i < len(row)], decimal) for i, name in enumerate(names))
    notes = [f"the first line of {path.name} is {'no row: ' if is_header else 'a row: '}{why}"] if why else []
    notes += [f"decimal commas in {path.name}"] * (decimal == ",")
    return Dialect(delimiter, decimal, comments + is_header, names, kinds, tuple(notes))


def _lines(path: Path) -> tuple[list[str], int]:
    """The first lines, and how many comments stand before them."""
    with path.open("rb") as file:
        data = file.read(LOOKED_AT)
        whole = len(data) < LOOKED_AT
    if data.startswith(ENCODED) or b"\0" in data:
        raise InputError(f"{path.name} is not text in UTF-8; save it as CSV in UTF-8")
    lines = data.decode("utf-8-sig", "replace").splitlines()
    lines = lines if whole else lines[:-1]
    comments = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    found = [line for line in lines[comments : comments + LINES] if line.strip()]
    if not found:
        raise InputError(
            f"{path.name} is {'empty (0 bytes)' if not data else 'without a row, or its lines are too long'}"
        )
    return found, comments


def _delimiter(lines: Sequence[str]) -> str:
    """What parts the cells: of the usual signs the one that is in every line; a blank only between numbers."""
    for sign in DELIMITERS:
        counts = [len(row) for row in csv.reader(lines, delimiter=sign)]
        if min(counts) > 1 and sum(count == counts[0] for count in counts) > len(counts) / 2:
            return sign
    some = [line.split(" ") for line in lines[-10:]]
    if all(len(row) > 1 and all(number(cell) is not None for cell in row) for row in some):
        return " "
    return "\t"


def _any_decimal_comma(cells: Sequence[Sequence[str]]) -> bool:
    body = [cell for row in cells[1:] for cell in row]
    # words may hold what they like: names of files do
    if any("." in cell and number(cell) is not None for cell in body):
        return False
    return any("," in cell and number(cell, ",") is not None for cell in body)


def _has_names(cells: Sequence[Sequence[str]], decimal: str) -> tuple[bool, str]:
    """Whether the first line names the columns, and why where that is a guess worth telling."""
    first, body = cells[0], cells[1:]
    if not body:
        return False, ""
    counted = first[1:] if first[0] == "" else first
    if len(counted) > 1 and counted == [str(i) for i in range(len(counted))]:
        return True, "it counts the columns, as pandas names them"
    for i, cell in enumerate(first):
        below = [row[i] for row in body if i < len(row)]
        is_word = number(cell, decimal) is None and cell.strip().lower() not in EMPTY and not _is_list(cell)
        if is_word and (_are_numbers(below, decimal) or (below and _is_list(below[-1]))):
            return True, ""
    words = [cell.strip().lower() for cell in first]
    return all(word in (*LABELLED, *NUMBERED, *NAMED) for word in words), ""


def _are_numbers(cells: Sequence[str], decimal: str) -> bool:
    there = [cell for cell in cells if cell.strip().lower() not in EMPTY]
    return bool(there) and all(number(cell, decimal) is not None for cell in there)


def _names(path: Path, first: Sequence[str], width: int) -> tuple[str, ...]:
    """The names in the first line. A line that is one short lacks that of the row numbers, as R writes it."""
    names = [cell.strip() for cell in first]
    names = [""] * (width - len(names) == 1) + names
    if len(names) != width:
        raise InputError(f"{path.name} names {len(names)} columns, but its rows have {width}")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"{path.name} has more than one column called '{twice[0]}'; give each a name of its own")
    return tuple(names)


def _kind(path: Path, name: str, cells: Sequence[str], decimal: str) -> str:
    """What a column holds. Raises InputError for one of numbers, but for a few cells."""
    there = [cell for cell in cells if cell.strip().lower() not in EMPTY]
    odd = [cell for cell in there if number(cell, decimal) is None]
    if odd and len(odd) < len(there) / 2 and name.lower() not in LABELLED:  # labels may be 0 to 9 and A to Z
        raise InputError(
            f"column '{name}' of {path.name} holds numbers and {listed([repr(cell) for cell in dict.fromkeys(odd)], 3)}; "
            "mend or drop such rows"
        )
    if not odd:
        return COUNTED if counts([number(cell, decimal) or 0 for cell in cells]) else NUMBERS
    return LISTS if _is_list(odd[0]) else WORDS


def _is_list(cell: str) -> bool:
    return cell.lstrip().startswith("[")
