"""What others say of the same rows, beside what was decided here: row by row, with the names that this audit does not know.

Read are masks (n,) of any form, decisions.json, decisions.csv and findings.csv of this program, lists of files or of rows
(.txt, or a table with such a column), and folders of other audits. A row is *flagged* where it is to be removed or relabelled,
and *touched* where anything is said of it, that it stays included.

Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and Psychological Measurement 1960.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.audit.masks import read_mask
from core.audit.readers.base import FILES
from core.cases.decisions import Decisions, decisions_for, proposed, read_decisions, resolve
from core.cases.folder import CaseFolder
from core.cases.words import PROPOSED
from core.datasets import is_whole
from core.foundation.csv_cells import unguarded
from core.foundation.errors import InputError
from core.foundation.files import read_json

TEXT = (".csv", ".tsv", ".txt", ".lst")
MOST_BYTES = 2**28
ROWS = ("row", "rows", "index")
NAMES = tuple(dict.fromkeys((*FILES, *(f"{name}s" for name in FILES))))
FLAGS = ("remove", "relabel")


@dataclass(frozen=True)
class Said:
    """What one side says of the n rows of an audit."""

    what: str  # what was read
    flagged: np.ndarray  # (n,) bool
    touched: np.ndarray  # (n,) bool
    unknown: tuple[str, ...] = ()  # files and rows that the audit does not have


@dataclass(frozen=True)
class Agreement:
    """Of one audit with one other opinion."""

    other: str  # path
    here: Said
    there: Said
    findings: tuple[dict[str, Any], ...]  # where they disagree, see `compare`

    @property
    def counts(self) -> dict[str, int]:
        """Rows flagged by both, here alone, there alone, by neither."""
        a, b = self.here.flagged, self.there.flagged
        sides = {"both": a & b, "only_here": a & ~b, "only_there": b & ~a, "neither": ~a & ~b}
        return {name: int(mask.sum()) for name, mask in sides.items()}

    def rows(self, side: str) -> np.ndarray:
        """The rows of "both", "only_here" or "only_there"."""
        a, b = self.here.flagged, self.there.flagged
        return np.flatnonzero({"both": a & b, "only_here": a & ~b, "only_there": b & ~a}[side])

    @property
    def touched(self) -> np.ndarray:
        """(n,) bool, rows of which either says anything."""
        return self.here.touched | self.there.touched

    def as_json(self) -> dict[str, Any]:
        """Counts, rows, share and kappa over all rows and over those that either touches."""
        a, b, touched = self.here.flagged, self.there.flagged, self.touched
        return {
            "other": self.other, "what": self.there.what, "own": self.here.what, "rows": len(a), **self.counts,
            "share": share(a, b), "kappa": kappa(a, b), "touched": int(touched.sum()),
            "touched_share": share(a[touched], b[touched]), "touched_kappa": kappa(a[touched], b[touched]),
            "unknown": list(self.there.unknown), "findings": list(self.findings),
            "rows_both": self.rows("both").tolist(), "rows_only_here": self.rows("only_here").tolist(),
            "rows_only_there": self.rows("only_there").tolist(),
        }  # fmt: skip


def share(a: np.ndarray, b: np.ndarray) -> float | None:
    """Of rows on which two masks (m,) say the same; None where there are none."""
    return float((a == b).mean()) if len(a) else None


def kappa(a: np.ndarray, b: np.ndarray) -> float | None:
    """Cohen's, of two masks (m,): 1 where they agree, 0 as chance would have it; None where both say one thing of all rows."""
    if not len(a):
        return None
    p, q = float(a.mean()), float(b.mean())
    chance = p * q + (1 - p) * (1 - q)
    return None if chance == 1 else (float((a == b).mean()) - chance) / (1 - chance)


def own_decisions(case: CaseFolder) -> tuple[Decisions, str]:
    """What was decided in an audit and what that is called; what its findings propose where nothing is decided yet."""
    decided = read_decisions(case)
    if decided.findings or decided.rows:
        return decided, "what was decided"
    return proposed(case.summary), "what the findings propose"


def said_here(case: CaseFolder, decisions: Decisions, what: str = "what was decided") -> Said:
    """What decisions of this audit say of its rows. Raises InputError."""
    frame, n = resolve(case, decisions), len(case.load_rows())
    flagged, touched = np.zeros(n, bool), np.zeros(n, bool)
    rows = frame["row"].to_numpy(np.int64)
    flagged[rows[frame["do"].isin(FLAGS)]] = True
    touched[rows[frame["do"] != ""]] = True
    return Said(what, flagged, touched)


def compare(case: CaseFolder, own: Decisions, other: Path, what: str = "what was decided") -> Agreement:
    """Raises InputError for what cannot be read, or says nothing of rows of this audit.

    The findings of the result are those of the audit with any row that one side alone flags: finding, label, kind, rows,
    both, only_here, only_there; the last one, with finding 0, is of rows in no finding.
    """
    here, there = said_here(case, own, what), said_there(case, other)
    return Agreement(str(other), here, there, tuple(_by_finding(case, here.flagged, there.flagged)))


def said_there(case: CaseFolder, other: Path) -> Said:
    """What others say of the rows of an audit. Raises InputError."""
    if other.is_dir():
        return _of_audit(case, CaseFolder(other))
    if not other.is_file():
        raise InputError(
            f"{other} does not exist; give a mask, decisions, a list of files or rows, or the folder of an audit"
        )
    if other.stat().st_size > MOST_BYTES:
        raise InputError(f"{other.name} is larger than {MOST_BYTES // 2**20} MiB; give the rows that are meant alone")
    if other.suffix.lower() == ".json":
        decisions = decisions_for(case, read_json(other, MOST_BYTES), other.name)
        said = said_here(case, decisions, f"decisions of {decisions.by}" if decisions.by else "decisions")
        return _checked(other, said)
    if other.suffix.lower() in TEXT:
        found = _text(case, other)
        if found is not None:
            return _checked(other, found)
    mask = read_mask(other, len(case.load_rows()))
    return Said("a mask", mask, mask)


def _checked(other: Path, said: Said) -> Said:
    if said.unknown and not said.touched.any():
        raise InputError(
            f"{other.name} names {len(said.unknown):,} rows, and this audit has none of them (the first is '{said.unknown[0][:80]}'); is "
            "it of other data?"
        )
    return said


def _of_audit(case: CaseFolder, other: CaseFolder) -> Said:
    if not other.file("rows.parquet").is_file() or not other.file("findings.csv").is_file():
        raise InputError(f"{other.path} is no finished audit; give a folder with rows.parquet and findings.csv")
    decisions, what = own_decisions(other)
    frame = resolve(other, decisions)
    n, rows = len(case.load_rows()), len(other.load_rows())
    named = bool((frame["file"] != "").any()) and _Names(case).known
    if not named and rows != n:
        raise InputError(
            f"the audit in {other.path} has {rows:,} rows and this one {n:,}, and no names say which belongs to which"
        )
    return _checked(other.path, _gathered(case, f"another audit: {what}", frame, "do", named))


def _text(case: CaseFolder, file: Path) -> Said | None:
    """What a text file says; None for a mask."""
    try:
        text = file.read_bytes().decode("utf-8-sig", "replace")
    except OSError as problem:
        raise InputError(f"{file} cannot be read ({problem.strerror})") from None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    n = len(case.load_rows())
    if (
        n - 1 <= len(lines) - 1 <= n
        and len(lines) > 2
        and all(line.lower() in ("0", "1", "true", "false") for line in lines[1:])
    ):
        return None
    if not lines:
        raise InputError(f"{file.name} names no row and no file")
    frame = _table(file, text, lines)
    if frame is None:
        column = (
            "row" if all(line.lstrip("-").isdecimal() for line in lines) and not _Names(case).has(lines[0]) else "file"
        )
        return _gathered(
            case, f"a list of {'rows' if column == 'row' else 'files'}", pd.DataFrame({column: lines}), "", True
        )
    if "decision" in frame:
        return _gathered(case, "decisions", frame, "decision", True)
    if "kind" in frame:
        return _gathered(case, "findings", frame.assign(do=frame["kind"].map(PROPOSED).fillna("remove")), "do", True)
    return _gathered(case, "a list in a table", frame, "", True)


def _table(file: Path, text: str, lines: Sequence[str]) -> pd.DataFrame | None:
    """A table with a column of files or rows, which are called `file` and `row`; None where the first line names none."""
    separator = max(",;\t", key=lines[0].count)
    heading = [cell.strip().strip('"').lower() for cell in lines[0].split(separator)]
    names = next((heading.index(name) for name in NAMES if name in heading), None)
    numbers = next((heading.index(name) for name in ROWS if name in heading), None)
    if names is None and numbers is None:
        return None
    from io import StringIO

    try:
        frame = pd.read_csv(StringIO(text), sep=separator, dtype=str, keep_default_na=False, index_col=False)
    except ValueError as problem:  # pandas' own errors are ValueErrors
        raise InputError(f"{file.name} is not a readable table ({str(problem).splitlines()[0]})") from None
    if len(heading) != frame.shape[1]:
        raise InputError(
            f"{file.name} is not a readable table (its first line names {len(heading)} columns, not {frame.shape[1]})"
        )
    frame.columns = pd.Index(heading)
    wanted = {"file": names, "row": numbers, "decision": _at(heading, "decision"), "kind": _at(heading, "kind")}
    return pd.DataFrame({name: frame.iloc[:, at] for name, at in wanted.items() if at is not None})


def _at(heading: Sequence[str], name: str) -> int | None:
    return heading.index(name) if name in heading else None


def _gathered(case: CaseFolder, what: str, frame: pd.DataFrame, column: str, named: bool) -> Said:
    """Lines of a table as rows of the audit: by the file where the audit knows it, else by the row where there is no file.

    column: of what is to be done with each; "" where being named is to be removed.
    """
    names, n = _Names(case), len(case.load_rows())
    flagged, touched, unknown = np.zeros(n, bool), np.zeros(n, bool), dict[str, None]()
    files = frame["file"].astype(str).tolist() if "file" in frame and named and names.known else [""] * len(frame)
    numbers = frame["row"].astype(str).tolist() if "row" in frame else [""] * len(frame)
    does = frame[column].tolist() if column else ["remove"] * len(frame)
    for file, number, do in zip(files, numbers, does, strict=True):
        row = names.row(file) if file else _number(number, n)
        if row is None and file != (plain := unguarded(file)):  # as this program writes names that would be formulas
            row = names.row(plain)
        if row is None:
            unknown[file or f"row {number}" if file or number else "a line without a name"] = None
        else:
            flagged[row] |= do in FLAGS
            touched[row] |= do in (*FLAGS, "keep")
    if not names.known and "file" in frame and "row" not in frame:
        unknown = dict.fromkeys(frame["file"].astype(str).tolist())
    return Said(what, flagged, touched, tuple(unknown))


def _number(text: str, n: int) -> int | None:
    return int(text) if is_whole(text) and int(text) < n else None


class _Names:
    """The rows of an audit by what their files may be called: two paths are one file where one of them ends as the other."""

    def __init__(self, case: CaseFolder) -> None:
        files = case.load_rows()["file"].astype(str).tolist()
        self._rows = {_plain(file): row for row, file in enumerate(files) if file}
        self.known = bool(self._rows)

    @cached_property
    def _ends(self) -> Mapping[str, int | None]:
        """Rows by the ends of their paths; None where several have the same."""
        found: dict[str, int | None] = {}
        for file, row in self._rows.items():
            end = file
            while "/" in end:
                end = end.partition("/")[2]
                found[end] = None if end in found else row
        return found

    def has(self, name: str) -> bool:
        return _plain(name) in self._rows

    def row(self, name: str) -> int | None:
        """None where the audit does not have it, or has several that could be meant."""
        path = whole = _plain(name)
        while path not in self._rows and "/" in path:
            path = path.partition("/")[2]
        return self._rows.get(path, self._ends.get(whole))


def _plain(name: str) -> str:
    return name.strip().replace("\\", "/").removeprefix("./")


def _by_finding(case: CaseFolder, here: np.ndarray, there: np.ndarray) -> list[dict[str, Any]]:
    frame = case.load_findings()
    found, inside = [], np.zeros(len(here), bool)
    for number, part in frame.groupby("finding"):
        rows = part["row"].to_numpy(np.int64)
        inside[rows] = True
        label = int(part["label"].iloc[0]) if pd.notna(part["label"].iloc[0]) else None
        found.append(
            {
                "finding": int(number),
                "label": label,
                "kind": str(part["kind"].iloc[0]),
                "rows": len(rows),
                **_sides(here[rows], there[rows]),
            }
        )
    rest = ~inside
    found.append({"finding": 0, "label": None, "kind": "", "rows": int(rest.sum()), **_sides(here[rest], there[rest])})
    return [one for one in found if one["only_here"] or one["only_there"]]


def _sides(here: np.ndarray, there: np.ndarray) -> dict[str, int]:
    return {
        "both": int((here & there).sum()),
        "only_here": int((here & ~there).sum()),
        "only_there": int((there & ~here).sum()),
    }
