"""How long from the start of the server to the first picture of the Story, in a real Chromium.

    python benchmarks/startup.py            three starts; the first warms the file cache

The clock starts when the server's process does and stops when the first image of the page has been drawn.
"""

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
DRAWN = "() => { const i = document.querySelector('figure.sl-tile img'); return i && i.complete && i.naturalWidth > 0 }"


def first_picture(tab) -> tuple[float, float]:
    """Seconds until the server answers and until the first picture is there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "dashboard/app.py", "--server.port", str(port)]
    started = time.perf_counter()
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.01)
        answers = time.perf_counter() - started
        tab.goto(f"http://127.0.0.1:{port}", wait_until="commit")
        tab.wait_for_function(DRAWN, timeout=60_000, polling=20)
        return answers, time.perf_counter() - started
    finally:
        server.terminate()
        server.wait(20)


def main() -> None:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        tab = browser.new_page()
        for attempt in range(3):
            answers, drawn = first_picture(tab)
            print(f"start {attempt + 1}: server answers after {answers:.2f} s, first picture after {drawn:.2f} s")
        browser.close()


if __name__ == "__main__":
    main()
