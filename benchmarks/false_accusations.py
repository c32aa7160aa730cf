"""How often `scan` accuses a class of a table without poison, beside the level that it claims.

    PYTHONPATH=. python benchmarks/false_accusations.py [--tables 200] [--parts 100] [--seed 0] [--level 0.05] [FOLDER ...]

Each drawn table has a number and size of classes, a number of columns and a shape of its own: normal with a spectrum in
common, normal with directions of each class's own, Student's t with 4 degrees of freedom, and rectified (many zeros, one
long tail, as pooled features have). Every other has 1 to 3 % label errors, every third 30 frames of a track, every fourth 30
equal rows, every fifth a broken row. FOLDER: as benchmarks/faulty_networks.py writes it; of every case in it without poison
and without a systematic mistake, tables are drawn as parts: 3 to 10 classes, half of their rows. Parts of one
network are not independent, so their rate has a wider error than its interval tells.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.drawn_tables import SHAPES, Shape
from core.audit.scanning import scan
from core.audit.verdict import LEVEL
from core.foundation import devices

ASSUMED = 20  # poisons
ROWS = 4_000  # of a drawn table, at most


def drawn(seed: int) -> tuple[str, np.ndarray, np.ndarray]:
    """A table without poison: what it is, rows (n, d), labels (n,)."""
    rng = np.random.default_rng([seed, 12])
    shape = SHAPES[seed % len(SHAPES)]
    classes = int(rng.choice([1, 2, 3, 5, 10, 30]))
    size = int(rng.choice([size for size in (40, 100, 300, 800) if classes * size <= ROWS]))
    d = int(rng.choice([8, 32, 128, 512]))
    labels = np.repeat(np.arange(classes), size)
    lie = Shape(shape, rng, classes, d)
    parts = [lie.rows(label, size) for label in range(classes)]
    faults = []
    if seed // 4 % 2 and classes > 1:
        share = rng.uniform(0.01, 0.03)
        faults.append(f"{share:.1%} label errors")
        true = np.concatenate([np.full(size, label) for label in range(classes)])
        wrong = rng.random(len(labels)) < share
        labels[wrong] = (true[wrong] + rng.integers(1, classes, wrong.sum())) % classes
    rows = np.concatenate(parts)
    if seed // 4 % 3 == 0:
        faults.append("a track")
        label = int(rng.integers(classes))
        near = rows[label * size] + 0.05 * rng.normal(size=(30, d)) * lie.scale
        rows, labels = np.concatenate([rows, near]), np.r_[labels, np.full(30, labels[label * size])]
    if seed // 4 % 4 == 0:
        faults.append("equal rows")
        rows = np.concatenate([rows, np.repeat(rows[-1:], 30, 0)])
        labels = np.r_[labels, np.full(30, labels[-1])]
    if seed // 4 % 5 == 0:
        faults.append("a broken row")
        rows[int(rng.integers(size))] *= 1000
    return f"{shape}, {classes} x {size} x {d}, {', '.join(faults) or 'no fault'}", rows.astype(np.float32), labels


def parts_of(folder: Path, features: str, seed: int) -> tuple[str, np.ndarray, np.ndarray]:
    """Half the rows of some classes of a network's features."""
    rng = np.random.default_rng([seed, 13])
    rows, labels = np.load(folder / f"{features}.npy", mmap_mode="r"), np.load(folder / "labels.npy")
    classes = rng.choice(np.unique(labels), int(rng.integers(3, 11)), replace=False)
    wanted = np.flatnonzero(np.isin(labels, classes) & (rng.random(len(labels)) < 0.5))
    return f"{folder.parent.name}/{folder.name}, {len(classes)} classes", np.asarray(rows[wanted]), labels[wanted]


def clean_cases(folders: list[Path], features: str) -> list[Path]:
    """The cases that nobody should be accused in."""
    found = []
    for folder in folders:
        for name, answer in json.loads((folder / "expected.json").read_text()).items():
            if not answer["poisoned"] and "systematic" not in name and (folder / name / f"{features}.npy").exists():
                found.append(folder / name)
    return found


def tell(title: str, wrong: int, tables: int, level: float) -> None:
    """The rate with an exact interval (Clopper and Pearson, Biometrika 1934)."""
    if not tables:
        return
    interval = stats.binomtest(wrong, tables).proportion_ci(method="exact")
    print(
        f"{title}: {wrong} of {tables} accuse a class, {wrong / tables:.1%} "
        f"(95 % interval {interval.low:.1%} to {interval.high:.1%}); claimed: {level:.0%} at most",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--parts", type=int, default=100, help="tables drawn of networks' features")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--level", type=float, default=LEVEL)
    parser.add_argument("--features", default="features_pooled")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    devices.use_threads(arguments.threads)
    seeds = range(arguments.seed * arguments.tables, (arguments.seed + 1) * arguments.tables)
    networks = clean_cases(arguments.folders, arguments.features)
    groups = {"drawn tables": [lambda s=s: drawn(s) for s in seeds]}
    if networks:
        groups["parts of networks' features"] = [
            lambda s=s: parts_of(networks[s % len(networks)], arguments.features, s) for s in range(arguments.parts)
        ]
    for title, tables in groups.items():
        wrong, by_shape = 0, Counter[str]()
        for make in tables:
            what, rows, labels = make()
            found = scan(rows, labels, ASSUMED, level=arguments.level, workers=1)
            if found.suspects:
                wrong += 1
                by_shape[what.split(",")[0]] += 1
                reason = next(finding for finding in found.findings if finding.kind == "poison")
                print(
                    f"  {what}: {found.suspects}, {len(reason.rows)} rows, p {reason.p_value:.2g}; {reason.in_words[:70]}"
                )
        tell(title, wrong, len(tables), arguments.level)
        for shape, count in by_shape.items():
            print(f"  {count} of them {shape}")


if __name__ == "__main__":
    main()
