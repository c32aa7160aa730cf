from __future__ import annotations

import io
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import IncompleteRead
from multiprocessing import get_context
from pathlib import Path
from urllib.error import URLError

import pytest

from core.datasets import fetch
from core.datasets.fetch import Archive, Source, ensure
from core.foundation.errors import Cancelled, InputError
from tests.core.datasets.published import md5, zipped

RAW = zipped({"things/a.txt": b"apple" * 1000, "things/b.txt": b"pear"})
SOURCE = Source(
    "Fruit", "the orchard", (Archive("box/fruit.zip", ("http://one/fruit.zip", "http://two/fruit.zip"), md5(RAW), len(RAW), "box/things"),)
)  # fmt: skip


@contextmanager
def serve(raw: bytes) -> Iterator[io.BytesIO]:
    yield io.BytesIO(raw)


def leftovers(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


WHOLE = {".fruit.lock", "box/fruit.zip", "box/things/a.txt", "box/things/b.txt"}


def test_the_second_address_is_tried_where_the_first_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(url: str) -> object:
        asked.append(url)
        if "one" in url:
            raise URLError("silence")
        return serve(RAW)

    monkeypatch.setattr(fetch, "_open", answer)
    ensure(SOURCE, tmp_path, download=True)
    assert asked == ["http://one/fruit.zip", "http://two/fruit.zip"]
    assert leftovers(tmp_path) == WHOLE


class Dying(io.BytesIO):
    """Gives a few bytes, then fails."""

    def __init__(self, problem: Exception) -> None:
        super().__init__(b"few")
        self._problem = problem

    def read(self, size: int | None = -1) -> bytes:
        chunk = super().read(size)
        if not chunk:
            raise self._problem
        return chunk


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (URLError(socket.gaierror(-2, "Name or service not known")), "Name or service not known"),
        (TimeoutError("timed out"), "timed out"),
        (Dying(ConnectionResetError(104, "Connection reset by peer")), "Connection reset by peer"),
        (Dying(IncompleteRead(b"few")), "IncompleteRead"),
        (io.BytesIO(RAW[:-1]), "what http://two/fruit.zip sent is not the published file"),
    ],
    ids=["no such host", "timeout", "reset", "cut short", "wrong file"],
)
def test_a_failed_download_is_one_line_and_leaves_nothing(
    answer: Exception | io.BytesIO, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def opened(url: str) -> Iterator[io.BytesIO]:
        if isinstance(answer, Exception):
            raise answer
        answer.seek(0)
        yield answer

    monkeypatch.setattr(fetch, "_open", opened)
    with pytest.raises(InputError) as caught:
        ensure(SOURCE, tmp_path, download=True)
    line = str(caught.value)
    assert line.startswith("Fruit is not here and cannot be downloaded (")
    assert reason in line
    assert line.endswith(
        f"fetch fruit.zip (1 MB) from the orchard, http://one, put it into {tmp_path / 'box'}, and try again"
    )
    assert leftovers(tmp_path) <= {".fruit.lock"}


def test_a_download_that_is_cancelled_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_open", lambda url: serve(RAW))

    def stop(message: str, share: float | None) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        ensure(SOURCE, tmp_path, download=True, report=stop)
    assert leftovers(tmp_path) <= {".fruit.lock"}


def test_progress_counts_up_to_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_open", lambda url: serve(RAW))
    monkeypatch.setattr(fetch, "_CHUNK", 100)
    shares: list[float] = []
    ensure(SOURCE, tmp_path, download=True, report=lambda _, share: share is not None and shares.append(share))
    assert shares == sorted(shares)
    assert len(shares) > 3
    assert shares[-1] == 1


def test_an_archive_laid_there_by_hand_is_checked_before_it_is_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "box" / "fruit.zip"
    file.parent.mkdir()
    file.write_bytes(RAW[:-1])
    with pytest.raises(
        InputError, match=r"fruit.zip is damaged \(it is not the published file\); delete it and try again"
    ):
        ensure(SOURCE, tmp_path, download=True)
    file.write_bytes(RAW)
    ensure(SOURCE, tmp_path, download=False)
    assert leftovers(tmp_path) == WHOLE


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        InputError, match=r"Fruit cannot be stored in .*file \(.*\); choose another folder: --set dataset.root"
    ):
        ensure(SOURCE, tmp_path / "file", download=True)


def _fetch(root: Path, source: Source, log: Path, start: object) -> None:
    """In a process of its own."""

    def answer(url: str) -> object:
        with log.open("a") as file:
            file.write(f"{os.getpid()}\n")
        return serve(RAW)

    fetch._open = answer
    start.wait()  # type: ignore[attr-defined]
    ensure(source, root, download=True)


def test_two_processes_at_once_fetch_it_once(tmp_path: Path) -> None:
    context = get_context("fork")
    start, log = context.Event(), tmp_path / "log"
    root = tmp_path / "root"
    others = [context.Process(target=_fetch, args=(root, SOURCE, log, start)) for _ in range(3)]
    for process in others:
        process.start()
    start.set()
    for process in others:
        process.join(60)
    assert [process.exitcode for process in others] == [0, 0, 0]
    assert len(log.read_text().split()) == 1
    assert leftovers(root) == WHOLE


def test_who_waits_for_another_is_told_so_and_may_give_up(tmp_path: Path) -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with fetch._alone(tmp_path, SOURCE, None):
            held.set()
            done.wait(30)

    def stop(message: str, share: float | None) -> None:
        assert message == "Waiting for another process that is fetching Fruit"
        raise Cancelled

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    try:
        with pytest.raises(Cancelled):
            ensure(SOURCE, tmp_path, download=True, report=stop)
    finally:
        done.set()
        thread.join()
