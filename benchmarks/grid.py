"""Every attack at three budgets on the drawn traffic signs: does it work, and who finds the poison?

    python benchmarks/grid.py              prints the committed table, docs/grid.json
    python benchmarks/grid.py --run        makes it anew: 48 trainings, one thread each, and docs/grid.svg with it

Signs, 1,000 images a class, small ResNet, 12 epochs, last block, seed 0 for everything, no retraining. About an hour on
3 cores. A call that was stopped goes on from the runs that are finished in --runs-dir.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from html import escape
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

DOCS = Path(__file__).resolve().parents[1] / "docs"
BUDGETS = (15, 50, 150)
# (name in the table, attack, its options)
ATTACKS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("Patch", "patch", {}),
    ("Pixel, 1 way", "pixel", {"ways": 1}),
    ("Pixel, 2 ways", "pixel", {"ways": 2}),
    ("Pixel, 3 ways", "pixel", {"ways": 3}),
    ("Periodic, 1 way", "periodic", {"ways": 1}),
    ("Periodic, 2 ways", "periodic", {"ways": 2}),
    ("Blended", "blended", {}),
    ("WaNet", "wanet", {}),
    ("SIG", "sig", {}),
    ("Label-consistent, l2", "label-consistent", {"method": "pgd l2"}),
    ("Label-consistent, linf", "label-consistent", {"method": "pgd linf"}),
    ("Label-consistent, latent", "label-consistent", {"method": "interpolation"}),
    ("TaCT", "tact", {}),
    ("All-to-all", "all-to-all", {}),
    ("Adaptive-Blend", "adaptive-blend", {}),
    ("Adaptive-Patch", "adaptive-patch", {}),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", action="store_true", help="make the table anew")
    parser.add_argument("--runs-dir", type=Path, default=Path("runs/grid"), help="where its runs are kept")
    parser.add_argument("--workers", type=int, default=max(1, len(os.sched_getaffinity(0)) - 1), help="processes")
    arguments = parser.parse_args()
    if arguments.run:
        cells = make(arguments.runs_dir, arguments.workers)
        (DOCS / "grid.json").write_text(json.dumps(cells, indent=1) + "\n", encoding="utf-8")
        (DOCS / "grid.svg").write_text(picture(cells), encoding="utf-8")
    Console().print(table(json.loads((DOCS / "grid.json").read_text(encoding="utf-8"))))


def make(root: Path, workers: int) -> list[dict[str, Any]]:
    """All cells, in the order of the table; what is finished already is not done again."""
    jobs = [(name, attack, options, budget) for name, attack, options in ATTACKS for budget in BUDGETS]
    # the first budget of an attack makes the attacker's models, which the others then find on disk
    first, rest = [j for j in jobs if j[3] == BUDGETS[0]], [j for j in jobs if j[3] != BUDGETS[0]]
    cells: dict[tuple[str, int], dict[str, Any]] = {}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for part in (first, rest):
            waiting = {pool.submit(one, str(root), *job): job for job in part}
            for done in as_completed(waiting):
                name, _, _, budget = waiting[done]
                cells[name, budget] = done.result()
                print(f"{len(cells)} of {len(jobs)}: {name}, {budget} poisons", flush=True)
    return [cells[name, budget] for name, _, _, budget in jobs]


def one(root: str, name: str, attack: str, options: dict[str, Any], budget: int) -> dict[str, Any]:
    """One run and what the table needs of it. In a process of its own."""
    from core.experiment import RunConfig, config_of, execute, new_run
    from core.foundation import devices
    from core.runs import Runs

    devices.use_threads(1)
    config = RunConfig(
        dataset="signs", attack=attack, attack_options=options, poisons=budget, seed=0, device="cpu", retrain=False
    ).resolved()
    runs = Runs(Path(root))
    finished = (run for run in runs if run.status.state == "finished" and config_of(run) == config)
    run = next(finished, None) or new_run(config, runs)
    result = run.result if run.status.state == "finished" else execute(run)
    found = {
        key: {rate: d[rate] for rate in ("title", "true_positive_rate", "false_positive_rate")}
        for key, d in result["defenses"].items()
    }
    kept = ("victims", "goal", "poisons", "poisons_in_target", "covers", "target_rows", "before", "command", "device")
    about = {key: result[key] for key in (*kept, "versions", "seed")}
    return {"name": name, "attack": attack, "options": options, "defenses": found, **about}


def columns(cell: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The shares that are shown of a cell, with their headings."""
    before = cell["before"]
    shown = [("one trigger", before["attack_single"]), ("all triggers", before["attack_combined"])]
    return shown + [(d["title"], d["true_positive_rate"]) for d in cell["defenses"].values()]


def text(share: dict[str, Any]) -> str:
    return "-" if share["value"] is None else f"{100 * share['value']:.0f}"


def table(cells: list[dict[str, Any]]) -> Table:
    made = Table(title="attack success and poison removed, in %", caption=footnote(cells))
    for heading in ("attack", "poisons", *(heading for heading, _ in columns(cells[0])), "clean accuracy"):
        made.add_column(heading, justify="left" if heading == "attack" else "right")
    for cell in cells:
        shares = [text(share) for _, share in columns(cell)]
        made.add_row(cell["name"], str(cell["poisons"]), *shares, f"{100 * cell['before']['clean']['value']:.1f}")
    return made


def footnote(cells: list[dict[str, Any]]) -> str:
    versions = cells[0]["versions"]
    return (
        f"signs, small ResNet, last block, seed {cells[0]['seed']}, one run a cell; torch {versions['torch']}, "
        f"{cells[0]['device']}; of the clean: what is removed for nothing, median over all cells"
    )


ROW, LEFT, WIDE, TOP = 22, 196, 136, 92


def picture(cells: list[dict[str, Any]]) -> str:
    """The table as an SVG: the darker a cell, the larger the share; orange for the attack, blue for the defenses."""
    names = [name for name, _, _ in ATTACKS]
    headings = [heading for heading, _ in columns(cells[0])]
    width, height = LEFT + len(headings) * WIDE + 16, TOP + len(names) * ROW + 40
    parts = list(head(headings, removed_for_nothing(cells)))
    by_place = {(cell["name"], cell["poisons"]): cell for cell in cells}
    for i, name in enumerate(names):
        y = TOP + i * ROW
        parts.append(label(8, y + 15, name))
        for b, budget in enumerate(BUDGETS):
            for j, (heading, share) in enumerate(columns(by_place[name, budget])):
                x = LEFT + j * WIDE + b * (WIDE - 10) / 3
                parts.append(
                    box(x, y, share, "#D55E00" if j < 2 else "#0072B2", f"{name}, {budget} poisons: {heading}")
                )
    parts.append(label(8, height - 14, footnote(cells), size=11, colour="#666"))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="system-ui, sans-serif" role="img" aria-label="Attack success and poison found for every attack">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def removed_for_nothing(cells: list[dict[str, Any]]) -> dict[str, float]:
    """The clean images that each defense removes, as a share of the clean: the median over all cells."""
    rates: dict[str, list[float]] = {}
    for cell in cells:
        for defense in cell["defenses"].values():
            rates.setdefault(defense["title"], []).append(defense["false_positive_rate"]["value"])
    return {title: median(values) for title, values in rates.items()}


def head(headings: list[str], clean_removed: dict[str, float]) -> Iterable[str]:
    yield label(LEFT, 20, "attack success (%) with", size=13, weight=600)
    yield label(LEFT + 2 * WIDE, 20, "share of the poison that is removed (%) by", size=13, weight=600)
    for j, heading in enumerate(headings):
        yield label(LEFT + j * WIDE, 44, heading, size=12)
        if heading in clean_removed:
            words = f"{100 * clean_removed[heading]:.1f} % of the clean"
            yield label(LEFT + j * WIDE, 58, words, size=10, colour="#666")
        for b, budget in enumerate(BUDGETS):
            yield label(LEFT + j * WIDE + (b + 0.5) * (WIDE - 10) / 3, 76, str(budget), anchor="middle", colour="#666")
    yield label(8, 76, "poisons among 10,000 images:", colour="#666")


def box(x: float, y: float, share: dict[str, Any], colour: str, title: str) -> str:
    value = share["value"] or 0.0
    wide = (WIDE - 10) / 3 - 2
    ink = "#fff" if value > 0.6 else "#222"
    number = label(x + wide / 2, y + 15, text(share), anchor="middle", colour=ink)
    fill = f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{ROW - 2}" fill="{colour}" fill-opacity="{value:.2f}" stroke="#ddd"/>'
    counted = f"{share['count']} of {share['total']}"
    return f"<g><title>{escape(title)}: {counted}</title>{fill}{number}</g>"


def label(
    x: float, y: float, words: str, *, size: int = 12, colour: str = "#222", anchor: str = "start", weight: int = 400
) -> str:
    style = f'font-size="{size}" fill="{colour}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


if __name__ == "__main__":
    main()
