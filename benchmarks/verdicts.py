"""`scan` on tables with the right answer beside each: which classes it accuses, and what kind it gives each row.

    PYTHONPATH=. python benchmarks/verdicts.py FOLDER ... [--features NAME] [--threads T]

A FOLDER holds expected.json ({case: {"poisoned": labels, "poisons": what a user would assume}}) and for each case a folder with
labels.npy, kind.npy (0 ordinary, 1 poison, 2 label error, 3 copy, 4 broken, 5 second group) and NAME.npy, as
benchmarks/drawn_tables.py and benchmarks/faulty_networks.py write them. Cases without NAME.npy are passed over.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from core.audit.findings import Finding
from core.audit.scanning import scan
from core.foundation import devices

KINDS = ("ordinary", "poison", "label-error", "copy", "broken", "second-group")
ASSUMED = 20  # poisons where nothing is poisoned and the table does not say what a user would assume


def tables(folders: list[Path], features: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The folders of all cases that have these features, with the answer."""
    for folder in folders:
        for name, answer in json.loads((folder / "expected.json").read_text()).items():
            if (folder / name / f"{features}.npy").exists():
                yield folder / name, answer


def kinds_of(findings: tuple[Finding, ...], n: int) -> np.ndarray:
    """The kind that the first finding of each row gives it: (n,) positions in KINDS."""
    told = np.zeros(n, np.int64)
    for finding in reversed(findings):
        told[finding.rows] = KINDS.index(finding.kind)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--features", default="features")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    devices.use_threads(arguments.threads)
    right, cases = Counter[str](), Counter[str]()
    told_of, truth_of, hits = (np.zeros(len(KINDS), np.int64) for _ in range(3))
    for folder, answer in tables(arguments.folders, arguments.features):
        rows, labels, kind = (np.load(folder / f"{name}.npy") for name in (arguments.features, "labels", "kind"))
        began = time.perf_counter()
        found = scan(rows, labels, answer["poisons"] or ASSUMED)
        took = time.perf_counter() - began
        agrees = sorted(found.suspects) == sorted(answer["poisoned"])
        right[folder.name] += agrees
        cases[folder.name] += 1
        told = kinds_of(found.findings, len(labels))
        told_of += np.bincount(told, minlength=len(KINDS))
        truth_of += np.bincount(kind, minlength=len(KINDS))
        hits += np.bincount(told[told == kind], minlength=len(KINDS))
        verdict = "right" if agrees else "WRONG"
        print(
            f"{verdict}  {folder.parent.name}/{folder.name}: poisoned {answer['poisoned']}, accused {found.suspects}, {took:.1f} s",
            flush=True,
        )
    if max(cases.values(), default=0) > 1:
        print("; ".join(f"{name} {right[name]} of {count}" for name, count in cases.items()))
    print(f"{right.total()} of {cases.total()} right")
    for i, name in enumerate(KINDS[1:], 1):
        print(f"{name}: {hits[i]:,} of {truth_of[i]:,} rows found, {told_of[i] - hits[i]:,} others told")


if __name__ == "__main__":
    main()
