"""Published files: downloaded once, checked against their published sums, unpacked, and shared between processes.

A file gets its name only when all of it is there and right, a folder only when all of it is unpacked; so what has its
name is whole, and whoever was killed half-way leaves nothing that looks finished.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from core.datasets.base import Report, tell
from core.foundation.errors import InputError

_CHUNK = 2**18  # bytes between two reports
_SILENCE = 30  # seconds without a byte after which a server counts as gone


@dataclass(frozen=True)
class Archive:
    """One published file."""

    path: str  # where it lies under the root, as torchvision expects it
    urls: tuple[str, ...]  # tried in this order
    md5: str
    size: int  # bytes
    makes: str = ""  # the one file or folder under the root that matters of what it unpacks to; empty: it is the data


@dataclass(frozen=True)
class Source:
    """A published data set: what it is called in messages, whose it is, and its files."""

    title: str
    home: str  # the project that publishes it
    archives: tuple[Archive, ...]


def ensure(source: Source, root: Path, *, download: bool, report: Report | None = None) -> None:
    """All files of the source under root, fetching and unpacking what is not there yet.

    Raises InputError where something is missing and cannot be had, is not the published file, or cannot be written.
    """
    missing = _missing(source, root)
    if missing and not download and any(not (root / archive.path).is_file() for archive in missing):
        raise _absent(source, root, "dataset.download is off")
    if missing:
        try:
            root.mkdir(parents=True, exist_ok=True)
            with _alone(root, source, report):
                _complete(source, root, report)
        except OSError as problem:
            reason = problem.strerror or problem
            raise InputError(
                f"{source.title} cannot be stored in {root} ({reason}); choose another folder: --set dataset.root=PATH"
            ) from None
    for archive in source.archives:
        if not archive.makes:
            _check(root / archive.path, archive)


def _missing(source: Source, root: Path) -> list[Archive]:
    return [archive for archive in source.archives if not (root / (archive.makes or archive.path)).exists()]


def _complete(source: Source, root: Path, report: Report | None) -> None:
    missing = _missing(source, root)  # asked again: another process may have been at it while this one waited
    absent = [archive for archive in missing if not (root / archive.path).is_file()]
    progress = _Progress(source.title, sum(archive.size for archive in absent), report)
    for archive in absent:
        _download(source, archive, root, progress)
    for archive in missing:
        if archive.makes:
            tell(report, f"Unpacking {Path(archive.path).name}")
            _unpack(root / archive.path, archive, root / archive.makes)


class _Progress:
    """Bytes that have come, of all that are to come."""

    def __init__(self, title: str, total: int, report: Report | None) -> None:
        self._title, self._total, self._done, self._report = title, total, 0, report

    def add(self, count: int) -> None:
        self._done += count
        words = f"Downloading {self._title}: {self._done / 1e6:,.0f} of {_megabytes(self._total)}"
        tell(self._report, words, min(self._done / self._total, 1.0))


def _download(source: Source, archive: Archive, root: Path, progress: _Progress) -> None:
    file = root / archive.path
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".download-") as aside:
        part = Path(aside) / file.name
        reason = ""
        for url in archive.urls:
            try:
                with part.open("wb") as out:
                    for chunk in _chunks(url):
                        out.write(chunk)
                        progress.add(len(chunk))
            except _NoAnswer as problem:
                reason = str(problem)
                continue
            if _md5(part) == archive.md5:
                part.replace(file)
                return
            reason = f"what {url} sent is not the published file"
        raise _absent(source, root, reason)


class _NoAnswer(Exception):
    """The server cannot be reached, or stopped answering. Not an OSError: that is what a full disk raises."""


def _chunks(url: str) -> Iterator[bytes]:
    try:
        with _open(url) as answer:
            while chunk := answer.read(_CHUNK):
                yield chunk
    except (OSError, http.client.HTTPException) as problem:
        reason = getattr(problem, "reason", None) or problem  # URLError wraps what really happened
        words = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        raise _NoAnswer(words.splitlines()[0]) from None


def _open(url: str) -> AbstractContextManager[IO[bytes]]:
    request = urllib.request.Request(url, headers={"User-Agent": "spectre-lens"})
    answer: AbstractContextManager[IO[bytes]] = urllib.request.urlopen(request, timeout=_SILENCE)
    return answer


def _unpack(file: Path, archive: Archive, made: Path) -> None:
    from torchvision.datasets.utils import extract_archive

    _check(file, archive)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".unpack-") as aside:
        extract_archive(str(file), aside)
        made.parent.mkdir(parents=True, exist_ok=True)
        (Path(aside) / made.relative_to(file.parent)).replace(made)


def _check(file: Path, archive: Archive) -> None:
    if _md5(file) != archive.md5:
        raise InputError(f"{file} is damaged (it is not the published file); delete it and try again")


def _md5(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _absent(source: Source, root: Path, reason: str) -> InputError:
    absent = [archive for archive in _missing(source, root) if not (root / archive.path).is_file()]
    names = ", ".join(Path(archive.path).name for archive in absent)
    size = _megabytes(sum(archive.size for archive in absent))
    folder = (root / absent[0].path).parent
    address = absent[0].urls[0].rpartition("/")[0]
    return InputError(
        f"{source.title} is not here and cannot be downloaded ({reason}); fetch {names} ({size}) from {source.home}, "
        f"{address}, put {'it' if len(absent) == 1 else 'them'} into {folder}, and try again"
    )


def _megabytes(size: int) -> str:
    return f"{max(size / 1e6, 1):,.0f} MB"


@contextlib.contextmanager
def _alone(root: Path, source: Source, report: Report | None) -> Iterator[None]:
    """One process at a time, so that the second finds what the first has fetched."""
    lock = FileLock(root / f".{source.title.lower()}.lock")
    while True:
        try:
            lock.acquire(timeout=1)
            break
        except Timeout:
            tell(report, f"Waiting for another process that is fetching {source.title}")  # which may also cancel
    try:
        yield
    finally:
        lock.release()
