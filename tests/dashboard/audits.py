"""A small finished audit for the pages: drawn features of five classes, one of them with poison, with pictures and names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from core.cases import CaseConfig, CaseFolder, execute

CLASSES = ("ash", "birch", "<b>oak</b>", "pine", "yew")
ROWS, COLUMNS, POISONS, TARGET, SOURCE = 60, 12, 10, 2, 4


def draw(folder: Path, seed: int = 0) -> tuple[Path, Path]:
    """features.parquet with labels in words and file names, and images.npz of the same rows; the paths of both."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(CLASSES)), ROWS)
    centres = 9 * rng.standard_normal((len(CLASSES), COLUMNS))
    x = centres[labels] + rng.standard_normal((len(labels), COLUMNS))
    poisoned = np.flatnonzero(labels == TARGET)[:POISONS]
    x[poisoned] = centres[SOURCE] + 0.6 * rng.standard_normal((POISONS, COLUMNS))
    x[poisoned, 0] += 8  # the mark
    wrong = int(np.flatnonzero(labels == 0)[5])
    x[wrong] = centres[3] + rng.standard_normal(COLUMNS)
    x[7] = x[6]  # a copy
    folder.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(
        {
            "features": list(x.astype(np.float32)),
            "label": [CLASSES[label] for label in labels],
            "file": [f"{CLASSES[label].strip('<b>/')}/img_{i:03d}.png" for i, label in enumerate(labels)],
            "caption": [f"picture {i} of <i>{CLASSES[label]}</i>" for i, label in enumerate(labels)],
        }
    )
    table.to_parquet(folder / "features.parquet", index=False)
    images = rng.integers(0, 256, (len(labels), 8, 8, 3), dtype=np.uint8)
    np.savez(folder / "images.npz", x_train=images, y_train=labels)
    return folder / "features.parquet", folder / "images.npz"


def make_audit(folder: Path, audits: Path, name: str, **options: object) -> CaseFolder:
    """A finished audit of that under audits/name."""
    table, _ = draw(folder)
    case = CaseFolder(audits / name)
    case.path.mkdir(parents=True)
    case.write_json("config.json", CaseConfig(str(table), device="cpu", **options).checked().as_json())  # type: ignore[arg-type]
    execute(case)
    return case
