"""A finished audit written by hand: every kind of finding, without the minutes that one takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.audit.csv_files import write_csv
from core.cases import CaseConfig, CaseFolder
from core.cases.class_view import ClassView, write_view
from core.cases.space import Look
from core.cases.words import LIMITS, beside
from core.foundation.files import write_array, write_json
from core.runs import Status

NAMES = ("<b>stop</b>", "</script>yield", "שלט", "prio\u202erity")
KINDS = ("poison", "label-error", "copy", "broken", "second-group")


def make_audit(
    path: Path,
    *,
    per_class: int = 60,
    names: Sequence[str] = NAMES,
    kinds: Sequence[str] = KINDS,
    images: bool = True,
    text: bool = False,
    marked: int = 8,
    side: int = 8,
) -> CaseFolder:
    """Finding i has the kind i and lies in class i of `names`, and so on around; its rows are the first `marked` of the class."""
    case, rng = CaseFolder(path), np.random.default_rng(0)
    path.mkdir(parents=True)
    count, n = len(names), per_class * len(names)
    labels = np.repeat(np.arange(count), per_class)
    rows = {
        "row": np.arange(n),
        "label": labels,
        "file": [f"{names[label]}/img_{i}.png" for i, label in enumerate(labels)],
    }
    if text:
        rows["text"] = [f"<i>text</i> of row {i}" for i in range(n)]
    pd.DataFrame(rows).to_parquet(case.file("rows.parquet"), index=False)
    if images:
        few = rng.integers(0, 256, (64, side, side, 3), dtype=np.uint8)
        np.save(case.file("images.npy"), few[np.arange(n) % 64])
    config = CaseConfig(str(path / "<set>")).as_json()
    case.write_json("config.json", config)
    case.write_json("result.json", {"seconds": {"look": 1.5}, "layers": ["block3"], "versions": {"python": "3"}, "model": {
        "trained": "small", "epochs": 3, "accuracy": 0.97, "images": n}})  # fmt: skip
    _space(case, per_class, count, rng)
    found = _findings(case, kinds, names, per_class, marked)
    case.write_json("data.json", _data(names, per_class, n))
    case.write_json("summary.json", _summary(found, names, per_class, n, kinds))
    case.write_status(Status("finished", heartbeat=time.time(), started=time.time()))
    for label in range(count):
        write_view(case, Look(0, "block3"), _view(label, per_class, marked, rng))
    return case


def _space(case: CaseFolder, per_class: int, count: int, rng: np.random.Generator) -> None:
    folder, n = case.file("look-0"), per_class * count
    folder.mkdir()
    write_array(folder / "order.npy", np.arange(n))
    write_array(folder / "space.npy", rng.standard_normal((n, 4)).astype(np.float16))
    write_array(folder / "margin.npy", rng.standard_normal(n).astype(np.float32))
    write_array(folder / "nearest.npy", (np.arange(n) // per_class + 1) % count)
    write_json(
        folder / "space.json", {"labels": list(range(count)), "starts": [i * per_class for i in range(count)], "rows": n}
    )  # fmt: skip


def _findings(
    case: CaseFolder, kinds: Sequence[str], names: Sequence[str], per_class: int, marked: int
) -> list[dict[str, Any]]:
    found, lines = [], []
    for i, kind in enumerate(kinds):
        label = i % len(names)
        near = None if kind in ("copy", "broken") else (label + 1) % len(names)
        first = label * per_class + (i // len(names)) * marked
        lines += [
            {"row": first + j, "label": label, "kind": kind, "score": 9.0 - j / marked, "nearest_label": "" if near is None else near,
             "finding": i + 1}
            for j in range(marked)
        ]  # fmt: skip
        found.append({
            "label": label, "kind": kind, "rows": marked, "p_value": 1e-9 if kind == "poison" else None, "share": marked / per_class,
            "nearest_label": near, "in_words": f"{marked} rows of {names[label]} are told in words", "name": names[label],
            "finding": i + 1, **beside(kind),
        })  # fmt: skip
    write_csv(case.file("findings.csv"), ("row", "label", "kind", "score", "nearest_label", "finding"), lines)
    return found


def _data(names: Sequence[str], per_class: int, n: int) -> dict[str, Any]:
    return {
        "what": "images", "kind": "folder", "path": "<set>", "class_names": list(names), "image_shape": [32, 32, 3], "columns": None,
        "left_out": [{"what": "files *.<b>", "count": 3, "why": "no images"}], "notes": ["a <note>"], "sha256": "ab" * 32,
        "names": {str(i): name for i, name in enumerate(names)},
        "carries": {"too_small": [], "least": 5, "told": ["a group of 5 or more can be seen"]},
    }  # fmt: skip


def _summary(
    found: list[dict[str, Any]], names: Sequence[str], per_class: int, n: int, kinds: Sequence[str]
) -> dict[str, Any]:
    suspects = sorted({one["label"] for one in found if one["kind"] == "poison"})
    classes = [
        {"label": i, "name": name, "n": per_class, "objective": 2.0, "separation": 7.0 if i in suspects else 1.0 + i / 10,
         "misfits": i % 5, "copies": i % 3, "broken": 0, "p_value": 0.5, "reason": "", "warnings": []}
        for i, name in enumerate(names)
    ]  # fmt: skip
    return {
        "suspected_labels": suspects, "suspected_label": suspects[0] if suspects else None, "verdict": "told", "findings": found,
        "level": 0.05, "set_aside": {"broken": [], "copies": [
            {"row": 2 * per_class + j, "copy_of": 2 * per_class + 30} for j in range(4)]},
        "parameters": {"poisons": "auto", "level": 0.05, "separation": 5.25}, "notes": [], "n": n, "d": 16, "classes": classes,
        "device": "a processor", "layers": ["block3", "block2"], "sha256": "ab" * 32, "limits": list(LIMITS),
        "only_elsewhere": [{"layer": "block2", "label": 1, "kind": "poison", "rows": 3, "in_words": "three <rows>"}],
        "not_looked_at": [{"what": "<marks>", "count": 1, "why": "not pixel by pixel"}],
        "smallest": ["a group of 5 or more can be seen"], "command": "python -m core audit",
    }  # fmt: skip


def _view(label: int, per_class: int, marked: int, rng: np.random.Generator) -> ClassView:
    plane = rng.standard_normal((per_class, 2)).astype(np.float32)
    plane[:marked] += 5
    scores = rng.exponential(size=(1, 1, per_class)).astype(np.float32) + 0.1
    scores[..., :marked] += 50
    return ClassView(
        label, np.arange(per_class) + label * per_class, np.array([marked]), 0, np.array([4]), np.array([0]), np.ones((1, 1)), scores,
        plane, plane, plane[None, None].astype(np.float16), 1.5,
    )  # fmt: skip
