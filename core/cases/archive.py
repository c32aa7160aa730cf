"""An archive that somebody gives is unpacked into a folder of the audit: only plain files, only inside, within bounds."""

from __future__ import annotations

import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from core.foundation.errors import InputError

SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
MOST_BYTES = 64 * 2**30
MOST_FILES = 2_000_000
SPARE = 2**30  # bytes that stay free on the disk
RATIO = 2_000  # times its packed size: no picture or table unpacks to more
PIECE = 2**20
BEHIND = 64  # pieces at most that are read behind the last file of a .tar
Member = tuple[PurePosixPath, int, Callable[[], IO[bytes]]]


def is_archive(path: Path) -> bool:
    """Whether a file is an archive of files, by its bytes and its name; a .npz of arrays is none."""
    if not path.is_file() or not path.name.lower().endswith(SUFFIXES):
        return False
    return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)


def unpack(path: Path, into: Path, on_step: Callable[[float], None] | None = None) -> list[str]:
    """Unpack into the new folder `into`; returns notes on what was left out. Raises InputError, and leaves nothing then."""
    notes: list[str] = []
    try:
        into.mkdir(parents=True)
        with _members(path, notes) as members:
            _check(path, members, into)
            _write(path, members, into, on_step)
    except InputError:
        shutil.rmtree(into, ignore_errors=True)
        raise
    except (
        OSError,
        zipfile.BadZipFile,
        tarfile.TarError,
        EOFError,
        RuntimeError,
        NotImplementedError,
        ValueError,
        zlib.error,
        lzma.LZMAError,
    ) as problem:
        shutil.rmtree(into, ignore_errors=True)
        raise InputError(
            f"{path.name} cannot be unpacked ({str(problem).splitlines()[0] if str(problem) else type(problem).__name__})"
        ) from None
    except BaseException:
        shutil.rmtree(into, ignore_errors=True)
        raise
    return notes


def inner(folder: Path) -> Path:
    """Where the files are: the only folder of the only folder is gone into; a single file is meant itself."""
    while True:
        inside = [one for one in folder.iterdir() if one.name[0] != "." and one.name != "__MACOSX"]
        if len(inside) != 1:
            return folder
        if inside[0].is_file():
            return inside[0]
        folder = inside[0]


@contextmanager
def _members(path: Path, notes: list[str]) -> Iterator[list[Member]]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            plain = [info for info in infos if (info.external_attr >> 16) & 0o170000 != 0o120000]
            _told(notes, len(infos) - len(plain))
            yield [(PurePosixPath(info.filename), info.file_size, partial(archive.open, info)) for info in plain]
    else:
        with tarfile.open(path) as packed:
            every = packed.getmembers()
            files = [member for member in every if member.isfile()]
            _told(notes, sum(not (member.isfile() or member.isdir()) for member in every))
            yield [(PurePosixPath(member.name), member.size, partial(_opened, packed, member)) for member in files]
            for _ in range(BEHIND):  # to the end, where gzip has the sum of what was read
                if packed.fileobj is None or not packed.fileobj.read(PIECE):
                    break


def _opened(packed: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = packed.extractfile(member)
    assert file is not None, "of plain files it never is"
    return file


def _told(notes: list[str], count: int) -> None:
    if count:
        notes.append(f"{count:,} links or devices in the archive were left out: only plain files are unpacked")


def _check(path: Path, members: list[Member], into: Path) -> None:
    """Raise InputError for what is too large, or would be written elsewhere."""
    if not members:
        raise InputError(f"{path.name} holds no files")
    if len(members) > MOST_FILES:
        raise InputError(f"{path.name} holds {len(members):,} files; at most {MOST_FILES:,} are unpacked")
    total = sum(size for _, size, _ in members)
    free = shutil.disk_usage(into).free - SPARE
    if total > min(MOST_BYTES, free):
        raise InputError(
            f"{path.name} would take {total / 2**30:,.1f} GiB; there is room for {min(MOST_BYTES, max(free, 0)) / 2**30:,.1f}"
        )
    if total > RATIO * max(path.stat().st_size, 1):
        raise InputError(
            f"{path.name} would grow to {total / path.stat().st_size:,.0f} times its size; it is not unpacked"
        )
    for name, _, _ in members:
        parts = name.parts  # none at all of a name that is empty
        if not parts or name.is_absolute() or ".." in parts or "\\" in str(name) or ":" in parts[0]:
            raise InputError(
                f"{path.name} holds a file outside of its own folder ('{str(name)[:80]}'); it is not unpacked"
            )


def _write(path: Path, members: list[Member], into: Path, on_step: Callable[[float], None] | None) -> None:
    total, done = max(1, sum(size for _, size, _ in members)), 0
    for name, size, start in members:
        target = into.joinpath(*name.parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with start() as source, target.open("xb") as file:
            left = size
            while piece := source.read(min(PIECE, left + 1)):
                left -= len(piece)
                if left < 0:
                    raise InputError(f"{path.name}: a file is larger than the archive says; it is not unpacked")
                file.write(piece)
            if left:
                raise InputError(f"{path.name}: a file is smaller than the archive says; it is not unpacked")
        done += size
        if on_step:
            on_step(done / total)
