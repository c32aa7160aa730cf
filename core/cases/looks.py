"""One look: the features of one layer, and what the scan of them leaves. A folder `look-<i>` of the audit.

features.npy   (n, d), where it was made here or is small enough to keep; else source.json says where it is
classes.csv, findings.csv, removed.npy, summary.json   as `scan` writes them
space.npy      (m, r) float16, rows that were not set aside, whitened within the classes; a class lies in one piece
space.json     the labels, where each begins in space.npy, and the number of rows
order.npy      (m,) int64, which row of the table each of them is
margin.npy     (m,) float32, how far each lies towards the nearest other class: positive beyond the middle, in deviations
nearest.npy    (m,) int64, that class
class-<label>.npz   pictures and scores of one class, see `core.cases.views`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.audit.readers import Features
from core.audit.scanning import PROGRESS, Scan, State, scan, summarise, write_scan
from core.cases.config import CaseConfig
from core.cases.folder import CaseFolder
from core.cases.reading import Brought
from core.foundation.errors import InputError
from core.foundation.files import replacing, write_array, write_json

KEPT = 2**30  # bytes of a table that is not the audit's own, up to which a copy is kept
LIMIT = 6e4  # half precision ends at 65,504


@dataclass(frozen=True)
class Look:
    """One layer of an audit."""

    number: int  # from 0
    layer: str  # "" for features as they were brought

    @property
    def folder(self) -> str:
        return f"look-{self.number}"


def looks_of(case: CaseFolder) -> list[Look]:
    """Those that the audit has, in their order; none before its features are there."""
    return [Look(i, str(layer)) for i, layer in enumerate(case.result.get("layers", []))]


def keep_features(case: CaseFolder, look: Look, features: Features) -> None:
    """Keep brought features where they are small, else where they can be found again: of a .npy file its path and stamp."""
    folder = case.file(look.folder)
    folder.mkdir(exist_ok=True)
    rows = features.rows
    if rows.nbytes <= KEPT:
        write_array(folder / "features.npy", np.asarray(rows))
    else:
        mapped = len(features.files) == 1 and isinstance(rows, np.memmap)
        place = {"path": str(features.files[0].absolute()) if mapped else None, "stamp": features.stamp}
        write_json(folder / "source.json", place | {"column": features.column, "bytes": int(rows.nbytes)})


def table_of(case: CaseFolder, look: Look) -> np.ndarray:
    """The features of a look (n, d), mapped. Raises InputError where they were too large to keep, and have changed since."""
    if (case.file(look.folder) / "features.npy").is_file():
        return case.load_array(f"{look.folder}/features.npy", mapped=True)
    from core.audit.readers import read_features

    told = case.read_json(f"{look.folder}/source.json")
    if told.get("path"):
        features = read_features(Path(told["path"]), told.get("column"))
        if features.stamp == told["stamp"]:
            return features.rows
        raise InputError(f"{told['path']} has changed since the audit; audit it again to look at other classes")
    raise InputError(
        f"these features have {told['bytes'] / 2**30:.1f} GiB and were not kept; classes with a finding are pictured, others are not"
    )


def look_at(
    case: CaseFolder,
    look: Look,
    table: np.ndarray,
    brought: Brought,
    config: CaseConfig,
    on_state: Callable[[State], None],
) -> dict[str, Any]:
    """Scan the features of a look and write what it leaves; returns its summary. A look that was stopped goes on."""
    folder = case.file(look.folder)
    found = scan(
        table, brought.labels, config.poisons,
        label=config.label or None, level=config.level, workers=config.workers, device=config.device,
        progress=folder / PROGRESS, stamp=[len(brought)], on_state=on_state,
    )  # fmt: skip
    summary = summarise(found) | {"layer": look.layer}
    known = bool((brought.files != "").any())
    write_scan(folder, found, summary, (lambda row: str(brought.files[row])) if known else None)
    _write_space(folder, found)
    (folder / PROGRESS).unlink(missing_ok=True)
    return summary


def _write_space(folder: Path, found: Scan) -> None:
    overview = found.overview
    order = np.argsort(overview.index, kind="stable")
    starts = np.searchsorted(overview.index[order], np.arange(len(overview.labels)))
    against = overview.against
    n, rank = len(order), 0 if against is None else against.rows.shape[1]
    with replacing(folder / "space.npy") as aside:
        space = np.lib.format.open_memmap(aside, "w+", np.float16, (n, rank))
        if against is not None:
            for first in range(0, n, 65_536):
                some = order[first : first + 65_536]
                space[first : first + len(some)] = (
                    against.rows[some].clamp(-LIMIT, LIMIT).cpu().numpy().astype(np.float16)
                )
        del space
    several = against is not None and len(overview.labels) > 1
    margin = against.margin.cpu().numpy()[order] if several and against is not None else np.full(n, -np.inf)
    nearest = (
        overview.labels[against.nearest.cpu().numpy()][order] if several and against is not None else np.full(n, -1)
    )
    write_array(folder / "order.npy", found.numbers[overview.kept[order]])
    write_array(folder / "margin.npy", margin.astype(np.float32))
    write_array(folder / "nearest.npy", nearest.astype(np.int64))
    write_json(folder / "space.json", {"labels": overview.labels.tolist(), "starts": starts.tolist(), "rows": n})


@dataclass(frozen=True)
class Space:
    """Where the rows of a look lie, class by class; what is not asked for stays on the disk."""

    labels: list[int]
    starts: list[int]  # one more than labels
    order: np.ndarray  # (m,) rows of the table
    vectors: np.ndarray  # (m, r)
    margin: np.ndarray  # (m,)
    nearest: np.ndarray  # (m,)

    def piece(self, label: int) -> slice:
        """Where a class lies; an empty piece for one without rows."""
        if label not in self.labels:
            return slice(0, 0)
        i = self.labels.index(label)
        return slice(self.starts[i], self.starts[i + 1])

    def rows(self, label: int) -> np.ndarray:
        """(n_c,) the rows of a class that were not set aside, as the table numbers them, ascending."""
        return self.order[self.piece(label)]

    def neighbours(self, vector: np.ndarray, label: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows of a class nearest to a place (r,), nearest first, and their distances in deviations."""
        part = self.piece(label)
        far = np.linalg.norm(np.asarray(self.vectors[part], np.float32) - vector.astype(np.float32), axis=1)
        order = np.argsort(far, kind="stable")[:count]
        return self.order[part][order], far[order]

    def place(self, row: int, label: int) -> int | None:
        """Position of a row of a class in the arrays; None where it was set aside."""
        rows = self.rows(label)
        at = int(np.searchsorted(rows, row))
        return self.piece(label).start + at if at < len(rows) and rows[at] == row else None


def space_of(case: CaseFolder, look: Look) -> Space:
    """The space of a look. Raises InputError."""
    told = case.read_json(f"{look.folder}/space.json")
    order, vectors, margin, nearest = (
        case.load_array(f"{look.folder}/{name}.npy", mapped=True) for name in ("order", "space", "margin", "nearest")
    )
    try:
        labels, starts = (
            [int(label) for label in told["labels"]],
            [*(int(start) for start in told["starts"]), int(told["rows"])],
        )
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{case.id}: {look.folder}/space.json is damaged") from None
    if not len(order) == len(vectors) == len(margin) == len(nearest) == starts[-1] or len(labels) + 1 != len(starts):
        raise InputError(f"{case.id}: the files of {look.folder} do not fit together")
    return Space(labels, starts, order, vectors, margin, nearest)
