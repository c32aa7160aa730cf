"""Forty at once: a class plays one challenge on one server, in real Streamlit sessions (`benchmarks/sessions.py`).

    python benchmarks/challenge.py                   forty players, everyone pressing at the same moment
    python benchmarks/challenge.py --think 3         ... with up to 6 s between two clicks, 3 on average, as people have
    python benchmarks/challenge.py --players 5

Each player opens the page, gives a name, looks at three labels, cuts, fills the basket, names a label, submits and waits for
the board, which looks for news by itself; then the teacher reveals, and every page turns. A round begins for all at once, and
the clock of an answer runs from the click until the server has sent the last of what changed. Prints a table of answers, the
errors, what lies in the database, and the server's memory. Takes a minute or two; the clients share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.sessions import Answer, Session, wait_for_server  # noqa: E402 - after the path
from core.challenges import Store, open_challenge  # noqa: E402

PLAYED = "b-signs"
LABELS = ("0", "2", "5")  # that each player looks at; all of one challenge
CODE = "teacher"


class Log:
    """Seconds of every answer by what was done, and what went wrong."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.bytes: dict[str, list[int]] = defaultdict(list)
        self.errors: list[str] = []

    async def time(self, what: str, work: Awaitable[Answer]) -> None:
        try:
            answer = await work
        except Exception as problem:  # noqa: BLE001 - whatever a player meets is what is counted
            self.errors.append(f"{what}: {type(problem).__name__}: {problem}")
            return
        self.seconds[what].append(answer.seconds)
        self.bytes[what].append(answer.bytes)
        self.errors.extend(f"{what}: {text}" for text in answer.exceptions)

    def print(self) -> None:
        print(f"{'what':24} {'answers':>8} {'median s':>9} {'95 % s':>8} {'slowest s':>10} {'kB each':>8}")
        for what, seconds in self.seconds.items():
            ordered = sorted(seconds)
            late = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
            size = statistics.mean(self.bytes[what]) / 1000
            median = statistics.median(ordered)
            print(f"{what:24} {len(ordered):8} {median:9.2f} {late:8.2f} {ordered[-1]:10.2f} {size:8.0f}")


async def play(players: list[Session], log: Log, think: float) -> None:
    """The whole game, one step after the other for all players at once."""
    draw = random.Random(0)

    async def step(what: str, act: Callable[[int, Session], Awaitable[Answer]]) -> None:
        async def one(number: int, player: Session) -> None:
            if think:
                await asyncio.sleep(draw.uniform(0, 2 * think))
            await log.time(what, act(number, player))

        await asyncio.gather(*(one(i, p) for i, p in enumerate(players)))

    await step("open the page", lambda _, p: p.open("challenge", f"challenge={PLAYED}"))
    await step("give a name", lambda i, p: p.rerun({"name typed": f"team {i + 1}"}))
    for label in LABELS:
        name = CHALLENGE.classes[int(label)]
        await step("look at a label", lambda _, p, name=name: p.rerun({"label": [name]}))
    await step("move the cut", lambda i, p: p.rerun({f"The highest of label {name}": 20 + i}))
    await step("fill the basket", lambda _, p: p.rerun({"take": True}))
    await step("name a label", lambda _, p: p.rerun({"Which label looks poisoned?": name}))
    await step("submit", lambda _, p: p.rerun({"submit": True}))
    await step("look for news", board)


async def board(_: int, player: Session) -> Answer:
    """What the board's clock does every few seconds."""
    return (await player.tick())[0]


async def reveal(players: list[Session], url: str, log: Log) -> None:
    """The teacher reveals; the next look of each board turns its page."""
    async with Session(url) as teacher:
        await teacher.open("challenge", f"challenge={PLAYED}")
        await teacher.rerun({"code": CODE})
        await log.time("teacher reveals", teacher.rerun({"reveal-all": True}))
    await asyncio.gather(*(log.time("page turns", board(0, p)) for p in players))
    unturned = sum("Your score" not in p.texts() for p in players)
    if unturned:
        log.errors.append(f"{unturned} pages show no score after the reveal")


def memory(pid: int) -> float:
    """Resident memory of a process, MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1000
    return 0.0


def serve(folder: Path) -> tuple[subprocess.Popen, str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ, "SPECTRE_LENS_RUNS": str(folder / "runs"), "SPECTRE_LENS_CHALLENGES": str(folder),
        "SPECTRE_LENS_TEACHER": CODE,
    }  # fmt: skip
    command = [sys.executable, "-m", "streamlit", "run", "dashboard/app.py", "--server.port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    wait_for_server(url)
    return server, url


async def main(count: int, think: float) -> bool:
    with tempfile.TemporaryDirectory() as name:
        folder, log = Path(name), Log()
        server, url = serve(folder)
        try:
            async with Session(url) as first:  # what is imported at the first visit is not what is measured
                await first.open("challenge", f"challenge={PLAYED}")
            before, started = memory(server.pid), time.perf_counter()
            players = [Session(url, timeout=120) for _ in range(count)]
            await play(players, log, think)
            during = memory(server.pid)
            await reveal(players, url, log)
            took = time.perf_counter() - started
            await asyncio.gather(*(p.close() for p in players))
            await asyncio.sleep(2)
            after = memory(server.pid)
        finally:
            server.terminate()
            server.wait(20)
        entries = Store(folder / "submissions.sqlite3").board(CHALLENGE.seal)
    log.print()
    print(
        f"{count} players, {took:.0f} s, {os.cpu_count()} cores shared with the clients, think time {think:g} s on average"
    )
    print(
        f"answers kept: {len(entries)} of {count}, attempts {sum(e.attempt for e in entries)}; errors: {len(log.errors)}"
    )
    print(
        f"server's memory: {before:.0f} MB before, {during:.0f} MB with {count} players, {after:.0f} MB after they left"
    )
    for error in log.errors[:10]:
        print("  ", error)
    return not log.errors and len(entries) == count == sum(e.attempt for e in entries)


CHALLENGE = open_challenge(ROOT / "assets" / "challenges" / PLAYED)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--players", type=int, default=40)
    parser.add_argument("--think", type=float, default=0.0, help="seconds between two clicks of a player, on average")
    chosen = parser.parse_args()
    sys.exit(0 if asyncio.run(main(chosen.players, chosen.think)) else 1)
