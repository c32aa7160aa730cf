"""Hours of visitors who come and go, while jobs are started, cancelled and killed: does the server end as it began?

    PYTHONPATH=. python benchmarks/soak.py [--minutes 120] [--visitors 40] [--json OUT] [--html OUT]

Every visitor opens a page, moves a few widgets at the pace of a reader, goes to other pages and leaves; another one comes. Meanwhile small
runs are started, a third of them cancelled and a third killed. Every ten seconds: memory, open files, threads and processes of the server and
of what it has started. At the end, when all have left: the same once more, the answers by their time, and all errors.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.serving import end_jobs, serve
from benchmarks.sessions import Session
from core.experiment import RunConfig
from core.foundation.errors import InputError
from core.jobs import start
from core.runs import RunFolder, Runs

VISITS = (
    ("", ""), ("story", ""), ("lab", ""), ("inspect", "run=signs-patch-50"), ("compare", ""), ("runs", ""), ("audit", "audit=signs-ordinary"),
    ("audit", "audit=signs-two-poisoned&part=decide"), ("challenge", ""),
)  # fmt: skip
PAUSE = (0.5, 6.0)  # seconds in which a visitor looks
STAY = (1, 6)  # pages before leaving
WAIT = 120.0  # seconds after which a visitor gives up
EVERY = 10.0  # seconds between two measurements
SETTLE = (
    150.0  # seconds after the last visitor has left; Streamlit keeps a session for two minutes, for whoever comes back
)


class Ledger:
    """What was answered, and what went wrong."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.errors: list[str] = []
        self.came = self.left = 0
        self.jobs = {"started": 0, "cancelled": 0, "killed": 0, "finished": 0}

    def note(self, answer: Any, where: str) -> None:
        self.seconds.append(answer.seconds)
        self.errors += [f"{where}: {problem}" for problem in answer.exceptions]


async def visitor(url: str, until: float, ledger: Ledger, draw: random.Random) -> None:
    """One seat: as soon as one leaves, another comes."""
    while time.monotonic() < until:
        ledger.came += 1
        try:
            async with Session(url, timeout=WAIT) as session:
                page, query = draw.choice(VISITS)
                ledger.note(await session.open(page, query), page)
                for _ in range(draw.randint(*STAY)):
                    await asyncio.sleep(draw.uniform(*PAUSE))
                    if draw.random() < 0.5:
                        page, query = draw.choice(VISITS)
                        ledger.note(await session.visit(page, query), page)
                    else:
                        ledger.note(await session.rerun(), page)
                    for answer in await session.tick():
                        ledger.note(answer, f"{page}, by itself")
        except (OSError, TimeoutError) as problem:
            ledger.errors.append(f"{type(problem).__name__}: {problem}")
        ledger.left += 1


async def trouble(runs: Runs, until: float, ledger: Ledger, draw: random.Random) -> None:
    """Jobs that are started, and what happens to them."""
    while time.monotonic() < until:
        config = RunConfig(dataset="digits", poisons=20, training={"epochs": 2}, retrain=False)
        run: RunFolder = await asyncio.to_thread(start, config, runs)
        ledger.jobs["started"] += 1
        await asyncio.sleep(draw.uniform(3, 20))
        fate = draw.choice(("finished", "cancelled", "killed"))
        if fate == "cancelled":
            run.request_cancel()
        elif fate == "killed" and run.status.active:
            with suppress(ProcessLookupError):
                os.kill(run.status.pid, signal.SIGKILL)
        while run.status.active and time.monotonic() < until:
            await asyncio.sleep(1)
        state = run.status.state
        ledger.jobs["killed" if state == "interrupted" else state] = (
            ledger.jobs.get("killed" if state == "interrupted" else state, 0) + 1
        )
        with suppress(InputError, OSError):  # what is active stays
            run.delete()


def measured(pid: int) -> dict[str, float]:
    """Of the server itself, and how many processes it has below it; as Linux counts them."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {
        "megabytes": round(int(status["VmRSS"].split()[0]) / 1024, 1), "files": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": int(status["Threads"]), "processes": len(_below(pid)),
    }  # fmt: skip


def _below(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):  # it ends while it is asked
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *_below(int(child))]
    return found


async def watch(server: int, until: float, curve: list[dict[str, float]]) -> None:
    began = time.monotonic()
    while time.monotonic() < until:
        curve.append({"second": round(time.monotonic() - began), **measured(server)})
        await asyncio.sleep(EVERY)


async def soak(url: str, pid: int, runs: Runs, minutes: float, visitors: int) -> dict[str, Any]:
    server, ledger, draw = pid, Ledger(), random.Random(0)
    async with Session(url, timeout=120) as first:  # everything is imported
        for page, query in VISITS:
            await first.visit(page, query) if first.query else await first.open(page, query)
    begin, until = measured(server), time.monotonic() + 60 * minutes
    curve: list[dict[str, float]] = []
    seats = [visitor(url, until, ledger, random.Random(i)) for i in range(visitors)]
    await asyncio.gather(*seats, trouble(runs, until, ledger, draw), watch(server, until, curve))
    await asyncio.sleep(SETTLE)
    ordered = sorted(ledger.seconds)
    return {
        "minutes": minutes, "visitors": visitors, "came": ledger.came, "answers": len(ordered), "jobs": ledger.jobs,
        "median_s": round(median(ordered), 3), "p95_s": round(ordered[int(0.95 * len(ordered))], 3), "slowest_s": round(ordered[-1], 3),
        "errors": len(ledger.errors), "first_errors": ledger.errors[:10], "begin": begin, "end": measured(server), "curve": curve,
    }  # fmt: skip


def drawn(curve: list[dict[str, float]], path: Path) -> None:
    """The four curves as a page that needs no network."""
    from plotly.subplots import make_subplots

    names = ("megabytes", "files", "threads", "processes")
    figure = make_subplots(rows=4, shared_xaxes=True, subplot_titles=names)
    for row, name in enumerate(names, 1):
        figure.add_scatter(
            x=[one["second"] / 60 for one in curve], y=[one[name] for one in curve], row=row, col=1, showlegend=False
        )
    figure.update_xaxes(title="minutes", row=4)
    figure.update_yaxes(rangemode="tozero")
    figure.write_html(path, include_plotlyjs=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--visitors", type=int, default=40)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--html", type=Path, help="the curves")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as server:
        runs = Runs(Path(folder) / "runs")
        found = asyncio.run(soak(server.url, server.pid, runs, arguments.minutes, arguments.visitors))
        end_jobs(runs.root)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if arguments.html:
        drawn(found["curve"], arguments.html)
    print(json.dumps({name: value for name, value in found.items() if name != "curve"}, indent=1))


if __name__ == "__main__":
    main()
