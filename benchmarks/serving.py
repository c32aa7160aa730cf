"""A dashboard of one's own for a benchmark or a test: on a free port, with its own folder of runs.

with serve(folder) as server:
    print(server.url, server.resident)
"""

from __future__ import annotations

import ast
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.sessions import wait_for_server
from core.cases import Cases
from core.runs import Runs, Status
from core.studies import store

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "dashboard" / "app.py"


@dataclass(frozen=True)
class Server:
    """A running dashboard."""

    url: str
    pid: int

    @property
    def resident(self) -> int:
        """Bytes of memory that the server holds, as Linux counts them (VmRSS)."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))

    @property
    def cpu(self) -> float:
        """Seconds of processor time that the server has used, to a hundredth; what else the machine does is not in it."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serve(folder: Path, base: str = "", app: Path = APP, **environment: str) -> Iterator[Server]:
    """A server that keeps its runs in `folder`/runs, its audits in `folder`/audits and its log in `folder`/server.log.

    base: the path below which it answers, "lens"; empty for the root. app: what is served, the dashboard or something to compare it with.

    It ends with the block, and what it started with it. Raises RuntimeError, with the log, where it does not start.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}" + (f"/{base}" if base else "")
    command = [sys.executable, "-m", "streamlit", "run", str(app), "--server.port", str(port)]
    command += ["--server.baseUrlPath", base] if base else []
    own = {"SPECTRE_LENS_RUNS": str(folder / "runs"), "SPECTRE_LENS_AUDITS": str(folder / "audits")}
    surroundings = {**os.environ, **own, **environment}
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=surroundings, stdout=log, stderr=subprocess.STDOUT)
    try:
        try:
            wait_for_server(url)
        except TimeoutError:
            raise RuntimeError((folder / "server.log").read_text()) from None
        yield Server(url, process.pid)
    finally:
        process.terminate()
        process.wait(20)
        end_jobs(folder / "runs")


def end_jobs(root: Path, patience: float = 20.0) -> None:
    """Cancel what is at work in the background on a folder of runs, and on the audits beside it, and return when it has ended.

    Runs and studies are processes of their own, which outlive the server that started them. What has not ended after
    `patience` seconds is killed.
    """
    for _, cancel in _at_work(root):
        cancel()
    deadline = time.monotonic() + patience
    while (left := list(_at_work(root))) and time.monotonic() < deadline:
        time.sleep(0.1)
    for status, _ in left:
        with suppress(ProcessLookupError, PermissionError):
            if os.getpgid(status.pid) == status.pid:  # a job leads a group of its own
                os.killpg(status.pid, signal.SIGKILL)


def _at_work(root: Path) -> Iterator[tuple[Status, Callable[[], None]]]:
    """Where each run and study that another process is at stands, and what asks it to stop."""
    for run in Runs(root):
        for status, cancel in (
            (run.status, run.request_cancel),
            (store.status(run), partial(store.request_cancel, run)),
        ):
            if status and status.active and status.pid != os.getpid():
                yield status, cancel
    for audit in Cases(root.with_name("audits")):
        if audit.status.active and audit.status.pid != os.getpid():
            yield audit.status, audit.request_cancel


@dataclass(frozen=True)
class Page:
    """A page of the app's menu. path: what follows the slash in its address, "" for the first one."""

    title: str
    path: str


def pages() -> tuple[Page, ...]:
    """The pages of the menu, in its order, read from the `st.Page(...)` of dashboard/app.py without running it."""
    found = []
    for call in ast.walk(ast.parse(APP.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "st.Page":
            named = {k.arg: k.value.value for k in call.keywords if isinstance(k.value, ast.Constant)}
            path = "" if named.get("default") else named["url_path"]
            found.append(Page(str(named["title"]), str(path)))
    if not found:
        raise RuntimeError(f"there is no st.Page(title=..., url_path=...) in {APP}")
    return tuple(found)
