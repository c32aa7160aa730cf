"""The same doors with atheris, which follows the branches of core: `python -m tests.hostile.fuzz_atheris DOOR SECONDS [FOLDER]`.

atheris is none of the requirements: install it where you want to run this. FOLDER keeps the files that were answered wrongly. It
ends with the first file that ends the process.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["core"], enable_loader_override=False):
    from tests.hostile.doors import DOORS
from tests.hostile.fuzz import SECONDS, _too_long, bound_memory, check, keep


def main(door: str, seconds: int, kept: Path) -> None:
    """Files of the door, the first byte of each saying which one it was."""
    found = sorted(DOORS[door].seeds().items())
    scratch, corpus, tally = kept / "scratch", kept / "corpus", Counter[str]()
    scratch.mkdir(parents=True, exist_ok=True)
    corpus.mkdir(exist_ok=True)
    for i, (name, data) in enumerate(found):
        (corpus / name).write_bytes(bytes([i]) + data)

    def one(data: bytes) -> None:
        if not data:
            return
        name = found[data[0] % len(found)][0]
        signal.alarm(SECONDS)
        said = check(door, name, data[1:], scratch)
        signal.alarm(0)
        tally[said] += 1
        if said not in ("read", "refused"):
            keep(data[1:], name, said, kept / "kept")
        (kept / "tally.txt").write_text("".join(f"{count:,} x {line}\n" for line, count in tally.most_common()))

    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", "-max_len=16384", "-rss_limit_mb=0", "-verbosity=0", str(corpus)], one)  # fmt: skip
    bound_memory()
    signal.signal(signal.SIGALRM, _too_long)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else Path(tempfile.mkdtemp()))
