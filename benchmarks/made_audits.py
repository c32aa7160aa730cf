"""Finished audits of any size for the benchmarks of the page Audit: features are drawn, everything after that is the real thing.

    python benchmarks/made_audits.py 5500 --audits-dir DIR

One class has so many rows, with a hundredth of them poison along a direction of little spread; three others have 300. Pictures are
blurred noise, the same few hundred again and again: nothing here looks at them.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from core.cases import CaseConfig, CaseFolder, execute
from core.foundation import devices

COLUMNS, OTHERS, SMALL, SIZE = 32, 3, 300, 32
SHARE, WEAK = 0.01, 20


def draw(folder: Path, rows: int, seed: int = 0) -> tuple[Path, Path, Path]:
    """features.npy, labels.npy and images.npz of so many rows in the first class; their paths."""
    rng = np.random.default_rng(seed)
    labels = np.r_[np.zeros(rows, np.int64), np.repeat(np.arange(1, OTHERS + 1), SMALL)]
    deviations = np.geomspace(4.0, 0.5, COLUMNS)
    centres = 12 * rng.standard_normal((OTHERS + 1, COLUMNS))
    x = centres[labels] + rng.standard_normal((len(labels), COLUMNS)) * deviations
    poisons = round(SHARE * rows)
    x[:poisons, WEAK:] = centres[0][WEAK:] + 0.3 * rng.standard_normal((poisons, COLUMNS - WEAK))
    x[:poisons, WEAK] += 12 * deviations[WEAK]
    few = rng.integers(0, 256, (256, SIZE // 4, SIZE // 4, 3), dtype=np.uint8).repeat(4, 1).repeat(4, 2)
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "features.npy", folder / "labels.npy", folder / "images.npz"
    np.save(paths[0], x.astype(np.float32))
    np.save(paths[1], labels)
    np.savez(paths[2], x_train=few[np.arange(len(labels)) % len(few)], y_train=labels)
    return paths


def make_audit(root: Path, rows: int) -> CaseFolder:
    """A finished audit under `root`; one that is there already is taken as it is."""
    case = CaseFolder(root / f"made-{rows}")
    if case.file("summary.json").exists() and case.status.state == "finished":
        return case
    table, labels, images = draw(root / f".drawn-{rows}", rows)
    case.path.mkdir(parents=True, exist_ok=True)
    config = CaseConfig(
        str(table), str(labels), images=str(images), poisons=str(round(SHARE * rows)), workers=1, device="cpu"
    )
    case.write_json("config.json", config.checked().as_json())
    execute(case)
    return case


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=int, nargs="?", default=5_500)
    parser.add_argument("--audits-dir", type=Path, default=Path("audits"))
    arguments = parser.parse_args()
    devices.use_threads(None)
    started = time.perf_counter()
    case = make_audit(arguments.audits_dir, arguments.rows)
    print(f"{case.path}: {case.summary['verdict']} ({time.perf_counter() - started:.0f} s)")


if __name__ == "__main__":
    main()
