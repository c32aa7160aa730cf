"""How fast the pages answer, and what they cost in memory, through the real server.

    python benchmarks/dashboard.py                                  5,500 and 50,000 rows; about twenty minutes
    python benchmarks/dashboard.py --rows 5500 --no-browser --no-memory
    python benchmarks/dashboard.py --runs-dir DIR                   keep the made runs there, and use them next time

A visitor of benchmarks/sessions.py changes a widget; the clock stops when the server has sent the last of its answer.
The first picture is timed in a real Chromium that has been on the page before: from the address to the first thing that
is drawn; beside it, in turns, a page of Streamlit's with a chart of three points and nothing else, for machines differ. The bars of the project: an answer within 100 ms at 5,500 rows and within 300 ms at 50,000, the first picture
within 1.5 s, and no growth of memory over 200 changes of the page.

Actions name widgets by key or label: add those of a new page to ACTIONS. One that is not on its page is said to be missing.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.made_audits import make_audit
from benchmarks.made_runs import make_run
from benchmarks.serving import Server, pages, serve
from benchmarks.sessions import Answer, Session
from core.cases import CaseFolder
from core.runs import RunFolder, Runs

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

BARS = ((5_500, 100), (50_000, 300))  # rows, milliseconds
FIRST_PICTURE = 1.5  # seconds
BARE = """
import plotly.graph_objects as go
import streamlit as st

st.plotly_chart(go.Figure(go.Scatter(x=[1, 2, 3], y=[1, 3, 2])))
"""
WARM = 2  # times that an action is done before it is timed: the first ones fill caches
COLD = 5  # openings of a run that the server has not read: each reads it anew
Value = Callable[[Any, int, np.ndarray], Any]  # the widget's element, how often it was moved, the ids -> its next value


def option(element: Any, turn: int, ids: np.ndarray) -> Any:
    """The next one of the options of a menu, a bar or a slider between words."""
    names = [getattr(o, "content", o) for o in element.options]
    return names[turn % len(names)]


def flip(element: Any, turn: int, ids: np.ndarray) -> bool:
    """On, off, on, ..."""
    return turn % 2 == 0


def cut(element: Any, turn: int, ids: np.ndarray) -> list[float]:
    """Another number of rows each time, from 1 % to 40 %."""
    return [float(round(len(ids) * (0.01 + 0.39 * ((turn * 0.618) % 1))))]


def brushed(element: Any, turn: int, ids: np.ndarray) -> str:
    """A brush over a tenth of the rows, others each time."""
    chosen = np.random.default_rng(turn).choice(ids, len(ids) // 10, replace=False)
    return json.dumps({"selected": np.sort(chosen).tolist()})


def looked_at(element: Any, turn: int, ids: np.ndarray) -> str:
    return json.dumps({"focus": int(ids[(turn * 97) % len(ids)])})


@dataclass(frozen=True)
class Action:
    """One thing a visitor does again and again. widget: key or label; query: the state of the page it is done in."""

    page: str
    name: str
    widget: str
    value: Value
    query: str = ""


ACTIONS = (
    Action("", "next step", "step", option),
    Action("inspect", "move the cut", "cut-slider", cut),
    Action("inspect", "move the cut, truth shown", "cut-slider", cut, "truth=true"),
    Action("inspect", "reveal, hide", "truth", flip),
    Action("inspect", "choose a defense", "defense", option),
    Action("inspect", "choose alpha", "alpha", option),
    Action("inspect", "brush a tenth of the points", "inspect-clouds", brushed),
    Action("inspect", "look at an example", "inspect-clouds", looked_at),
    Action("inspect", "removed, kept, ...", "which", option),
    Action("compare", "ask another question", "question", option),
    Action("audit", "choose k", "k", option),
    Action("audit", "choose a number of poisons", "poisons", option),
    Action("audit", "ring the finding, ring what SPECTRE removes", "ring", option),
    Action("audit", "brush a tenth of the points", "audit-clouds", brushed),
    Action("audit", "look at a row", "audit-clouds", looked_at),
    Action("audit", "finding, removed, ...", "audit-set", option),
    Action("audit", "next step", "part", option),
    Action("evidence", "choose a layer", "layer", option),
    Action("evidence", "choose a cell", "cell", option),
    Action("evidence", "all, works, falls short", "show", option),
)


@dataclass(frozen=True)
class Timing:
    """What was measured of one action. The processor time tells what it takes where the machine is busy with other things."""

    page: str
    name: str
    milliseconds: list[float]
    bytes: list[int]
    cpu: float  # milliseconds of the server's processor time for one answer, on average

    def line(self, bar: float) -> str:
        if not self.milliseconds:
            return f"| {self.page} | {self.name} | not on the page | | | | | |"
        middle, high = np.percentile(self.milliseconds, [50, 95])
        met = "yes" if high <= bar else "median only" if middle <= bar else "no"
        kilobytes = np.median(self.bytes) / 1024
        return f"| {self.page} | {self.name} | {middle:.0f} | {high:.0f} | {self.cpu:.0f} | {kilobytes:,.1f} | {len(self.bytes)} | {met} |"


def timing(page: str, name: str, answers: list[Answer], cpu: float) -> Timing:
    """cpu: seconds of processor time that the server used for all of the answers. Raises RuntimeError for an exception."""
    problems = {problem for answer in answers for problem in answer.exceptions}
    if problems:
        raise RuntimeError(f"{page}, {name}: {'; '.join(sorted(problems))}")
    return Timing(
        page,
        name,
        [1000 * answer.seconds for answer in answers],
        [answer.bytes for answer in answers],
        1000 * cpu / max(len(answers), 1),
    )


def audit_of(run: RunFolder) -> CaseFolder:
    """The made audit beside a made run; `runs_of` makes both."""
    return next(
        CaseFolder(path) for path in (run.path.parents[1] / "audits").iterdir() if path.name.startswith("made-")
    )


def query_of(run: RunFolder) -> str:
    """What every address says; a page passes over what is another page's."""
    return f"run={run.id}&audit={audit_of(run).id}"


async def openings(server: Server, path: str, title: str, run: RunFolder, repeats: int) -> list[Timing]:
    """A page opened by one visitor after the other, before and after the server has read the run."""
    found = []
    for name, times, cold in (("open, run not read yet", COLD, True), ("open", repeats, False)):
        answers, before = [], server.cpu
        for _ in range(times):
            if cold:
                os.utime(run.file("result.json"))  # to the server, this is another run now, and another audit
                os.utime(audit_of(run).file("summary.json"))
            async with Session(server.url) as visitor:
                answers.append(await visitor.open(path, query_of(run)))
        found.append(timing(title, name, answers, server.cpu - before))
    return found


async def action(server: Server, what: Action, title: str, run: RunFolder, ids: np.ndarray, repeats: int) -> Timing:
    """One visitor who does the same thing again and again."""
    async with Session(server.url) as visitor:
        await visitor.open(what.page, "&".join(filter(None, [query_of(run), what.query])))
        if not visitor.has(what.widget):
            return timing(title, what.name, [], 0.0)

        async def once(turn: int) -> Answer:
            element = visitor.value_field(what.widget)
            return await visitor.rerun({what.widget: what.value(element, turn, ids)})

        for turn in range(WARM):
            await once(turn)
        before = server.cpu
        answers = [await once(WARM + turn) for turn in range(repeats)]
    return timing(title, what.name, answers, server.cpu - before)


async def measure(server: Server, run: RunFolder, repeats: int, only: Sequence[str] = ()) -> list[Timing]:
    """Every page opened, and every action on it. only: pages by their path; none for all."""
    ids = run.load_scores()["id"].to_numpy()
    found = []
    for page in (page for page in pages() if not only or page.path in only):
        found += await openings(server, page.path, page.title, run, repeats)
        for what in ACTIONS:
            if what.page == page.path:
                rows = np.arange(len(ids)) if page.path == "audit" else ids  # the first class of a made audit
                found.append(await action(server, what, page.title, run, rows, repeats))
    return found


def first_pictures(
    server: Server, bare: Server, run: RunFolder, repeats: int, only: Sequence[str] = ()
) -> Iterator[tuple[str, list[float], list[float], list[float]]]:
    """(page, seconds to the first picture, to that of the page `bare`, until all is drawn) in Chromium. Empty where there is none."""
    from tests.browser.chromium import CHROMIUM, FLAGS, WIDE

    if CHROMIUM is None:
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport=WIDE)
        for page in (page for page in pages() if not only or page.path in only):
            first, other, whole = [], [], []
            for attempt in range(repeats + 1):
                of_bare = _opened(context, bare.url)[0]
                at_first, at_end = _opened(context, f"{server.url}/{page.path}?{query_of(run)}")
                if attempt:  # the first one fills the browser's cache
                    first.append(at_first)
                    other.append(of_bare)
                    whole.append(at_end)
            yield page.title, first, other, whole
        browser.close()


def _opened(context: BrowserContext, url: str) -> tuple[float, float]:
    """Seconds from an address to the first picture, and until all is drawn."""
    from tests.browser.chromium import wait_for_a_picture, wait_until_drawn

    tab = context.new_page()
    started = time.perf_counter()
    tab.goto(url, wait_until="commit")
    wait_for_a_picture(tab)
    at_first = time.perf_counter() - started
    wait_until_drawn(tab)
    at_end = time.perf_counter() - started
    tab.close()
    return at_first, at_end


async def memory(server: Server, run: RunFolder, changes: int = 200, every: int = 20) -> tuple[list[int], list[int]]:
    """Bytes the server holds: after every so many page changes of one visitor, and before and after 20 visitors."""
    async with Session(server.url) as visitor:
        paths = [page.path for page in pages()]
        await visitor.open()
        for path in paths * 2:  # modules and caches
            await visitor.visit(path, query_of(run))
        held = [server.resident]
        for change in range(1, changes + 1):
            await visitor.visit(paths[change % len(paths)], query_of(run))
            if change % every == 0:
                held.append(server.resident)
    sessions = [server.resident]
    for visit in range(20):
        async with Session(server.url) as guest:
            await guest.open(paths[visit % len(paths)], query_of(run))
        if visit % 5 == 4:
            sessions.append(server.resident)
    return held, sessions


def say_memory(held: list[int], sessions: list[int], every: int = 20) -> None:
    megabytes = [value / 2**20 for value in held]
    slope = np.polyfit(np.arange(len(megabytes)) * every, megabytes, 1)[0] * 1024
    half = len(megabytes) // 2
    late = np.polyfit(np.arange(len(megabytes) - half) * every, megabytes[half:], 1)[0] * 1024
    print("\nMemory of the server over changes of the page by one visitor:\n")
    print("| page changes | " + " | ".join(str(i * every) for i in range(len(held))) + " |")
    print("|---|" + "---|" * len(held))
    print("| MB | " + " | ".join(f"{value:.0f}" for value in megabytes) + " |")
    print(f"\nSlope: {slope:+.0f} KB a page change over all, {late:+.0f} KB over the second half.")
    after = ", ".join(f"{value / 2**20:.0f}" for value in sessions)
    print(f"Twenty visitors who came and went, five at a time: {after} MB.")


def runs_of(rows: list[int], folder: Path) -> dict[int, tuple[Path, RunFolder]]:
    """A made run of each size and an audit as large, each in a folder of its own; those that are there already are used again."""
    found = {}
    for n in rows:
        root = folder / f"rows-{n}"
        (root / "runs").mkdir(parents=True, exist_ok=True)
        finished = [run for run in Runs(root / "runs") if run.status.state == "finished"]
        found[n] = (root, finished[0] if finished else make_run(root / "runs", n))
        make_audit(root / "audits", n)
    gc.collect()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[rows for rows, _ in BARS])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--runs-dir", type=Path, help="where made runs are kept; without it they are made and dropped")
    parser.add_argument("--no-browser", action="store_true", help="no first pictures")
    parser.add_argument("--only", nargs="*", default=[], help="pages by their path, such as inspect audit")
    parser.add_argument("--no-memory", action="store_true")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = asked.runs_dir or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        made = runs_of(asked.rows, folder)
        for rows, (root, run) in made.items():
            bar = next((ms for most, ms in BARS if rows <= most), BARS[-1][1])
            bare = folder / "bare.py"
            bare.write_text(BARE)
            with serve(root) as server:
                print(f"\n## {rows:,} rows: {bar} ms to answer\n")
                print(
                    "| page | what | median ms | 95 % ms | processor ms | kB | times | within the bar |\n"
                    + 8 * "|---"
                    + "|"
                )
                for measured in asyncio.run(measure(server, run, asked.repeats, asked.only)):
                    print(
                        measured.line(bar if not measured.name.startswith("open") else 1000 * FIRST_PICTURE), flush=True
                    )
                if not asked.no_browser:
                    print(f"\nIn Chromium, warm; the bar for the first picture is {FIRST_PICTURE} s:\n")
                    print(
                        "| page | first picture, median s | 95 % s | bare page, median s | ratio | all drawn, median s |"
                    )
                    print("|---|---|---|---|---|---|")
                    times = max(asked.repeats // 2, 3)
                    with serve(bare.parent, app=bare) as other:
                        for title, first, of_bare, whole in first_pictures(server, other, run, times, asked.only):
                            middle, high = np.percentile(first, [50, 95])
                            print(
                                f"| {title} | {middle:.2f} | {high:.2f} | {np.median(of_bare):.2f} | "
                                f"{middle / np.median(of_bare):.2f} | {np.median(whole):.2f} |",
                                flush=True,
                            )
                if not asked.no_memory:
                    say_memory(*asyncio.run(memory(server, run)))


if __name__ == "__main__":
    main()
