"""A grid whose figures are drawn: for tests of what shows grids, never for what anybody should believe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from core.foundation.files import write_json
from core.studies.evidence import rows

ATTACKS = ("Patch", "Periodic, 2 ways", "SIG")
DEFENSES = {"spectre": "SPECTRE", "spectral": "Spectral signatures", "clustering": "Activation clustering"}
LABELLED = {"neighbours": "Labels of the neighbours"}
LAYERS = ("block2", "block3")


def draw_grid(
    root: Path, name: str = "drawn", *, attacks: Sequence[str] = ATTACKS, poisons: Sequence[int] = (50, 150, 15), seeds: Sequence[int] = (0, 1, 2),
    missing: Sequence[tuple[str, int]] = (("SIG", 15),), failed: Sequence[tuple[str, int, int]] = (("SIG", 150, 2),), retrain: bool = True,
) -> Path:  # fmt: skip
    """A folder below `root` with grid.parquet and plan.json: the first attack is always ended, the second one lives on, the third does not work.

    Of the first attack's smallest number of poisons all are removed, and no model is trained anew.

    missing: attack and poisons that were not run. failed: attack, poisons and seed of trainings that ended with an error.
    """
    rng, folder = np.random.default_rng(0), root / name
    folder.mkdir(parents=True)
    table: list[rows.Row] = []
    for attack in attacks:
        for count in poisons:
            for seed in seeds if (attack, count) not in missing else ():
                table += _training(
                    attack, count, seed, rng,
                    broken=(attack, count, seed) in failed, retrain=retrain, clear=attack == attacks[0] and count == min(poisons),
                )  # fmt: skip
    rows.write(rows.frame(table), folder)
    asked = [
        rows.Asked(
            a,
            "signs",
            "small",
            "patch",
            tuple(poisons),
            tuple(seeds),
            LAYERS,
            ("block3",),
            "block3",
            ("spectre",) * retrain,
        )
        for a in attacks
    ]
    for attack in attacks:
        _picture(poisons[0], rng).to_parquet(folder / "picture.parquet")
        rows.add_picture(folder, (attack, poisons[0], seeds[0]), folder / "picture.parquet")
    write_json(folder / rows.PLAN, rows.Plan("Drawn figures", "Nothing here was measured.", tuple(asked)).as_json())
    return folder


def _picture(count: int, rng: np.random.Generator) -> pd.DataFrame:
    planes = {f"{name}_{axis}": rng.standard_normal(1_000 + count) for name in ("raw", "robust") for axis in "xy"}
    poison = np.arange(1_000 + count) < count
    return pd.DataFrame({"id": np.arange(1_000 + count), **planes, "removed": poison, "poison": poison})


def _training(
    attack: str, count: int, seed: int, rng: np.random.Generator, *, broken: bool, retrain: bool, clear: bool
) -> list[rows.Row]:
    command = (
        f"python -m core run --dataset signs --attack patch --poisons {count} --seed {seed} --layer block3 --no-retrain"
    )
    about: rows.Row = {
        "experiment": attack, "dataset": "signs", "model": "small", "attack": "patch", "poisons": count, "seed": seed,
        "state": "finished", "command": command, "default_layer": "block3",
    }  # fmt: skip
    if broken:
        return [{**about, "state": "failed", "message": "the disk was full"}]
    works = attack != ATTACKS[2]
    about |= {
        "victims": "stop", "goal": "speed 80", "train_images": 10_000, "target_rows": 1_000 + count, "poisons_in_target": count, "covers": 0,
        "epochs": 12, "clean": 1_990, "clean_of": 2_000, "attack_single": 170, "attack_combined": 180 if works else 3, "confused": 1, "attack_of": 200,
        "elsewhere": 4, "elsewhere_of": 1_800, "seconds": 90.0, "train_seconds": 40.0, "threads": "1", "device": "a CPU", "torch": "2.9",
    }  # fmt: skip
    made = []
    for layer in LAYERS:
        for key, title in DEFENSES.items():
            best = key == "spectre" and (attack == ATTACKS[0] or layer == "block2")
            found = count - int(rng.integers(0, 2)) if best else int(rng.integers(0, count // 2))
            found = count if clear and key == "spectre" else found
            look = {
                "layer": layer, "labelled": False, "columns": 4_096, "extract_seconds": 0.5, "defense": key, "title": title, "k": 16,
                "fixed_k": False, "fit_seconds": 2.0, "removed": round(1.5 * count), "found": found,
            }  # fmt: skip
            if retrain and not clear and key == "spectre" and layer == "block3":
                left = 0 if attack == ATTACKS[0] else about["attack_combined"] - 10 * works
                look |= {
                    "after_clean": 1_990,
                    "after_single": left,
                    "after_combined": left,
                    "after_confused": 1 if left else 0,
                    "retrain_seconds": 40.0,
                }
            made.append({**about, **look})
            if key == "spectre":
                made.append({**about, **look, "k": 4, "fixed_k": True, "found": 0, **dict.fromkeys(rows.AFTER)})
    made.append({
        **about, "layer": "together", "labelled": False, "columns": 2, "extract_seconds": 0.0, "defense": "mean-rank", "fixed_k": False,
        "title": "SPECTRE, mean rank over layers", "fit_seconds": 0.0, "removed": round(1.5 * count), "found": count // 2,
    })  # fmt: skip
    made.append({
        **about, "layer": "otherwise", "labelled": False, "columns": 4_096, "extract_seconds": 0.0, "defense": "double", "fixed_k": False,
        "title": "SPECTRE told twice as many poisons", "removed": 3 * count, "found": count,
    })  # fmt: skip
    for key, title in LABELLED.items():
        made.append({
            **about, "layer": "block3", "labelled": True, "columns": 4_096, "extract_seconds": 0.5, "defense": key, "title": title,
            "fixed_k": False, "fit_seconds": 1.0, "removed": 40, "found": 15, "removed_elsewhere": 12,
        })  # fmt: skip
    return made
