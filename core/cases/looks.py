"""One look: the features of one layer, and what the scan of them leaves. A folder `look-<i>` of the audit.

features.npy   (n, d), where it was made here or is small enough to keep; else source.json says where it is
classes.csv, findings.csv, removed.npy, summary.json   as `scan` writes them
space.npy      (m, r) float16, rows that were not set aside, whitened within the classes; a class lies in one piece
space.json     the labels, where each begins in space.npy, and the number of rows
order.npy      (m,) int64, which row of the table each of them is
margin.npy     (m,) float32, how far each lies towards the nearest other class: positive beyond the middle, in deviations
nearest.npy    (m,) int64, that class
so-far.jsonl while the classes are looked at, see `core.cases.so_far`
class-<label>.npz   pictures and scores of one class, see `core.cases.views`
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.audit.groups import group_from
from core.audit.readers import Features
from core.audit.scanning import PROGRESS, ClassResult, Scan, State, scan, summarise, write_scan
from core.audit.verdict import counts, leading
from core.cases import so_far
from core.cases.config import CaseConfig
from core.cases.folder import CaseFolder
from core.cases.reading import Brought
from core.cases.space import Look
from core.foundation.errors import InputError
from core.foundation.files import replacing, write_array, write_json

KEPT = 2**30  # bytes of a table that is not the audit's own, up to which a copy is kept
LIMIT = 6e4  # half precision ends at 65,504


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

    told = case.read_object(f"{look.folder}/source.json")
    if not isinstance(told.get("path"), str | None) or not isinstance(told.get("bytes", 0), int | float):
        raise InputError(f"{case.id}: {look.folder}/source.json is damaged; audit the data again")
    if told.get("path"):
        features = read_features(Path(told["path"]), told.get("column"))
        if features.stamp == told.get("stamp"):
            return features.rows
        raise InputError(f"{told['path']} has changed since the audit; audit it again to look at other classes")
    raise InputError(
        f"these features have {told.get('bytes', 0) / 2**30:.1f} GiB and were not kept; classes with a finding are pictured, others are not"
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
    so_far.begin(case, look)
    found = scan(
        table, brought.labels, config.poisons,
        label=config.label or None, level=config.level, workers=config.workers, device=config.device,
        progress=folder / PROGRESS, stamp=[len(brought)], on_state=on_state,
        on_class=lambda result: so_far.add(case, look, _so_far(result)),
    )  # fmt: skip
    summary = summarise(found) | {"layer": look.layer}
    known = bool((brought.files != "").any())
    write_scan(folder, found, summary, (lambda row: str(brought.files[row])) if known else None)
    _write_space(folder, found)
    (folder / PROGRESS).unlink(missing_ok=True)
    so_far.begin(case, look)  # all are in
    return summary


def _so_far(result: ClassResult) -> so_far.ClassSoFar:
    first = leading([group_from(group) for group in result.groups]) if result.groups else None
    apart, separation = (0, None) if first is None else (len(first.rows), first.separation)
    far = first is not None and counts(first)
    return so_far.ClassSoFar(result.label, result.n, apart, separation, far, result.k, result.reason)


def _write_space(folder: Path, found: Scan) -> None:
    overview = found.overview
    order = np.argsort(overview.index, kind="stable")
    starts = np.searchsorted(overview.index[order], np.arange(len(overview.labels)))
    against = overview.against
    n, rank = len(order), 0 if against is None else against.transform.shape[1]
    with replacing(folder / "space.npy") as aside:
        space = np.lib.format.open_memmap(aside, "w+", np.float16, (n, rank))
        if against is not None:
            for first in range(0, n, 65_536):
                some = order[first : first + 65_536]
                rows = against.whitened(torch.from_numpy(some)).clamp(-LIMIT, LIMIT)
                space[first : first + len(some)] = rows.cpu().numpy().astype(np.float16)
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
