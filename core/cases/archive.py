"""An archive that somebody gives is unpacked into a folder of the audit: only plain files, only inside, within bounds."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from core.foundation.errors import InputError

SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
MOST_BYTES = 64 * 2**30
MOST_FILES = 2_000_000
SPARE = 2**30  # bytes that stay free on the disk
RATIO = 2_000  # times its packed size: no picture or table unpacks to more
PIECE = 2**20
BEHIND = 64  # pieces at most that are read behind the last file of a .tar
UTF8 = 0x800  # the flag of a name in a zip
LONGEST = 2**24  # bytes of what a .tar says of one file beside its size, such as its name
OPENERS: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
DAMAGE = (
    OSError, zipfile.BadZipFile, tarfile.TarError, EOFError, RuntimeError, NotImplementedError, ValueError, LookupError,
    OverflowError, zlib.error, lzma.LZMAError,
)  # fmt: skip
Member = tuple[PurePosixPath, int, Callable[[], IO[bytes]]]


def is_archive(path: Path) -> bool:
    """Whether a file is an archive of files, by its bytes and its name; a .npz of arrays is none."""
    if not path.is_file() or not path.name.lower().endswith(SUFFIXES):
        return False
    try:
        if zipfile.is_zipfile(path):
            return True
        with _tar(path):
            return True
    except (EOFError, zlib.error, lzma.LZMAError):
        return True  # it begins as one, and `unpack` says what is wrong with it
    except DAMAGE:
        return False


def unpack(path: Path, into: Path, on_step: Callable[[float], None] | None = None) -> list[str]:
    """Unpack into the new folder `into`; returns notes on what was left out. Raises InputError, and leaves nothing then."""
    notes: list[str] = []
    try:
        into.mkdir(parents=True)
        with _members(path, notes, _Room(path, into)) as members:
            _check(path, members)
            _write(path, members, into, on_step)
    except InputError:
        shutil.rmtree(into, ignore_errors=True)
        raise
    except DAMAGE as problem:
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
def _members(path: Path, notes: list[str], room: _Room) -> Iterator[list[Member]]:
    """The plain files of an archive. Raises InputError as soon as they are too many, or too large together."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.filename.endswith("/")]
            plain = [info for info in infos if (info.external_attr >> 16) & 0o170000 != 0o120000]
            _told(notes, len(infos) - len(plain))
            room.take(len(plain), sum(info.file_size for info in plain))
            yield [(PurePosixPath(_name(info)), info.file_size, partial(archive.open, info)) for info in plain]
    else:
        with _tar(path) as packed:
            files, others = list[tarfile.TarInfo](), 0
            for member in packed:  # one by one: what lies between two is unpacked to find the second
                room.take(1, member.size)
                files += [member] * member.isfile()
                others += not (member.isfile() or member.isdir())
            _told(notes, others)
            yield [(PurePosixPath(member.name), member.size, partial(_opened, packed, member)) for member in files]
            for _ in range(BEHIND):  # to the end, where gzip has the sum of what was read
                if packed.fileobj is None or not packed.fileobj.read(PIECE):
                    break


def _name(info: zipfile.ZipInfo) -> str:
    """The name of a file in a zip: many programs write UTF-8 and do not say so, and what does not say so is read as code page 437."""
    if info.flag_bits & UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


@contextmanager
def _tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Raises what DAMAGE lists."""
    with path.open("rb") as file:
        begin = file.read(max(map(len, OPENERS)))
    opener = next((opener for magic, opener in OPENERS.items() if begin.startswith(magic)), None)
    with (
        opener(path) if opener else path.open("rb") as stream,
        tarfile.TarFile(fileobj=_Metered(stream)) as packed,  # type: ignore[arg-type]
    ):
        yield packed


class _Metered:
    """A stream that is never read far at once: a .tar may say that the name of a file is as long as it likes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.seek, self.tell, self.close = stream.seek, stream.tell, stream.close

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LONGEST:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        return self._stream.read(size)


class _Room:
    """How much of an archive is unpacked."""

    def __init__(self, path: Path, into: Path) -> None:
        self._path, self._packed = path, max(path.stat().st_size, 1)
        self._free = min(MOST_BYTES, max(shutil.disk_usage(into).free - SPARE, 0))
        self._files = self._size = 0

    def take(self, files: int, size: int) -> None:
        """Count some more files. Raises InputError where they are too many, or too large."""
        if size < 0:
            raise InputError(f"{self._path.name} holds a file of {size:,} bytes; it is not unpacked")
        self._files, self._size = self._files + files, self._size + size
        if self._files > MOST_FILES:
            raise InputError(f"{self._path.name} holds more than {MOST_FILES:,} files; at most so many are unpacked")
        if self._size > self._free:
            raise InputError(
                f"{self._path.name} would take {self._size / 2**30:,.1f} GiB; there is room for {self._free / 2**30:,.1f}"
            )
        if self._size > RATIO * self._packed:
            raise InputError(
                f"{self._path.name} would grow to {self._size / self._packed:,.0f} times its size; it is not unpacked"
            )


def _opened(packed: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = packed.extractfile(member)
    assert file is not None, "of plain files it never is"
    return file


def _told(notes: list[str], count: int) -> None:
    if count:
        notes.append(f"{count:,} links or devices in the archive were left out: only plain files are unpacked")


def _check(path: Path, members: list[Member]) -> None:
    """Raise InputError for what would be written elsewhere."""
    if not members:
        raise InputError(f"{path.name} holds no files")
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
