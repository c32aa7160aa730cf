"""Archives of strangers: what is unpacked, and what is refused and leaves nothing. The hostile ones are made here, and harmless."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.cases import archive
from core.foundation.errors import InputError

FILES = {"set/ant/0.png": b"zero", "set/ant/1.png": b"one", "set/bee/0.png": b"two" * 999}
Pack = Callable[[Path, dict[str, bytes]], Path]


def zipped(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return path


def tarred(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, f"w:{path.suffix[1:] if path.suffix in ('.gz', '.bz2', '.xz') else ''}") as packed:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
    return path


def check_refused(path: Path, tmp_path: Path, message: str) -> None:
    before = sorted(str(one) for one in tmp_path.rglob("*"))
    with pytest.raises(InputError, match=message) as problem:
        archive.unpack(path, tmp_path / "into")
    assert "\n" not in str(problem.value)
    assert sorted(str(one) for one in tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "pack"),
    [("a.zip", zipped), ("a.tar", tarred), ("a.tar.gz", tarred), ("a.tar.bz2", tarred), ("a.tar.xz", tarred)],
)
def test_files_come_out_as_they_went_in(tmp_path: Path, name: str, pack: Pack) -> None:
    path, seen = pack(tmp_path / name, FILES), list[float]()
    assert archive.is_archive(path)
    assert archive.unpack(path, tmp_path / "into", seen.append) == []
    found = {
        f.relative_to(tmp_path / "into").as_posix(): f.read_bytes()
        for f in (tmp_path / "into").rglob("*")
        if f.is_file()
    }
    assert found == FILES
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Straße".encode(), "Straße"),
        ("猫 cat".encode(), "猫 cat"),
        ("café".encode("cp437"), "café"),
        (b"plain", "plain"),
    ],
)
def test_names_of_a_zip_are_utf_8_though_it_does_not_say_so(tmp_path: Path, written: bytes, name: str) -> None:
    """Many programs write it without the flag; what cannot be UTF-8 is the code page that the format then means."""

    class Silent(zipfile.ZipInfo):
        def _encodeFilenameFlags(self) -> tuple[bytes, int]:
            return written + b"/a.png", 0

    with zipfile.ZipFile(tmp_path / "silent.zip", "w") as packed:
        packed.writestr(Silent("x/a.png"), b"a")
    archive.unpack(tmp_path / "silent.zip", tmp_path / "into")
    assert [path.name for path in (tmp_path / "into").iterdir()] == [name]


def test_what_is_meant_is_found_inside(tmp_path: Path) -> None:
    archive.unpack(zipped(tmp_path / "a.zip", FILES | {"__MACOSX/._set": b"x"}), tmp_path / "into")
    assert archive.inner(tmp_path / "into") == tmp_path / "into" / "set"
    archive.unpack(zipped(tmp_path / "b.zip", {"x/features.npy": b"x"}), tmp_path / "one")
    assert archive.inner(tmp_path / "one") == tmp_path / "one" / "x" / "features.npy"


def test_arrays_and_other_files_are_no_archives(tmp_path: Path) -> None:
    assert not archive.is_archive(zipped(tmp_path / "a.npz", {"x.npy": b"x"}))
    (tmp_path / "b.zip").write_bytes(b"no archive")
    assert not archive.is_archive(tmp_path / "b.zip")
    assert not archive.is_archive(tmp_path)


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize(
    "name", ["../out.png", "set/../../out.png", "/tmp/out.png", "C:/out.png", "set\\..\\..\\out.png"]
)
def test_paths_that_climb_are_refused(tmp_path: Path, pack: Pack, name: str) -> None:
    path = pack(tmp_path / ("a.zip" if pack is zipped else "a.tar"), {"ok.png": b"x", name: b"x"})
    check_refused(path, tmp_path, "outside of its own folder")


@pytest.mark.parametrize("name", ["", "."])
def test_a_file_without_a_name_is_refused(tmp_path: Path, name: str) -> None:
    check_refused(tarred(tmp_path / "a.tar", {"ok.png": b"x", name: b"x"}), tmp_path, "outside of its own folder")


def test_links_and_devices_are_left_out_and_counted(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as packed:
        for name, kind in (
            ("soft", tarfile.SYMTYPE),
            ("hard", tarfile.LNKTYPE),
            ("pipe", tarfile.FIFOTYPE),
            ("ok", tarfile.REGTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/hostname" if kind == tarfile.SYMTYPE else "ok"
            packed.addfile(member, io.BytesIO())
    notes = archive.unpack(tmp_path / "a.tar", tmp_path / "into")
    assert [one.name for one in (tmp_path / "into").iterdir()] == ["ok"]
    assert notes[0].startswith("3 links or devices")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as zipped_too:
        link = zipfile.ZipInfo("soft")
        link.external_attr = 0o120777 << 16
        zipped_too.writestr(link, "/etc/hostname")
        zipped_too.writestr("ok", b"")
    notes = archive.unpack(tmp_path / "b.zip", tmp_path / "into-b")
    assert [one.name for one in (tmp_path / "into-b").iterdir()] == ["ok"]
    assert notes[0].startswith("1 links or devices")


@pytest.mark.parametrize("said", [5, 500])
def test_sizes_that_lie_are_refused(tmp_path: Path, said: int) -> None:
    path = zipped(tmp_path / "a.zip", {"x.png": bytes(100)}, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(signature) + offset
        assert struct.unpack_from("<I", data, at) == (100,)
        struct.pack_into("<I", data, at, said)
    path.write_bytes(data)
    check_refused(path, tmp_path, "cannot be unpacked|than the archive says")


def test_what_grows_too_much_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"x.png": bytes(2**22)}, zipfile.ZIP_BZIP2)
    assert archive.RATIO * path.stat().st_size < 2**22
    check_refused(path, tmp_path, "times its size")


def test_what_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "a.zip", FILES)
    with monkeypatch.context() as patch:
        patch.setattr(archive, "MOST_BYTES", 100)
        check_refused(path, tmp_path, "there is room for 0.0")
    with monkeypatch.context() as patch:
        patch.setattr(archive, "SPARE", 2**62)
        check_refused(path, tmp_path, "there is room for 0.0")
    monkeypatch.setattr(archive, "MOST_FILES", 2)
    check_refused(path, tmp_path, "holds more than 2 files")


def test_empty_ones_are_refused(tmp_path: Path) -> None:
    check_refused(zipped(tmp_path / "a.zip", {}), tmp_path, "holds no files")
    check_refused(zipped(tmp_path / "b.zip", {"folder/": b""}), tmp_path, "holds no files")


@pytest.mark.parametrize(
    ("name", "pack"), [("a.zip", zipped), ("a.tar.gz", tarred), ("a.tar.xz", tarred), ("a.tar.bz2", tarred)]
)
def test_damaged_ones_are_one_line(tmp_path: Path, name: str, pack: Pack) -> None:
    """Bytes in the middle are turned over, one place after the other: whatever the library raises, it is one line."""
    noise = b"".join(struct.pack("<Q", (i * 0x9E3779B97F4A7C15) % 2**64) for i in range(400))
    good = pack(tmp_path / name, {"x.png": noise, "y.png": noise[::-1]}).read_bytes()
    refused: list[str] = []
    for at in range(40, len(good) - 120, len(good) // 25):
        (tmp_path / name).write_bytes(good[:at] + bytes(b ^ 0xFF for b in good[at : at + 8]) + good[at + 8 :])
        try:
            archive.unpack(tmp_path / name, tmp_path / f"into-{at}")
        except InputError as problem:
            refused.append(str(problem))
    assert len(refused) > 10
    assert not [line for line in refused if "\n" in line]
    assert len(list(tmp_path.iterdir())) == 1 + len(range(40, len(good) - 120, len(good) // 25)) - len(refused)


def test_the_same_name_twice_and_a_password_are_refused(tmp_path: Path) -> None:
    check_refused(tarred(tmp_path / "a.tar", {"x": b"1", "./x": b"2"}), tmp_path, "cannot be unpacked")
    path = zipped(tmp_path / "b.zip", {"x": b"1"})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1  # the mark of what is encrypted
    path.write_bytes(data)
    check_refused(path, tmp_path, "cannot be unpacked")


def test_who_stops_it_finds_nothing_left(tmp_path: Path) -> None:
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        archive.unpack(zipped(tmp_path / "a.zip", FILES), tmp_path / "into", stop)
    assert not (tmp_path / "into").exists()
