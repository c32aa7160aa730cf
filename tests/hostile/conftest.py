"""Every case runs in an empty folder, and is watched: nothing is started or unpickled, and nothing is written elsewhere."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st

NEVER = {"os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pickle.find_class", "socket.connect"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
seen: list[str] | None = None  # what should not have happened; None while nobody watches
allowed: tuple[str, ...] = ()


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if seen is None:
        return
    if event in NEVER:
        seen.append(f"{event} {arguments!r}")
    elif event == "open" and isinstance(arguments[0], str | bytes) and arguments[2] & WRITES:
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if not path.startswith(allowed) and "__pycache__" not in path:
            seen.append(f"writes {path}")


sys.addaudithook(_watch)


@pytest.fixture(scope="session", autouse=True)
def settings_of_the_project() -> None:
    """Streamlit reads its settings once, from the folder of the process: here, before the cases leave it, and not for all tests
    that come after them from an empty one, which would be another server's."""
    st.get_option("server.address")


@pytest.fixture(autouse=True)
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails where a case starts a process, unpickles, connects, or writes outside of its own folder or the system's scratch."""
    global seen, allowed
    (here := tmp_path / "here").mkdir()
    monkeypatch.chdir(here)
    allowed, seen = (str(tmp_path), "/dev/null", os.path.join(tempfile.gettempdir(), ".rows-")), []
    try:
        yield
        found = seen
    finally:
        seen = None
    assert not found, found
    assert not list(here.iterdir()), "something was written into the folder of the process"
