"""The defenses that compare all classes, on networks with poison and label errors planted: what each removes at one budget.

    PYTHONPATH=. python benchmarks/labelled.py FOLDER ... [--features features_pooled]

FOLDER: as benchmarks/faulty_networks.py writes it. Every defense is told how many rows are wrong, poison and label errors
together, and may remove as many; SCAn removes the smaller group of the classes that it flags, whatever it is told. Broken rows
are left out beforehand.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.verdicts import tables
from core.defenses import Defense, NeighbourLabels, RobustDiscriminant, SCAn
from core.foundation import devices

CASES = (
    "patch-50", "noise-2", "noise-3-track-broken", "two-triggers", "blended-50-noise-2", "large-30-noise-1",
)  # fmt: skip
POISON, WRONG_LABEL, BROKEN = 1, 2, 4


def contestants(wrong: int) -> dict[str, Defense]:
    """Each with its budget."""
    told: dict[str, Any] = {"n_poisons": wrong, "device": "cpu"}
    return {
        "RobustDiscriminant": RobustDiscriminant(**told, removal_factor=1.0),
        "NeighbourLabels, k chosen": NeighbourLabels(**told, removal_factor=1.0),
        "NeighbourLabels, k = 50": NeighbourLabels(**told, removal_factor=1.0, n_neighbors=50),
        "SCAn": SCAn(**told),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--features", default="features_pooled")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    if not arguments.folders:
        print("give folders of tables; benchmarks/faulty_networks.py makes them")
        return
    devices.use_threads(arguments.threads)
    removed: dict[str, np.ndarray] = {}
    there, networks = np.zeros(3, np.int64), 0
    for folder, _ in tables(arguments.folders, arguments.features):
        if folder.name not in CASES:
            continue
        rows, labels, kind = (np.load(folder / f"{name}.npy") for name in (arguments.features, "labels", "kind"))
        whole = kind != BROKEN
        rows, labels, kind = rows[whole], labels[whole], kind[whole]
        kinds = [kind == POISON, kind == WRONG_LABEL, ~np.isin(kind, (POISON, WRONG_LABEL))]
        there, networks = there + [part.sum() for part in kinds], networks + 1
        for name, defense in contestants(int(kinds[0].sum() + kinds[1].sum())).items():
            mask = defense.fit(rows, labels).removed_
            removed[name] = removed.get(name, 0) + np.array([(mask & part).sum() for part in kinds])
    print(f"{networks} networks")
    for name, (poison, errors, others) in removed.items():
        print(f"{name}: {poison} of {there[0]} poisons, {errors} of {there[1]} label errors, {others} other rows")


if __name__ == "__main__":
    main()
