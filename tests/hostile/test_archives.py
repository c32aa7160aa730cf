"""Door: archives, which are unpacked into a folder of the audit."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.cases import archive
from tests.cases import snapshot
from tests.hostile.cases import BROKEN, ESCAPE, FORMULA, MARKUP, TURNED, patched, refused, zipped

CLIMBING = (
    "../x",
    "a/../../x",
    "/x",
    "/etc/x",
    "C:\\x",
    "C:x",
    "a\\..\\..\\x",
    "\\\\host\\x",
    "..",
    "~/../x",
    "a/./../../x",
)


def tarred(path: Path, members: dict[str, bytes], how: str = "w", **about: Any) -> Path:
    with tarfile.open(path, how) as packed:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            for key, value in about.items():
                setattr(member, key, value)
            packed.addfile(member, io.BytesIO(data))
    return path


def block(size: bytes, kind: bytes = b"0", name: bytes = b"x") -> bytes:
    """The 512 bytes with which a file of a .tar begins; size: as it stands there."""
    made = bytearray(tarfile.TarInfo("x").tobuf(tarfile.GNU_FORMAT))
    made[:100] = name.ljust(100, b"\0")
    made[124:136], made[156:157] = size.ljust(12, b"\0")[:12], kind
    made[148:156] = b" " * 8
    made[148:156] = f"{sum(made):06o}\0 ".encode()
    return bytes(made)


def encrypted(path: Path) -> None:
    zipped(path, {"x": b"x"})
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    path.write_bytes(data)


REFUSED: dict[str, tuple[str, Callable[[Path], Any], tuple[str, ...]]] = {
    "zip, packed a thousand times": ("a.zip", lambda p: zipped(p, {f"{i}": bytes(10**6) for i in range(3)}, zipfile.ZIP_LZMA), ("times its size",)),
    "zip, a file where a folder is": ("a.zip", lambda p: zipped(p, {"a": b"x", "a/b": b"x"}), ("cannot be unpacked",)),
    "zip, a name twice": ("a.zip", lambda p: zipped(p, {"a": b"x", "./a": b"y"}), ("cannot be unpacked",)),
    "zip, a name of 5,000 letters": ("a.zip", lambda p: zipped(p, {"n" * 5000: b"x"}), ("cannot be unpacked",)),
    "zip with a password": ("a.zip", encrypted, ("cannot be unpacked",)),
    "zip, packed in an unknown way": ("a.zip", lambda p: zipped(p, {"x": b"x" * 99}) and p.write_bytes(patched(p.read_bytes(), b"\x08\0", b"\x63\0")), ("cannot be unpacked",)),
    "zip, cut short": ("a.zip", lambda p: zipped(p, {"x": b"x" * 9999}, 0) and p.write_bytes(p.read_bytes()[9000:]), ("a.zip",)),
    "zip of folders alone": ("a.zip", lambda p: zipped(p, {"a/": b""}), ("holds no files",)),
    "zip without members": ("a.zip", lambda p: zipped(p, {}), ("holds no files",)),
    "tar, cut short": ("a.tar", lambda p: tarred(p, {"x": bytes(9999)}) and p.write_bytes(p.read_bytes()[:4000]), ("cannot be unpacked",)),
    "tar.gz, cut short": ("a.tar.gz", lambda p: tarred(p, {"x": bytes(range(256)) * 99}, "w:gz") and p.write_bytes(p.read_bytes()[:-30]), ("cannot be unpacked",)),
    "tar, a size below 0": ("a.tar", lambda p: p.write_bytes(block(b"\xff" * 12) + bytes(1024)), ("it is not unpacked",)),
    "tar, a size beyond the disk": ("a.tar", lambda p: p.write_bytes(block(b"77777777777") + bytes(1024)), ("a.tar",)),
    "tar, a longer name than is read": ("a.tar", lambda p: p.write_bytes(block(b"00777777777", b"L") + bytes(1024)), ("a header of",)),
    "tar, a name below 0": ("a.tar", lambda p: p.write_bytes(block(b"\xff" * 12, b"L") + bytes(1024)), ("a.tar",)),
    "tar, devices alone": ("a.tar", lambda p: tarred(p, {"x": b""}, type=tarfile.CHRTYPE), ("holds no files",)),
    "tar, a link and a file behind it": ("a.tar", lambda p: tarred(p, {"x": b""}, type=tarfile.SYMTYPE, linkname="/etc"), ("holds no files",)),
    "gz without a tar": ("a.tar.gz", lambda p: p.write_bytes(gzip.compress(b"hello" * 999)), ("a.tar.gz",)),
}  # fmt: skip


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("name", "write", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_an_archive_is_refused(name: str, write: Callable[[Path], Any], words: tuple[str, ...], tmp_path: Path) -> None:
    write(tmp_path / name)
    before = snapshot(tmp_path)
    refused(lambda: archive.unpack(tmp_path / name, tmp_path / "into"), *words)
    assert snapshot(tmp_path) == before
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("name", CLIMBING)
@pytest.mark.parametrize("write", [zipped, tarred])
def test_a_path_that_climbs_is_refused(name: str, write: Callable[..., Path], tmp_path: Path) -> None:
    path = write(tmp_path / ("a.zip" if write is zipped else "a.tar"), {"fine": b"x", name: b"x"})
    before = snapshot(tmp_path)
    refused(lambda: archive.unpack(path, tmp_path / "into"), "outside of its own folder")
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", [MARKUP.replace("/", ""), FORMULA, TURNED, ESCAPE, BROKEN, "-rf", "nul", "~"])
def test_a_file_may_be_called_anything(name: str, tmp_path: Path) -> None:
    archive.unpack(tarred(tmp_path / "a.tar", {name: b"x"}), tmp_path / "into")
    assert snapshot(tmp_path / "into") == {name: b"x"}


def test_rights_of_a_stranger_are_not_taken(tmp_path: Path) -> None:
    archive.unpack(tarred(tmp_path / "a.tar", {"x": b"x"}, mode=0o4777), tmp_path / "into")
    assert (tmp_path / "into" / "x").stat().st_mode & 0o7111 == 0


def test_an_archive_in_an_archive_stays_one(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "b.zip", {"x": bytes(999)}).read_bytes()
    archive.unpack(zipped(tmp_path / "a.zip", {"b.zip": inner}), tmp_path / "into")
    assert snapshot(tmp_path / "into") == {"b.zip": inner}
