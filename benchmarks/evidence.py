"""What the grids say as tables, and some of their cells made again from their commands.

    PYTHONPATH=. python benchmarks/evidence.py table [FOLDER ...]             Markdown
    PYTHONPATH=. python benchmarks/evidence.py ways [FOLDER ...]              SPECTRE asked in other ways, beside the usual one
    PYTHONPATH=. python benchmarks/evidence.py picture FOLDER > FILE.svg      all cells at a glance
    PYTHONPATH=. python benchmarks/evidence.py costs [FOLDER ...]             what a training costs, by its parts
    PYTHONPATH=. python benchmarks/evidence.py check FOLDER [--cells 3]       random cells again: the same figures?

FOLDER: of a grid, as `sweep FILE.toml --out` leaves it; without one, those that come with the program.
"""

from __future__ import annotations

import argparse
import random
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.evidence_costs import costs
from benchmarks.evidence_picture import picture
from core.runs import Runs
from core.studies.evidence import rows, summary, ways
from core.studies.intervals import Interval, whole_percent

ROOT = Path(__file__).resolve().parents[1]
BUNDLED = ROOT / "assets" / "evidence"
SHOWN = ("spectre", "direction", "mahalanobis", "spectral", "clustering")


def percent(one: Interval | None) -> str:
    """ "92 [81, 100]", in percent."""
    if one is None:
        return "–"
    mean = whole_percent(one.centre)
    return mean if one.kind == "none" else f"{mean} [{100 * one.low:.0f}, {100 * one.high:.0f}]"


def table(cells: Sequence[summary.Cell]) -> list[str]:
    """Lines of Markdown: a line for each cell in which the attack works."""
    working = [cell for cell in cells if cell.works]
    titles = {key: title for cell in working for key, title in cell.titles.items() if key in SHOWN}
    shown = [key for key in SHOWN if key in titles]
    heads = ["attack", "poisons", "seeds", "attack success", *map(titles.__getitem__, shown), "after SPECTRE"]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for cell in working:
        spectre = cell.look("spectre")
        told = [cell.experiment.replace("|", "/"), f"{cell.poisons:,}", str(cell.seeds), percent(cell.attack)]
        told += [percent(cell.found(key)) for key in shown]
        told.append("none left" if spectre and spectre.none_left else percent(spectre.after if spectre else None))
        lines.append(f"| {' | '.join(told)} |")
    return lines


def _read(folder: Path) -> tuple[rows.Plan, pd.DataFrame, list[summary.Cell]]:
    """A grid's plan, what of its table belongs to that, and its cells."""
    plan = rows.read_plan(folder)
    grid = rows.of_plan(rows.read(folder), plan)
    return plan, grid, summary.cells(grid, plan.names)


def said(folder: Path) -> list[str]:
    """The table with what it is of, and how much of it was run."""
    plan, grid, cells = _read(folder)
    states = rows.trainings(grid)["state"].tolist()
    counts = f"{states.count('finished')} of {plan.trainings} trainings made, {states.count('failed')} failed"
    works = f"the attack works in {sum(cell.works for cell in cells)} of {len(cells)} cells"
    return [f"**{plan.title}** ({counts}; {works})", "", *table(cells), ""]


def ways_table(folder: Path) -> list[str]:
    """Lines of Markdown: a line for each other way, with the usual one on the same runs, and what it gains without the cell that gains most."""
    plan, grid, cells = _read(folder)
    found = ways.other_ways(cells, summary.looks(grid))
    lines = [
        f"**{plan.title}**", "", "| way | runs | poison removed, % | usually | more in | less in | gain but for its best cell, points | clean removed, % | usually |",
        "|" + "---|" * 9,
    ]  # fmt: skip
    for way in found:
        shares = [100 * share for share in (way.found(), way.found(usual=True), way.wasted(), way.wasted(usual=True))]
        told = [way.title, str(len(way.pairs)), f"{shares[0]:.1f}", f"{shares[1]:.1f}", str(way.more), str(way.fewer)]
        rest = way.gain(but_one=True)
        told.append("–" if rest is None else f"{100 * rest:+.1f}")
        lines.append(f"| {' | '.join([*told, f'{shares[2]:.1f}', f'{shares[3]:.1f}'])} |")
    return [*lines, ""]


def drawn(folder: Path) -> list[str]:
    """The lines of its picture."""
    plan, _, cells = _read(folder)
    return picture(plan, cells, SHOWN).splitlines()


def costs_table(folder: Path) -> list[str]:
    """Lines of Markdown: what its trainings cost, and on what."""
    plan, grid, _ = _read(folder)
    devices = ", ".join(sorted(grid["device"].dropna().unique()))
    return [f"**{plan.title}** ({devices})", "", *costs(grid), ""]


def check(folder: Path, cells: int, seed: int) -> bool:
    """Make random looks of one class again and print both figures. Whether all are the same."""
    from core.defenses import DEFENSES

    looks = [look for look in summary.looks(rows.read(folder)) if look.defense in DEFENSES and look.found is not None]
    draw = random.Random(seed)
    chosen = draw.sample(looks, min(cells, len(looks)))
    same = True
    for look in chosen:
        row = draw.choice([row for row in look.rows if row["found"] is not None])
        mine, again = _kept(row), _made_again(row)
        same &= mine == again
        print(
            f"{look.title} at {look.layer}: {rows.command_of(row)}",
            f"    kept:  {mine}",
            f"    again: {again}",
            "    the same" if mine == again else "    DIFFERENT",
            sep="\n",
            flush=True,
        )
    return same


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    before, after = ("clean", "attack_single", "attack_combined", "confused"), ("after_clean", "after_combined")
    return {name: row[name] for name in (*before, "removed", "found", *after)}


def _made_again(row: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as root:
        words = [sys.executable, *shlex.split(rows.command_of(row))[1:], "--runs-dir", root]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        result = next(iter(Runs(Path(root)))).result
    before, after, found = result["before"], result["after"], result["defenses"][row["defense"]]
    return {
        **{name: before[name]["count"] for name in ("clean", "attack_single", "attack_combined", "confused")},
        "removed": found["removed"], "found": found["true_positive_rate"]["count"],
        **{f"after_{name}": after[f"attack_{name}" if name == "combined" else name]["count"] if after else None for name in ("clean", "combined")},
    }  # fmt: skip


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("table", "ways", "picture", "costs", "check"))
    parser.add_argument("folders", type=Path, nargs="*", default=sorted(BUNDLED.glob("*")))
    parser.add_argument("--cells", type=int, default=3, help="how many are made again (3)")
    parser.add_argument("--seed", type=int, default=0, help="of their choice (0)")
    asked = parser.parse_args(words)
    prints = {"table": said, "ways": ways_table, "picture": drawn, "costs": costs_table}
    if asked.what == "picture" and len(asked.folders) != 1:
        sys.exit("a picture is of one grid; name its folder")
    if of := prints.get(asked.what):
        print("\n".join(line for folder in asked.folders for line in of(folder)))
        return
    if not asked.folders:
        sys.exit("there is no grid to check; name its folder")
    same = [check(folder, asked.cells, asked.seed) for folder in asked.folders]
    if not all(same):
        sys.exit("some figures are not the same")


if __name__ == "__main__":
    main()
