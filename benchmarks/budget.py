"""How near is the estimated number of poisons to the truth, and what does a wrong number cost?

    python benchmarks/budget.py [runs/RUN runs/RUN ...] [--json FILE]

For finished runs with features in their folder; without any named, for all in runs/. Two tables: estimate and interval against the truth; and the shares
of the poison and of the clean rows that SPECTRE removes when a quarter to four times the true number is assumed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from core.foundation import devices
from core.robust import estimate_poisons, fit_spectre
from core.runs import RunFolder

FACTORS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path, help="folders of finished runs")
    parser.add_argument("--json", type=Path, help="file for all figures")
    arguments = parser.parse_args()
    devices.use_threads()
    folders = arguments.runs or sorted(path.parent for path in Path("runs").glob("*/features.npy"))
    if not folders:
        print("there are no finished runs in runs/; make one: python -m core run --no-retrain")
        return
    found = [judge(RunFolder(path)) for path in folders]
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    report(found)


def judge(run: RunFolder) -> dict[str, Any]:
    """Estimate and cost for one run, as JSON values."""
    x = torch.from_numpy(np.load(run.path / "features.npy"))
    poison = pd.read_parquet(run.path / "scores.parquet", columns=["is_poison"])["is_poison"].to_numpy()
    n, truth = len(x), int(poison.sum())
    guess = estimate_poisons(x)
    line = {"run": run.id, "n": n, "truth": truth, "attack": run.result["before"]["attack_single"]["value"]}
    line |= {"estimate": guess.as_json(), "cost": []}
    for factor in FACTORS if truth else ():
        assumed = min(round(factor * truth), n // 2)
        removed = fit_spectre(x, assumed, components=guess.fit.components).removed.cpu().numpy()
        line["cost"].append(
            {
                "factor": factor,
                "assumed": assumed,
                "poison": int(removed[poison].sum()),
                "clean": int(removed[~poison].sum()),
            }
        )
    print(run.id, truth, guess.poisons, guess.low, guess.high, flush=True)
    return line


def report(lines: list[dict[str, Any]]) -> None:
    """Both tables in Markdown."""
    print("\n| run | rows | attack success | truth | estimate | interval | inside | separation |")
    print("|---|---|---|---|---|---|---|---|")
    for line in lines:
        e = line["estimate"]
        inside = "-" if e["low"] is None else "yes" if e["low"] <= line["truth"] <= e["high"] else "no"
        attack = "-" if line["attack"] is None else f"{line['attack']:.2f}"
        separation = e["trials"][e["chosen"]]["separation"]
        print(
            f"| {line['run']} | {line['n']:,} | {attack} | {line['truth']} | {e['poisons'] or 'none'} "
            f"| {e['low']} to {e['high']} | {inside} | {separation:.1f} |"
        )
    print("\nRemoved of the poison / of the clean rows, by the assumed number as a multiple of the true one:\n")
    print("| run | " + " | ".join(f"{f:g}" for f in FACTORS) + " |")
    print("|---|" + "---|" * len(FACTORS))
    for line in lines:
        clean = line["n"] - line["truth"]
        cells = [f"{c['poison'] / line['truth']:.0%} / {c['clean'] / clean:.1%}" for c in line["cost"]]
        if cells:
            print(f"| {line['run']} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
